import dataclasses
import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pnn_core.config import EPOCH_METRICS, TASKS, ConfirmResult, Costs, EpochResult
from study.results.early_stop import EarlyStop, StopCause
from study.results.record_codec import FORMAT, record_from_json, record_to_json
from study.results.run_record import RunKey, RunRecord, RunState
from study.results.tuning_point import TuningPoint

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


points = st.builds(
    TuningPoint,
    settings=st.dictionaries(st.text(), numbers | st.integers(), max_size=2),
    seeds=whole,
    val_accuracy=numbers | st.just(math.nan),
    val_loss=numbers | st.just(math.nan),
)


tuning_keys = st.tuples(whole, st.text(min_size=1), whole, st.integers(1, 9)).map(RunKey._make)


@st.composite
def curves(draw):
    epochs = draw(st.integers(1, 4))
    task = draw(st.sampled_from([*TASKS]))
    names = [name for name, metric in EPOCH_METRICS.items() if metric.task in (None, task)]
    rows = st.lists(numbers, min_size=len(names), max_size=len(names))
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
        key=draw(whole.map(RunKey) | tuning_keys),
        state=state,
        replicates=(curve,) * seeds,
        stop=stop,
        **fields,
    )


@st.composite
def results(draw):
    measured = {f.name: draw(numbers) for f in dataclasses.fields(ConfirmResult) if f.type is float}
    measured["moved_test_accuracy"] = draw(numbers | st.just(math.nan))
    bits = draw(st.lists(st.booleans(), max_size=40))
    packed = np.packbits(np.array(bits, dtype=np.bool_)).tobytes()
    return ConfirmResult(**measured, test_images=len(bits), correct_images=packed)


@st.composite
def confirmed_runs(draw):
    state = draw(st.sampled_from(RunState))
    result = draw(results())
    return RunRecord(
        key=RunKey(draw(whole), draw(st.text(min_size=1)), draw(whole)),
        state=state,
        size_difference=draw(numbers),
        result=result if state is RunState.COMPLETE else None,
        tuning=draw(st.lists(points, max_size=2).map(tuple)),
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


def a_result(**given):
    return ConfirmResult(
        train_loss=0.1,
        test_accuracy=0.5,
        published_test_accuracy=0.6,
        train_seconds=1.0,
        **given,
    )


def confirmation_document(result):
    run = RunRecord(
        key=RunKey(1, "conv1x1", 7), state=RunState.COMPLETE, parameters={}, result=result
    )
    return through_text(record_to_json(run))


def test_a_result_of_an_earlier_study_reads_as_not_recorded():
    document = confirmation_document(a_result())
    for name in ("moved_test_accuracy", "test_images", "correct_images"):
        del document["result"][name]
    result = record_from_json(document).result
    assert result == a_result()
    assert math.isnan(result.moved_test_accuracy)
    assert (result.test_images, result.correct_images) == (0, b"")
    assert "moved_test_accuracy" not in record_from_json(document).metrics()


def test_images_that_were_right_take_a_bit_each_and_are_no_metric():
    bits = np.arange(10_000) % 3 == 0
    packed = np.packbits(bits).tobytes()
    result = a_result(moved_test_accuracy=0.4, test_images=10_000, correct_images=packed)
    document = confirmation_document(result)
    assert len(document["result"]["correct_images"]) < 10_000 / 6 + 4
    back = record_from_json(document)
    read = np.unpackbits(np.frombuffer(back.result.correct_images, np.uint8), count=10_000)
    np.testing.assert_array_equal(read.astype(np.bool_), bits)
    assert back.metrics()["moved_test_accuracy"] == 0.4
    assert {type(value) for value in back.metrics().values()} == {float}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"test_images": 17},
            r"correct_images \(2 bytes\) must be 3 bytes for test_images \(=17\)",
        ),
        ({"test_images": 0}, r"correct_images \(2 bytes\) must be 0 bytes"),
        ({"correct_images": "é!"}, r"correct_images \(='é!'\) must be base64"),
        ({"correct_images": "AAA"}, r"correct_images \(='AAA'\) must be base64"),
        ({"correct_images": 5}, r"correct_images \(=5\) must be a text"),
    ],
)
def test_bits_of_another_size_are_refused(changed, message):
    document = confirmation_document(a_result(test_images=16, correct_images=bytes(2)))
    document["result"] |= changed
    with pytest.raises(ValueError, match=message):
        record_from_json(document)


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
        ({"trial": 10**400}, r"trial \(=1000000"),
        ({"size_difference": 10**400}, r"size_difference \(=10000.*must be a number"),
        ({"parameters": {"a": 10**400}}, r"a \(=10000.*must be a number, a text"),
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
