"""Documents of records as format 1 had them."""

import json
import math
from dataclasses import asdict, replace

import pytest

from pnn_core.config import ConfirmResult, Costs
from study.results.early_stop import EarlyStop, StopCause
from study.results.record_codec import record_from_json
from study.results.run_record import RunKey, RunRecord, RunState

ROW = ("train_loss", "val_loss", "val_accuracy", "train_seconds", "val_seconds")
RESULT = ("train_loss", "test_accuracy", "published_test_accuracy", "train_seconds")
COMMON = ("device", "worker", "reason", "started_ms", "ended_ms")

CONFIRMATION = RunRecord(
    key=RunKey(3, "conv1x1", 10**10),
    state=RunState.COMPLETE,
    parameters={"layer": "conv1x1", "seed": 10**10},
    size_difference=-0.0123,
    costs=Costs(learnable_params=1, mask_values=2, macs=3),
    result=ConfirmResult(
        train_loss=1 / 7, test_accuracy=2 / 3, published_test_accuracy=0.7, train_seconds=9.5
    ),
    worker="a-host:7",
)


def spelt(number):
    return number if math.isfinite(number) else str(number)


def written(record):
    """Write a record as format 1 did."""
    document = {name: getattr(record, name) for name in COMMON} | {
        "state": record.state.value,
        "parameters": dict(record.parameters),
        "costs": None if record.costs is None else asdict(record.costs),
        "retried": list(record.retried),
    }
    if record.key.is_confirmation:
        result = record.result and {k: spelt(getattr(record.result, k)) for k in RESULT}
        document |= {"trial": record.trial, "layer": record.layer, "seed": record.seed}
        document |= {"size_difference": spelt(record.size_difference), "result": result}
    else:
        rows = [[[spelt(getattr(e, n)) for n in ROW] for e in c] for c in record.replicates]
        document |= {"number": record.number, "replicates": rows}
    return json.loads(json.dumps(document))


@pytest.mark.parametrize("state", sorted({*RunState} - {RunState.PRUNED}))
@pytest.mark.parametrize("epochs", [0, 1, 40])
def test_a_trial_of_format_1_is_read(record, state, epochs):
    trial = replace(record(7, state, epochs=epochs, reason="a\nb"), retried=("x", "y"))
    trial = replace(trial, replicates=trial.replicates * 2)
    assert record_from_json(written(trial)) == trial


def test_numbers_that_are_not_finite_are_read(record, epoch):
    odd = replace(epoch(1), train_loss=math.inf, val_loss=-math.inf)
    trial = replace(record(0, RunState.FAILED), replicates=((odd,),))
    assert record_from_json(written(trial)) == trial


@pytest.mark.parametrize("state", [RunState.COMPLETE, RunState.FAILED])
def test_a_confirmation_of_format_1_is_read(state):
    result = CONFIRMATION.result if state is RunState.COMPLETE else None
    run = replace(CONFIRMATION, state=state, result=result)
    assert record_from_json(written(run)) == run


@pytest.mark.parametrize(
    "stop",
    [
        EarlyStop(epoch=3, cause=StopCause.RANK, rank=4, of=7, admitted=2),
        EarlyStop(epoch=27, cause=StopCause.NOT_FINITE),
    ],
)
def test_an_early_stop_is_read_from_its_sentence(record, stop):
    trial = record(7, RunState.PRUNED, epochs=5, stop=stop)
    found = record_from_json(written(trial))
    assert found == trial
    assert found.stop == stop


@pytest.mark.parametrize("reason", ["", "beaten", "stopped at epoch 1: beaten"])
def test_another_sentence_stays_as_it_is(record, reason):
    trial = record(7, RunState.PRUNED, epochs=5, reason=reason)
    assert record_from_json(written(trial)) == trial


def test_documents_from_before_workers_were_recorded_have_none(record):
    for run in (record(3, RunState.COMPLETE, epochs=2), CONFIRMATION):
        document = written(run)
        del document["worker"]
        assert record_from_json(document) == replace(run, worker="")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"number": 1.5}, r"trial \(=1.5\) must be a whole number"),
        ({"state": "asleep"}, "'asleep' is not a valid RunState"),
        ({"replicates": [[[1, 2]]]}, r"\[1, 2\] does not hold the 5 numbers of epoch 1"),
        ({"replicates": [7]}, r"replicates \(=7\) must be a list"),
        ({"replicates": 7}, r"replicates \(=7\) must be a list"),
        ({"replicates": [[[1, 2, 3, 4, "5"]]]}, r"val_seconds \(='5'\) must be a number"),
        ({"extra": 1}, "'extra' is unknown"),
        ({"device": ...}, "'device' is missing in a document of a RunRecord"),
    ],
)
def test_what_is_wrong_in_format_1_is_named(record, changed, message):
    document = written(record(0, RunState.COMPLETE, epochs=2)) | changed
    document = {name: value for name, value in document.items() if value is not ...}
    with pytest.raises(ValueError, match=message):
        record_from_json(document)
