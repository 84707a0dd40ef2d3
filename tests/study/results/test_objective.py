import re
from dataclasses import replace

import pytest
from optuna.study import StudyDirection

from pnn_core.config import (
    CLASSIFICATION,
    COST_METRICS,
    EPOCH_METRICS,
    TASKS,
    Costs,
    EpochResult,
)
from study.results.front_table import format_metric
from study.results.objective import COUNTS, OBJECTIVES, parse_objectives
from study.results.record_codec import record_from_json, record_to_json
from study.results.run_record import RunKey, RunRecord, RunState


def test_objectives_keep_the_order_of_the_command_line():
    objectives = parse_objectives("learnable_params, val_accuracy")
    assert [o.name for o in objectives] == ["learnable_params", "val_accuracy"]
    assert [o.maximised for o in objectives] == [False, True]


def test_an_unknown_objective_is_named_with_the_nearest_one():
    with pytest.raises(ValueError, match=r"'val_acuracy' is not.*did you mean val_accuracy\?"):
        parse_objectives("val_acuracy")


@pytest.mark.parametrize("names", ["", "val_loss,", ","])
def test_an_empty_name_is_refused(names):
    with pytest.raises(ValueError, match="'' is not an objective"):
        parse_objectives(names)


def test_an_objective_named_twice_is_refused():
    with pytest.raises(ValueError, match="'macs' is named twice"):
        parse_objectives("macs,val_loss, macs")


@pytest.fixture(params=OBJECTIVES.values(), ids=lambda objective: objective.name)
def objective(request):
    return request.param


@pytest.fixture
def begun():
    """A trial whose network is known and that has not trained yet."""
    costs = Costs(**dict.fromkeys(COST_METRICS, 1234))
    return RunRecord(key=RunKey(0), state=RunState.RUNNING, parameters={}, costs=costs)


def ended(begun, task):
    names = [name for name, metric in EPOCH_METRICS.items() if metric.task in (None, task)]
    result = EpochResult(epoch=1, **dict.fromkeys(names, 0.5))
    return replace(begun, state=RunState.COMPLETE, replicates=((result,),))


@pytest.fixture
def complete(begun, objective):
    """A complete trial of the task that has the objective."""
    metric = EPOCH_METRICS.get(objective.name)
    return ended(begun, CLASSIFICATION if metric is None else metric.task or CLASSIFICATION)


def test_every_objective_is_a_metric_of_a_complete_trial_of_its_task(begun):
    names = {name for task in TASKS for name in ended(begun, task).metrics()}
    assert names == {*OBJECTIVES}


def test_what_is_known_before_training_is_known_of_a_trial_without_an_epoch(objective, begun):
    assert objective.known_before_training == (objective.name in begun.metrics())


def test_an_objective_is_found_by_the_name_that_it_is_recorded_under(objective, complete):
    assert parse_objectives(objective.name) == (objective,)
    (value,) = complete.values((objective,))
    assert value == complete.metrics()[objective.name]


def test_an_objective_has_a_label_whose_unit_stands_in_brackets(objective):
    assert objective.label.startswith(objective.short)
    assert objective.short == objective.short.strip()
    assert re.fullmatch(r"[^()]+( \([^()]+\))?", objective.label)


def test_a_direction_is_one_of_optunas(objective):
    assert StudyDirection[objective.direction.upper()]
    assert objective.maximised == (objective.direction == "maximize")


def test_a_value_is_written_in_one_way_in_every_table(objective):
    for value in (0, 0.25, 1234567.0):
        assert format_metric(objective.name, value) == objective.format(value)


def test_counts_and_seconds_span_decades():
    logarithmic = {name for name, objective in OBJECTIVES.items() if objective.is_logarithmic}
    assert logarithmic == {*COUNTS, "train_seconds"}


def test_an_objective_of_ones_own_says_its_file_once_and_its_direction_always():
    (typed,) = parse_objectives("some/mine.py:sharpness:minimize")
    assert (typed.name, typed.source, typed.maximised) == ("sharpness", "some/mine.py", False)
    assert str(typed) == "sharpness:minimize"
    assert parse_objectives(str(typed)) == (typed,)
    (up,) = parse_objectives("sharpness:maximize")
    assert up.maximised
    assert up.measured


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("mine.py", "must say which function of a file it is, and in which direction"),
        ("mine.py:sharpness", "FILE.py:NAME:minimize or FILE.py:NAME:maximize"),
        ("mine.py:sharpness:up", "FILE.py:NAME:minimize or FILE.py:NAME:maximize"),
        ("mine.py:val_loss:minimize", "'val_loss' is the name of a metric or setting"),
        ("mine.py:fan_out:minimize", "'fan_out' is the name of a metric or setting"),
        ("a.py:own:minimize,b.py:own:maximize", "'own' is named twice"),
    ],
)
def test_an_objective_of_ones_own_without_a_whole_name_is_refused(text, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        parse_objectives(text)


def test_what_was_measured_is_a_metric_and_comes_through_the_record():
    record = RunRecord(
        key=RunKey(0), state=RunState.COMPLETE, parameters={}, measured={"latency_ms": 1.5}
    )
    assert record.metrics() == {"latency_ms": 1.5}
    assert record_from_json(record_to_json(record)) == record
    assert format_metric("peak_memory_bytes", 1234567) == "1,234,567"
