import dataclasses
import json
import math
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pnn_core.config import CLASSIFICATION, EPOCH_METRICS
from study.results.mlflow import run_format as fmt
from study.results.mlflow.encoding import DecodeError, decode_value, encode_value, from_mlflow
from study.results.objective import OBJECTIVES
from study.results.record_codec import FORMAT
from study.results.run_record import RunKey, RunRecord, RunState

OF_CLASSIFIERS = [n for n, m in EPOCH_METRICS.items() if m.task in (None, CLASSIFICATION)]
ENDED = [state for state in RunState if state.is_final]

numbers = st.floats(allow_nan=False) | st.integers() | st.booleans()
values = numbers | st.text()


def tags_of(record):
    return {"trial_number": str(record.number), **fmt.state_tags(record)}


def decode(record, tags=None, **times):
    return fmt.decode_run(
        fmt.run_params(record),
        tags_of(record) if tags is None else tags,
        fmt.final_metrics(record),
        record.replicates,
        **{"started_ms": None, "ended_ms": None, **times},
    )


@given(values)
def test_a_parameter_keeps_its_value_and_type(value):
    back = decode_value(encode_value(value))
    assert back == value
    assert type(back) is type(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (64, "64"),
        (0.1, "0.1"),
        (1e-05, "1e-05"),
        (True, "true"),
        ("adam", "adam"),
        ("64", '"64"'),
        ("", '""'),
        ((0.6, 0.9), "[0.6, 0.9]"),
    ],
)
def test_numbers_and_plain_texts_are_spelt_as_people_write_them(value, text):
    assert encode_value(value) == text


# A tag holds some fifty epochs.
@pytest.mark.parametrize("epochs", [0, 1, 49, 50, 51, 300])
@pytest.mark.parametrize("state", ENDED)
def test_a_trial_that_ended_comes_back_equal(record, state, epochs):
    trial = record(12, state, epochs, reason="a\nb")
    assert decode(trial) == trial


@pytest.mark.parametrize("kept", [0, 5, 49, 50, 51])
def test_a_shorter_second_life_hides_the_tags_of_a_longer_first_one(record, kept):
    first = fmt.state_tags(record(0, RunState.FAILED, epochs=300))
    trial = record(0, RunState.PRUNED, epochs=kept)
    assert decode(trial, {**first, **tags_of(trial)}) == trial
    running = record(0, RunState.RUNNING)
    assert decode(running, {**first, **tags_of(running)}) == running


def test_no_tag_is_longer_than_the_strictest_tracker_takes(record, epoch):
    longest = -1.2345678901234567e-300
    worst = dict.fromkeys(OF_CLASSIFIERS, longest)
    epochs = tuple(dataclasses.replace(epoch(e), **worst) for e in range(1, 201))
    trial = dataclasses.replace(
        record(0, RunState.FAILED, reason="“" * 9000), replicates=(epochs,), retried=("x\n" * 9000,)
    )
    assert max(map(len, fmt.state_tags(trial).values())) <= 5000
    assert decode(trial) == trial


def test_a_reason_that_is_cut_for_people_says_so(record):
    reason = fmt.state_tags(record(0, RunState.FAILED, reason="x" * 9000))["reason"]
    assert reason.startswith("xxx")
    assert reason.endswith("… [cut: 9000 characters]")


@given(reasons=st.lists(st.text()))
def test_reasons_of_retries_come_back(reasons):
    trial = RunRecord(key=RunKey(0), state=RunState.FAILED, parameters={}, retried=tuple(reasons))
    assert decode(trial) == trial


def test_reasons_of_retries_can_be_read_by_people(record):
    reasons = ("the worker died: “killed” <9>", "out of memory")
    trial = dataclasses.replace(record(0, RunState.FAILED), retried=reasons)
    assert fmt.state_tags(trial)["retried"] == "\n".join(reasons)
    assert fmt.state_tags(record(0, RunState.FAILED))["retried"] == ""


def test_a_reason_that_no_database_can_hold_is_spelt_out_and_comes_back(record):
    trial = record(0, RunState.FAILED, reason="a\0b\ud800c")
    tags = fmt.state_tags(trial)
    assert tags["reason"] == r"a\x00b\ud800c"
    assert all(text.isascii() for name, text in tags.items() if name.startswith("record."))
    assert decode(trial) == trial


def test_retries_and_times_of_a_trial_come_back(record):
    trial = dataclasses.replace(record(3, RunState.COMPLETE, epochs=1), retried=("a", "b\nc"))
    assert decode(trial) == trial
    waiting = dataclasses.replace(record(3, RunState.PAUSED, epochs=1), costs=trial.costs)
    assert decode(waiting) == waiting


def test_a_trial_that_has_not_ended_has_no_end_and_its_curve_from_the_series(record):
    trial = record(3, RunState.RUNNING, epochs=2)
    assert 'val_loss":[' not in "".join(fmt.state_tags(trial).values())
    # MLflow keeps the end of a run that was opened again.
    assert decode(trial, ended_ms=5) == trial


def test_the_record_alone_is_read_back(record):
    trial = record(3, RunState.COMPLETE, epochs=2)
    people = {"state": "asleep", "device": "?", "reason": "?", "retried": "?", "seed": "?"}
    found = fmt.decode_run({}, tags_of(trial) | people, {}, (), started_ms=1, ended_ms=2)
    assert found == trial


def test_losses_that_are_not_finite_come_back(record, epoch):
    odd = dataclasses.replace(epoch(1), train_loss=math.inf, val_loss=math.nan)
    trial = dataclasses.replace(record(0, RunState.FAILED), replicates=((odd,),))
    (back,) = decode(trial).epochs
    assert back.train_loss == math.inf
    assert math.isnan(back.val_loss)


def test_an_infinity_that_a_database_clamped_is_restored():
    clamped = [sys.float_info.max, -sys.float_info.max, 1e308]
    assert [from_mlflow(value) for value in clamped] == [math.inf, -math.inf, 1e308]


def test_every_objective_is_a_metric_of_that_name_and_value(record):
    trial = record(0, RunState.COMPLETE, epochs=3)
    shown = fmt.epoch_metrics(trial.epochs[-1]) | fmt.final_metrics(trial)
    assert {name: shown[name] for name in OBJECTIVES if name in shown} == trial.metrics()


def test_no_metric_is_both_a_series_and_a_final_value(record):
    trial = record(0, RunState.COMPLETE, epochs=3)
    assert not fmt.epoch_metrics(trial.epochs[0]).keys() & fmt.final_metrics(trial).keys()


def test_series_are_named_as_people_know_them():
    assert [*fmt.SERIES.values()] == [
        "val_accuracy",
        "val_loss",
        "val_map_50",
        "val_map_50_area",
        "train_loss",
        "epoch_train_seconds",
        "epoch_val_seconds",
    ]


def test_a_series_is_read_up_to_its_first_gap(epoch):
    series = {name: {} for name in fmt.SERIES.values()}
    for result in map(epoch, (1, 2, 4)):
        for name, value in fmt.epoch_metrics(result).items():
            series[name][result.epoch] = value
    assert fmt.curves_from_series(series) == ((epoch(1), epoch(2)),)
    del series["val_loss"][2]
    assert fmt.curves_from_series(series) == ((epoch(1),),)
    del series["val_loss"][1]
    assert fmt.curves_from_series(series) == ()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"trial_number": None}, "trial_number is missing"),
        ({"trial_number": "x"}, "trial_number.*'x'.*must be whole numbers"),
        ({"pnn.record.0001": None}, "the tags record.* hold no whole record"),
        ({"pnn.record.0000": "7"}, r"RunRecord \(=7.*\) must be a document"),
        ({"pnn.record.0000": "{"}, "hold no whole record"),
        ({"pnn.record.0000": "[" * 5000, "pnn.record.0001": "[" * 5000}, "recursion"),
        ({"pnn.record.0000": json.dumps({"format": FORMAT + 1})}, "reads formats up to"),
        (
            {"pnn.record.0000": json.dumps({"format": FORMAT})},
            "is missing in a document of a RunRec",
        ),
    ],
)
def test_a_broken_tag_is_reported(record, changed, message):
    trial = record(3, RunState.COMPLETE, epochs=90)
    tags = tags_of(trial) | changed
    with pytest.raises(DecodeError, match=message):
        decode(trial, {key: value for key, value in tags.items() if value is not None})


def test_the_names_of_runs_tell_what_they_are_and_sort_as_numbers():
    keys = [RunKey(2), RunKey(10), RunKey(10, "conv1x1", 7)]
    names = [fmt.run_name(key) for key in keys]
    assert names == ["trial-0002", "trial-0010", "trial-0010-conv1x1-seed-7"]
    assert sorted(names) == names


def test_the_end_of_a_name_tells_seeds_apart_which_are_counted_from_1():
    first = 10_000_000_000
    names = [fmt.run_name(RunKey(0, "conv1x1", first + n), first) for n in (0, 1, 9)]
    assert [name.removeprefix("trial-0000-conv1x1-") for name in names] == [
        *("seed-01", "seed-02", "seed-10")
    ]


@pytest.mark.parametrize("key", [RunKey(2), RunKey(10, "conv1x1", 10**11)])
def test_a_key_comes_back_from_the_tags_that_a_run_is_born_with(info, key):
    assert fmt.run_key(fmt.new_run_tags(info, key, "parent")) == key
