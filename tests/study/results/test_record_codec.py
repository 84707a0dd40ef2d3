import dataclasses
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pnn_core.config import ConfirmResult, Costs, EpochResult
from study.results.record_codec import (
    confirmed_from_json,
    confirmed_to_json,
    record_from_json,
    record_to_json,
)
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
    return RunRecord(key=RunKey(draw(whole)), state=state, replicates=(curve,) * seeds, **fields)


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
    assert confirmed_from_json(through_text(confirmed_to_json(run))) == run


@given(records(), confirmed_runs())
def test_documents_from_before_workers_were_recorded_have_none(record, run):
    trial, confirmation = record_to_json(record), confirmed_to_json(run)
    del trial["worker"], confirmation["worker"]
    assert record_from_json(through_text(trial)) == dataclasses.replace(record, worker="")
    assert confirmed_from_json(through_text(confirmation)) == dataclasses.replace(run, worker="")


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
        ({"number": 1.5}, r"number \(=1.5\) must be a whole number"),
        ({"state": "asleep"}, "'asleep' is not a valid RunState"),
        ({"costs": {"macs": 1}}, "'learnable_params' is missing in a document of a Costs"),
        ({"replicates": [[[1, 2]]]}, r"replicates \(=\[1, 2\]\) must be rows of 5 numbers"),
        ({"replicates": [[[1, 2, 3, 4, "5"]]]}, r"val_seconds \(='5'\) must be a number"),
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
