import dataclasses
import math
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.results.mlflow import curves as curves
from study.results.mlflow import trial_format as fmt
from study.results.mlflow.encoding import (
    DecodeError,
    decode_retried,
    decode_value,
    encode_retried,
    encode_value,
)
from study.results.objective import OBJECTIVES
from study.results.run_record import RunState

ENDED = [state for state in RunState if state.is_final]

numbers = st.floats(allow_nan=False) | st.integers() | st.booleans()
values = numbers | st.text()


def decode(record, tags=None, metrics=None):
    tags = {"trial_number": str(record.number), **fmt.state_tags(record)} if tags is None else tags
    latest = fmt.final_metrics(record) if metrics is None else metrics
    return fmt.decode_trial(
        fmt.trial_params(record),
        tags,
        latest,
        record.replicates,
        started_ms=record.started_ms,
        ended_ms=record.ended_ms,
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


# A tag of the curve holds 32 epochs.
@pytest.mark.parametrize("epochs", [0, 1, 31, 32, 33, 64, 100])
@pytest.mark.parametrize("state", ENDED)
def test_a_trial_that_ended_comes_back_equal(record, state, epochs):
    trial = record(12, state, epochs, reason="a\nb")
    assert decode(trial) == trial


@pytest.mark.parametrize("kept", [0, 5, 31, 32, 33])
def test_a_shorter_second_life_hides_the_tags_of_a_longer_first_one(record, kept):
    first = fmt.state_tags(record(0, RunState.FAILED, epochs=80))
    trial = record(0, RunState.PRUNED, epochs=kept)
    assert decode(trial, {"trial_number": "0", **first, **fmt.state_tags(trial)}) == trial


def test_no_tag_is_longer_than_the_strictest_tracker_takes(record, epoch):
    longest = -1.2345678901234567e-300
    worst = dict.fromkeys(curves.SERIES, longest)
    epochs = tuple(dataclasses.replace(epoch(e), **worst) for e in range(1, 201))
    trial = dataclasses.replace(record(0, RunState.FAILED, reason="x" * 9000), replicates=(epochs,))
    assert max(map(len, fmt.state_tags(trial).values())) <= 5000


def test_a_reason_that_is_cut_says_so(record):
    reason = fmt.state_tags(record(0, RunState.FAILED, reason="x" * 9000))["reason"]
    assert reason.startswith("xxx")
    assert reason.endswith("… [cut: 9000 characters]")


@given(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))))
def test_reasons_of_retries_come_back(reasons):
    assert decode_retried(encode_retried(reasons)) == tuple(reasons)


def test_reasons_of_retries_can_be_read_by_people():
    text = encode_retried(["the worker died: “killed” <9>", "out of memory"])
    assert text == '["the worker died: “killed” <9>", "out of memory"]'
    assert encode_retried([]) == ""


@pytest.mark.parametrize("reasons", [["x\n" * 9000], ["“" * 3000] * 3, ["y" * 200] * 500])
def test_reasons_of_retries_are_cut_to_fit(reasons):
    text = encode_retried(reasons)
    assert 500 < len(text) <= 5000
    *_, last = decode_retried(text)
    assert last.startswith(reasons[-1][:20])


def test_a_reason_that_no_database_can_hold_is_spelt_otherwise(record):
    reason = fmt.state_tags(record(0, RunState.FAILED, reason="a\0b\ud800c"))["reason"]
    assert reason == "a�b?c"


def test_retries_and_times_of_a_trial_come_back(record):
    trial = dataclasses.replace(record(3, RunState.COMPLETE, epochs=1), retried=("a", "b\nc"))
    assert decode(trial) == trial
    waiting = dataclasses.replace(record(3, RunState.PAUSED, epochs=1), costs=trial.costs)
    assert decode(waiting) == waiting


def test_a_trial_that_has_not_ended_has_no_end(record):
    trial = record(3, RunState.RUNNING)
    reopened = fmt.decode_trial(
        fmt.trial_params(trial),
        {"trial_number": "3", **fmt.state_tags(trial)},
        {},
        (),
        started_ms=trial.started_ms,
        ended_ms=5,  # MLflow keeps the end of a run that was opened again
    )
    assert reopened.ended_ms is None


def test_losses_that_are_not_finite_come_back(record, epoch):
    odd = dataclasses.replace(epoch(1), train_loss=math.inf, val_loss=math.nan)
    trial = dataclasses.replace(record(0, RunState.FAILED), replicates=((odd,),))
    (back,) = decode(trial).epochs
    assert back.train_loss == math.inf
    assert math.isnan(back.val_loss)


def test_an_infinity_that_a_database_clamped_is_restored():
    clamped = [sys.float_info.max, -sys.float_info.max, 1e308]
    assert [curves.from_mlflow(value) for value in clamped] == [math.inf, -math.inf, 1e308]


def test_every_objective_is_a_metric_of_that_name_and_value(record):
    trial = record(0, RunState.COMPLETE, epochs=3)
    shown = curves.epoch_metrics(trial.epochs[-1]) | fmt.final_metrics(trial)
    assert {name: shown[name] for name in OBJECTIVES} == trial.metrics()


def test_no_metric_is_both_a_series_and_a_final_value(record):
    trial = record(0, RunState.COMPLETE, epochs=3)
    assert not curves.epoch_metrics(trial.epochs[0]).keys() & fmt.final_metrics(trial).keys()


def test_a_series_is_read_up_to_its_first_gap(epoch):
    series = {name: {} for name in curves.SERIES.values()}
    for result in map(epoch, (1, 2, 4)):
        for name, value in curves.epoch_metrics(result).items():
            series[name][result.epoch] = value
    assert curves.curves_from_series(series) == ((epoch(1), epoch(2)),)
    del series["val_loss"][2]
    assert curves.curves_from_series(series) == ((epoch(1),),)
    del series["val_loss"][1]
    assert curves.curves_from_series(series) == ()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"state": None}, "state is missing"),
        ({"state": "asleep"}, "'asleep' is not a valid RunState"),
        ({"trial_number": None}, "trial_number is missing"),
        ({"trial_number": "x"}, "trial_number.*'x'.*not a number"),
        ({"epochs.0.0001": None}, "epochs.0.0001 is missing"),
        ({"epochs.0.0001": "[[1, 2"}, "delimiter"),
        ({"epochs.0.0001": "[[1, 2]]"}, "does not hold the 5 numbers of epoch"),
        ({"epochs.0.0001": "[7]"}, "does not hold the 5 numbers of epoch"),
        ({"epochs.0.0001": "7"}, "iterable|len"),
        ({"epochs.0.0001": '["abcde"]'}, "'a' in a row of epoch 1 is not a number"),
        ({"epochs.0.0001": "[" * 8000}, "recursion"),
        ({"retried": '{"a": 1}'}, "retried .* is not a list of texts"),
    ],
)
def test_a_broken_tag_is_reported(record, changed, message):
    trial = record(3, RunState.COMPLETE, epochs=2)
    tags = {"trial_number": "3", **fmt.state_tags(trial), **changed}
    with pytest.raises(DecodeError, match=message):
        decode(trial, {key: value for key, value in tags.items() if value is not None})


@pytest.mark.parametrize("broken", [{"macs": 1.0}, {"learnable_params": 1.0, "macs": math.nan}])
def test_incomplete_costs_are_reported(record, broken):
    with pytest.raises(DecodeError):
        decode(record(3, RunState.COMPLETE), metrics=broken)


def test_a_study_comes_back_equal(info):
    odd = dataclasses.replace(info, space="12", git_commit="", versions={}, sampler="")
    for study in (info, odd):
        params, tags = fmt.study_params(study), fmt.study_tags(study)
        assert fmt.decode_study(study.name, params, tags) == study


@pytest.mark.parametrize("missing", ["space", "seed", "objectives"])
def test_a_study_with_a_missing_parameter_is_reported(info, missing):
    params = fmt.study_params(info)
    del params[missing]
    with pytest.raises(DecodeError, match=f"{missing} is missing"):
        fmt.decode_study(info.name, params, fmt.study_tags(info))


def test_a_study_from_before_images_were_recorded_has_none(info):
    older = dataclasses.replace(info, images=None)
    tags = fmt.study_tags(older)
    assert tags.keys() < fmt.study_tags(info).keys()
    assert fmt.decode_study(info.name, fmt.study_params(info), tags) == older
    # Written into an older study, which has all its parameters already.
    assert fmt.study_params(older) == fmt.study_params(info)


def test_the_rungs_of_a_study_come_back_and_an_older_one_has_none(info):
    stopping = dataclasses.replace(info, rungs=(1, 3), reduction_factor=3)
    tags = fmt.study_tags(stopping)
    assert {"rungs": "1,3", "reduction_factor": "3"}.items() <= tags.items()
    assert fmt.decode_study(info.name, fmt.study_params(stopping), tags) == stopping
    assert fmt.study_tags(info) == {
        name: text for name, text in tags.items() if name not in ("rungs", "reduction_factor")
    }
    # Written into an older study, which has all its parameters already.
    assert fmt.study_params(stopping) == fmt.study_params(info)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"reduction_factor": None}, "reduction_factor is missing"),
        ({"rungs": "1;3"}, "invalid literal"),
        ({"rungs": "3,1"}, "must rise from at least 1 to below the full budget"),
    ],
)
def test_rungs_that_cannot_be_are_reported(info, changed, message):
    tags = fmt.study_tags(dataclasses.replace(info, rungs=(1, 3), reduction_factor=3)) | changed
    with pytest.raises(DecodeError, match=message):
        fmt.decode_study(
            info.name,
            fmt.study_params(info),
            {name: text for name, text in tags.items() if text is not None},
        )


def test_images_are_spelt_as_people_look_for_them(info):
    shape = {"image_channels": "1", "image_height": "8", "image_width": "9", "classes": "10"}
    assert shape.items() <= fmt.study_tags(info).items()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"classes": None}, "classes is missing"),
        ({"image_width": "x"}, "invalid literal"),
        ({"image_height": "0"}, "height .*=0.* must be a whole number of at least 1"),
    ],
)
def test_half_a_shape_is_reported(info, changed, message):
    tags = {k: v for k, v in (fmt.study_tags(info) | changed).items() if v is not None}
    with pytest.raises(DecodeError, match=message):
        fmt.decode_study(info.name, fmt.study_params(info), tags)


def test_a_trial_from_before_workers_were_recorded_has_none(record):
    trial = record(3, RunState.COMPLETE, epochs=2)
    tags = {"trial_number": "3", **fmt.state_tags(trial)}
    assert tags.pop("worker") == trial.worker
    assert decode(trial, tags) == dataclasses.replace(trial, worker="")
