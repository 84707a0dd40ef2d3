"""Runs as versions wrote them that kept no document of the record."""

import json
import sys
from dataclasses import replace

import pytest

from pnn_core.config import ConfirmResult, Costs
from study.results.early_stop import EarlyStop, StopCause
from study.results.mlflow import run_format as fmt
from study.results.mlflow.encoding import DecodeError
from study.results.run_record import RunKey, RunRecord, RunState

ENDED = [state for state in RunState if state.is_final]
ROW = ("val_accuracy", "val_loss", "train_loss", "train_seconds", "val_seconds")
PER_TAG = 32

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
    retried=("it <died>",),
    started_ms=1,
    ended_ms=2,
)


def curve_tags(replicates):
    tags = {}
    for seed, curve in enumerate(replicates or ((),)):
        rows = [[getattr(result, name) for name in ROW] for result in curve]
        for start in range(0, len(rows) + 1, PER_TAG):
            part = json.dumps(rows[start : start + PER_TAG])
            tags[f"epochs.{seed}.{start + 1:04d}"] = part
    return tags


def written(record):
    """Write the tags of a run as before."""
    tags = {name: getattr(record, name) for name in ("device", "worker", "reason")}
    tags |= {"state": record.state.value}
    tags |= {"retried": json.dumps(record.retried) if record.retried else ""}
    if record.key.is_confirmation:
        trial, layer, seed = record.trial, record.layer, record.seed
        return tags | {"confirms_trial": str(trial), "layer": layer, "seed": str(seed)}
    curves = curve_tags(record.replicates) if record.state.is_final else {}
    return tags | curves | {"trial_number": str(record.number)}


def decode(record, tags=None, metrics=None):
    return fmt.decode_run(
        fmt.run_params(record),
        written(record) if tags is None else tags,
        record.metrics() if metrics is None else metrics,
        () if record.state.is_final else record.replicates,
        started_ms=record.started_ms,
        ended_ms=record.ended_ms,
    )


@pytest.mark.parametrize("epochs", [0, 1, 31, 32, 33, 64, 100])
@pytest.mark.parametrize("state", ENDED)
def test_a_trial_that_ended_is_read(record, state, epochs):
    trial = replace(record(12, state, epochs, reason="a\nb"), retried=("a", "b\nc"))
    assert decode(trial) == trial


def test_several_seeds_are_read(record, epoch):
    trial = record(12, RunState.COMPLETE, epochs=40)
    other = tuple(replace(result, val_loss=0.5) for result in trial.epochs)
    trial = replace(trial, replicates=(trial.epochs, other))
    assert decode(trial) == trial


@pytest.mark.parametrize("kept", [0, 5, 31, 32, 33])
def test_a_shorter_second_life_hides_the_tags_of_a_longer_first_one(record, kept):
    first = curve_tags(record(0, RunState.FAILED, epochs=80).replicates)
    trial = record(0, RunState.PRUNED, epochs=kept)
    assert decode(trial, first | written(trial)) == trial


def test_an_early_stop_is_read_from_its_sentence(record):
    stop = EarlyStop(epoch=3, cause=StopCause.RANK, rank=4, of=7, admitted=2)
    trial = record(12, RunState.PRUNED, epochs=5, stop=stop)
    assert decode(trial).stop == stop


def test_a_trial_that_has_not_ended_has_its_curve_from_the_series(record):
    paused = replace(record(3, RunState.PAUSED, epochs=2), ended_ms=5)
    assert decode(paused) == replace(paused, ended_ms=None)


@pytest.mark.parametrize("state", [RunState.COMPLETE, RunState.FAILED, RunState.RUNNING])
def test_a_confirmation_is_read(state):
    result = CONFIRMATION.result if state is RunState.COMPLETE else None
    ended_ms = 2 if state.is_final else None
    run = replace(CONFIRMATION, state=state, result=result, ended_ms=ended_ms)
    assert decode(run) == run


def test_a_loss_that_a_database_clamped_is_infinite():
    clamped = CONFIRMATION.metrics() | {"train_loss": sys.float_info.max}
    found = decode(CONFIRMATION, metrics=clamped)
    assert found.result == replace(CONFIRMATION.result, train_loss=float("inf"))


def test_a_trial_from_before_workers_were_recorded_has_none(record):
    trial = record(3, RunState.COMPLETE, epochs=2)
    tags = written(trial)
    assert tags.pop("worker") == trial.worker
    assert decode(trial, tags) == replace(trial, worker="")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"state": None}, "state is missing"),
        ({"state": "asleep"}, "'asleep' is not a valid RunState"),
        ({"epochs.0.0001": None}, "epochs.0.0001 is missing"),
        ({"epochs.0.0001": "[[1, 2"}, "delimiter"),
        ({"epochs.0.0001": "[[1, 2]]"}, "does not hold the 5 numbers of epoch"),
        ({"epochs.0.0001": "[7]"}, "does not hold the 5 numbers of epoch"),
        ({"epochs.0.0001": "7"}, "iterable|len"),
        ({"epochs.0.0001": '["abcde"]'}, r"val_accuracy \(='a'\) must be a number"),
        # Python 3.13 reads so deep without giving up, and misses what is inside.
        ({"epochs.0.0001": "[" * 8000}, "recursion|Expecting value"),
        ({"retried": '{"a": 1}'}, r"retried \(=\{'a': 1\}\) must be a list"),
    ],
)
def test_a_broken_tag_is_reported(record, changed, message):
    trial = record(3, RunState.COMPLETE, epochs=2)
    tags = written(trial) | changed
    with pytest.raises(DecodeError, match=message):
        decode(trial, {key: value for key, value in tags.items() if value is not None})


@pytest.mark.parametrize("broken", [{"macs": 1.0}, {"learnable_params": 1.0, "macs": float("nan")}])
def test_incomplete_costs_are_reported(record, broken):
    with pytest.raises(DecodeError):
        decode(record(3, RunState.COMPLETE), metrics=broken)
