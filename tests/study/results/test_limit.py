"""The front under limits is the front of the trials that meet them, wherever it is computed."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.elements.complete_trials import CompleteTrials
from pnn_core.config import Costs, EpochResult
from study.results.confirmed_trials import trials_to_confirm
from study.results.limit import Limit, meets, parse_limits, require_known_metrics
from study.results.mlflow.loaded_study import LoadedStudy
from study.results.objective import OBJECTIVES, parse_objectives
from study.results.pareto import front, hypervolume
from study.results.run_record import RunKey, RunRecord, RunState
from study.results.study_info import StudyInfo, summarise

TWO = parse_objectives("val_accuracy,learnable_params")
RELATIONS = {
    "<=": lambda value, bound: value <= bound,
    ">=": lambda value, bound: value >= bound,
    "<": lambda value, bound: value < bound,
    ">": lambda value, bound: value > bound,
}


def trial(number, accuracy=0.0, params=0, loss=0.0, state=RunState.COMPLETE):
    result = EpochResult(
        epoch=1,
        train_loss=0.0,
        val_loss=loss,
        val_accuracy=accuracy,
        train_seconds=0.0,
        val_seconds=0.0,
    )
    return RunRecord(
        key=RunKey(number),
        state=state,
        parameters={},
        costs=Costs(learnable_params=params, mask_values=0, macs=0),
        replicates=((result,),),
    )


# Few distinct values, so that figures stand on bounds and on each other.
levels = st.integers(0, 5)
trials = st.lists(st.tuples(levels, levels, levels, st.sampled_from(RunState)), max_size=12).map(
    lambda rows: [trial(number, *row) for number, row in enumerate(rows)]
)
limits = st.lists(
    st.builds(
        Limit,
        name=st.sampled_from(["val_accuracy", "learnable_params", "val_loss"]),
        relation=st.sampled_from([*RELATIONS]),
        bound=levels,
    ),
    max_size=3,
).map(tuple)


def holds(record, given):
    metrics = record.metrics()
    return all(RELATIONS[limit.relation](metrics[limit.name], limit.bound) for limit in given)


@given(trials, limits)
def test_the_front_under_limits_is_that_of_the_trials_that_meet_them(records, given):
    within = [record for record in records if holds(record, given)]
    assert front(records, TWO, given) == front(within, TWO)
    reference = (-1.0, 6.0)
    assert hypervolume(records, TWO, reference, given) == hypervolume(within, TWO, reference)


@given(trials, limits)
def test_all_who_ask_for_the_front_of_a_study_get_the_same(records, given):
    known = {"name": "a", "study_id": "0" * 32, "space": "s", "trials": 3, "sampler": "tpe"}
    info = StudyInfo(**known, git_commit="", versions={}, objectives=TWO, limit=given)
    study = LoadedStudy(info=info, records=tuple(records), confirmed=(), undecodable=())
    numbers = tuple(record.number for record in front(records, TWO, given))
    assert CompleteTrials(study).front == numbers
    assert summarise(records, TWO, given).front_size == len(numbers)
    chosen = trials_to_confirm(records, TWO, "front", limits=given)
    assert tuple(record.number for record in chosen) == numbers


@given(trials, limits)
def test_the_excess_that_samplers_know_is_positive_beyond_a_limit_alone(records, given):
    for record in records:
        for limit in given:
            excess = limit.excess(record.metrics())
            assert (excess <= 0) == holds(record, (limit,))
            assert math.isfinite(excess)


@pytest.mark.parametrize("value", [math.nan, None])
def test_a_figure_that_is_missing_meets_no_limit(value):
    metrics = {} if value is None else {"val_loss": value}
    for relation in RELATIONS:
        assert not Limit(name="val_loss", relation=relation, bound=1).is_met(metrics)


def test_a_study_without_limits_asks_for_no_figure():
    record = RunRecord(key=RunKey(0), state=RunState.FAILED, parameters={})
    assert meets(record, ())


@given(limits)
def test_limits_come_through_their_spelling(given):
    assert parse_limits(",".join(map(str, given))) == tuple(dict.fromkeys(given))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("learnable_params", "must compare one name with one number"),
        ("1 < val_accuracy", "must compare one name with one number"),
        ("0.1 < val_accuracy < 0.9", "must compare one name with one number"),
        ("val_accuracy > val_loss", "must compare one name with one number"),
        ("val_accuracy > True", "must compare one name with one number"),
        ("__import__('os').getpid() > 0", "must compare one name with one number"),
        ("val_accuracy > 1e999", "must compare one metric with one number by <=, >=, < or >"),
        ("val_accuracy != 0.5", "must compare one metric with one number by <=, >=, < or >"),
        ("val_accuracy>0.5,", "must compare one name with one number"),
    ],
)
def test_what_is_no_limit_is_refused(text, said):
    with pytest.raises(ValueError, match=said):
        parse_limits(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("val_acuracy>0.5", "did you mean val_accuracy"),
        ("latency_ms<1", "latency_ms is measured where it is an objective"),
        ("mask_count<8", "is not a metric of a trial"),
    ],
)
def test_a_limit_on_what_trials_do_not_have_is_refused(text, said):
    with pytest.raises(ValueError, match=said):
        require_known_metrics(parse_limits(text), TWO)


def test_every_objective_may_have_a_limit():
    for name in OBJECTIVES:
        require_known_metrics(parse_limits(f"{name}<1"), TWO)
    own = parse_objectives("latency_ms,a.py:mine:minimize")
    require_known_metrics(parse_limits("latency_ms<1,mine<=2"), own)
