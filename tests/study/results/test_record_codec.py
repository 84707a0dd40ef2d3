import dataclasses
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pnn_core.config import EPOCH_METRICS, ConfirmResult, Costs, EpochResult
from study.results.early_stop import EarlyStop, StopCause
from study.results.record_codec import FORMAT, record_from_json, record_to_json
from study.results.run_record import RunKey, RunRecord, RunState

numbers = st.floats(allow_nan=False)
whole = st.integers(0, 10**12)
costs = st.none() | st.builds(Costs, learnable_params=whole, mask_values=whole, macs=whole)
common = {
    "parameters": st.dictionaries(st.text(), numbers | st.integers() | st.booleans() | st.text()),
    "costs": costs,
    "device": st.text(),
    "worker": st.text(),
    "reason": st.text(),
    "retried": st.lists(st.text(), max_size=3).map(tuple),
    "started_ms": st.none() | whole,
    "ended_ms": st.none() | whole,
}
stops = st.builds(
    EarlyStop, epoch=whole, cause=st.just(StopCause.RANK), rank=whole, of=whole, admitted=whole
) | st.builds(EarlyStop, epoch=whole, cause=st.sampled_from(StopCause).filter("rank".__ne__))


@st.composite
def curves(draw):
    epochs = draw(st.integers(1, 4))
    rows = st.lists(numbers, min_size=5, max_size=5)
    names = [field.name for field in dataclasses.fields(EpochResult)][1:]
    return tuple(
        EpochResult(epoch=epoch, **dict(zip(names, draw(rows), strict=True)))
        for epoch in range(1, epochs + 1)
    )


@st.composite
def records(draw):
    curve = draw(curves())
    seeds = draw(st.integers(0, 3))
    state = draw(st.sampled_from(RunState))
    fields = {name: draw(values) for name, values in common.items()}
    stop = draw(st.none() | stops) if state is RunState.PRUNED else None
    return RunRecord(
        key=RunKey(draw(whole)), state=state, replicates=(curve,) * seeds, stop=stop, **fields
    )


@st.composite
def confirmed_runs(draw):
    state = draw(st.sampled_from(RunState))
    names = [field.name for field in dataclasses.fields(ConfirmResult)]
    result = ConfirmResult(**{name: draw(numbers) for name in names})
    return RunRecord(
        key=RunKey(draw(whole), draw(st.text(min_size=1)), draw(whole)),
        state=state,
        size_difference=draw(numbers),
        result=result if state is RunState.COMPLETE else None,
        **{name: draw(values) for name, values in common.items()},
    )


def through_text(document):
    """What strict JSON makes of a document: `allow_nan` would write words that JSON lacks."""
    return json.loads(json.dumps(document, allow_nan=False))


@given(records())
def test_a_record_comes_back_equal_with_the_types_of_its_parameters(record):
    back = record_from_json(through_text(record_to_json(record)))
    assert back == record
    for name, value in record.parameters.items():
        assert type(back.parameters[name]) is type(value)


@given(confirmed_runs())
def test_a_confirmation_run_comes_back_equal(run):
    assert record_from_json(through_text(record_to_json(run))) == run


def test_what_is_not_a_number_comes_back(record, epoch):
    odd = dataclasses.replace(epoch(1), val_loss=math.nan)
    trial = dataclasses.replace(record(0, RunState.FAILED), replicates=((odd,),))
    back = record_from_json(through_text(record_to_json(trial)))
    assert math.isnan(back.epochs[0].val_loss)


def test_a_text_that_reads_like_a_number_stays_a_text(record):
    trial = dataclasses.replace(record(0, RunState.FAILED), parameters={"a": "inf", "b": "1"})
    assert record_from_json(through_text(record_to_json(trial))) == trial


def test_a_curve_costs_its_numbers_and_little_else(record):
    text = json.dumps(record_to_json(record(0, RunState.COMPLETE, epochs=1000)))
    assert len(text) < 1000 * 5 * 24


@given(
    st.recursive(
        st.none() | st.booleans() | numbers | st.text(),
        lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(), inner, max_size=3),
    ),
    st.data(),
)
def test_a_malformed_document_is_refused_in_one_sentence(odd, data):
    full = record_to_json(RunRecord(key=RunKey(0), state=RunState.COMPLETE, parameters={"a": 1}))
    name = data.draw(st.sampled_from(sorted(full)))
    for document in (odd, {**full, name: odd}):
        try:
            back = record_from_json(document)
        except ValueError as error:
            assert "\n" not in str(error)
        else:  # it happened to be a good one
            assert record_to_json(back) == document


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"trial": 1.5}, r"trial \(=1.5\) must be a whole number"),
        ({"state": "asleep"}, "'asleep' is not a valid RunState"),
        ({"costs": {"macs": 1}}, "'learnable_params' is missing in a document of a Costs"),
        ({"replicates": [7]}, r"curve \(=7\) must be a document"),
        ({"replicates": [{}]}, "'train_loss' is missing in a document of a curve"),
        ({"replicates": [{n: ["5"] for n in EPOCH_METRICS}]}, r"\(='5'\) must be a number"),
        ({"replicates": [{n: [5] * len(n) for n in EPOCH_METRICS}]}, "as many epochs of each"),
        ({"stop": {"epoch": 1, "cause": "rank"}, "state": "pruned"}, "must have rank"),
        ({"stop": {"epoch": 1, "cause": "dice"}}, "'dice' is not a valid StopCause"),
        ({"stop": {"epoch": 1, "cause": "not_finite"}}, "is for pruned trials"),
        ({"format": FORMAT + 1}, f"has format {FORMAT + 1}, and this program reads formats up to"),
        ({"format": "x"}, "has format 'x'"),
        ({"parameters": {"a": None}}, r"a \(=None\) must be a number, a text"),
        ({"extra": 1}, "'extra' is unknown"),
        ({"retried": "no list"}, r"retried \(='no list'\) must be a list"),
    ],
)
def test_what_is_wrong_is_named(record, changed, message):
    document = record_to_json(record(0, RunState.COMPLETE, epochs=2)) | changed
    with pytest.raises(ValueError, match=message):
        record_from_json(document)


def test_a_field_that_is_missing_is_named(record):
    document = record_to_json(record(0, RunState.COMPLETE))
    del document["device"]
    with pytest.raises(ValueError, match="'device' is missing in a document of a RunRecord"):
        record_from_json(document)


def test_a_document_tells_its_format(record):
    assert record_to_json(record(0, RunState.COMPLETE))["format"] == FORMAT
