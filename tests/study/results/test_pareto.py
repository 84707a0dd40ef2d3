import dataclasses
import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pnn_core.config import CLASSIFICATION, Costs, EpochResult
from study.results.objective import objectives_of, parse_objectives
from study.results.pareto import front, hypervolume
from study.results.run_record import RunKey, RunRecord, RunState

ONE = parse_objectives("val_accuracy")
TWO = parse_objectives("val_accuracy,learnable_params")
THREE = parse_objectives("val_accuracy,learnable_params,val_loss")
SEVEN = tuple(objectives_of(CLASSIFICATION).values())

objective_sets = st.sampled_from([ONE, TWO, THREE, SEVEN])
# Few distinct values, so that ties and dominated points are common.
levels = st.integers(0, 5)
complete = st.just(RunState.COMPLETE)


def trial(number, accuracy=0.0, params=0, loss=0.0, state=RunState.COMPLETE, other=0):
    result = EpochResult(
        epoch=1,
        train_loss=float(other),
        val_loss=loss,
        val_accuracy=accuracy,
        train_seconds=float(other % 3),
        val_seconds=0.0,
    )
    return RunRecord(
        key=RunKey(number),
        state=state,
        parameters={},
        costs=Costs(learnable_params=params, mask_values=other % 2, macs=other),
        replicates=((result,),),
    )


@st.composite
def trials(draw, states=complete, value=levels, max_size=12):
    rows = draw(
        st.lists(st.tuples(value, levels, value, states, levels), min_size=0, max_size=max_size)
    )
    return [trial(number, *row) for number, row in enumerate(rows)]


def dominates(left, right, objectives):
    signs = [1 if o.maximised else -1 for o in objectives]
    gains = [
        s * (a - b)
        for s, a, b in zip(signs, left.values(objectives), right.values(objectives), strict=True)
    ]
    return all(g >= 0 for g in gains) and any(g > 0 for g in gains)


@given(trials(max_size=30), objective_sets)
def test_the_front_is_what_nothing_dominates(records, objectives):
    expected = {r.number for r in records if not any(dominates(o, r, objectives) for o in records)}
    assert {r.number for r in front(records, objectives)} == expected


@given(trials(), objective_sets)
def test_no_member_of_the_front_dominates_another(records, objectives):
    pairs = itertools.permutations(front(records, objectives), 2)
    assert not any(dominates(a, b, objectives) for a, b in pairs)


@given(trials(), objective_sets)
def test_every_complete_trial_is_on_the_front_or_dominated_by_it(records, objectives):
    members = front(records, objectives)
    for record in records:
        assert record in members or any(dominates(m, record, objectives) for m in members)


@given(trials(), objective_sets, st.randoms())
def test_the_front_does_not_depend_on_the_order_of_records(records, objectives, random):
    shuffled = records.copy()
    random.shuffle(shuffled)
    assert front(shuffled, objectives) == front(records, objectives)


@given(trials(), st.sampled_from([-20, -1, 1, 20]))
def test_the_front_does_not_depend_on_units(records, exponent):
    scaled = [
        trial(r.number, r.epochs[0].val_accuracy * 2.0**exponent, r.costs.learnable_params + 2**20)
        for r in records
    ]
    assert [r.number for r in front(scaled, TWO)] == [r.number for r in front(records, TWO)]


@given(
    trials(
        states=st.sampled_from(RunState),
        value=st.sampled_from([0.0, 1.0, 2.0, math.nan, math.inf, -math.inf]),
    )
)
def test_only_complete_trials_with_finite_values_are_on_the_front(records):
    members = front(records, THREE)
    eligible = [
        r
        for r in records
        if r.state is RunState.COMPLETE and all(map(math.isfinite, r.values(THREE)))
    ]
    assert front(eligible, THREE) == members
    assert all(any(m is e for e in eligible) for m in members)
    assert bool(members) == bool(eligible)


def test_a_trial_without_costs_is_not_on_a_front_of_costs():
    unknown = dataclasses.replace(trial(0, 1.0), costs=None)
    assert front([unknown], TWO) == ()
    assert front([unknown], ONE) == (unknown,)


def test_identical_trials_are_all_kept():
    same = [trial(number, 0.5, 10) for number in range(3)]
    assert front([*same, trial(3, 0.4, 10)], TWO) == tuple(same)


@given(trials())
def test_two_objectives_are_ordered_as_a_step_line_goes(records):
    members = front(records, TWO)
    params = [r.costs.learnable_params for r in members]
    accuracies = [r.epochs[0].val_accuracy for r in members]
    assert params == sorted(params)
    assert accuracies == sorted(accuracies)


def test_ties_are_ordered_by_number():
    assert [r.number for r in front([trial(2), trial(0), trial(1)], TWO)] == [0, 1, 2]


def cells(records, objectives, side):
    """Unit cells of a grid in which some record is at least as good, counted one by one."""
    counted = 0
    for cell in itertools.product(range(side), repeat=len(objectives)):
        counted += any(
            all(
                (value >= corner + 1) if objective.maximised else (value <= corner)
                for value, corner, objective in zip(
                    record.values(objectives), cell, objectives, strict=True
                )
            )
            for record in records
        )
    return counted


@pytest.mark.parametrize("objectives", [ONE, TWO, THREE])
@given(records=trials())
def test_hypervolume_counts_unit_cells(objectives, records):
    # One below the largest value: some records lie beyond the reference and must not count.
    side = 4
    reference = tuple(0.0 if o.maximised else float(side) for o in objectives)
    clipped = [
        trial(
            r.number,
            min(r.epochs[0].val_accuracy, side),
            r.costs.learnable_params,
            r.epochs[0].val_loss,
        )
        for r in records
    ]
    assert hypervolume(clipped, objectives, reference) == cells(clipped, objectives, side)


@given(trials(), trials(max_size=1))
def test_hypervolume_never_falls_when_a_trial_is_added(records, more):
    reference = (0.0, 6.0, 6.0)
    before = hypervolume(records, THREE, reference)
    assert hypervolume([*records, *more], THREE, reference) >= before


@given(trials(states=st.sampled_from(RunState)))
def test_hypervolume_is_that_of_the_front(records):
    reference = (-1.0, 6.0)
    expected = hypervolume(front(records, TWO), TWO, reference)
    assert hypervolume(records, TWO, reference) == expected


def test_hypervolume_of_a_hand_drawn_front():
    records = [trial(0, 0.5, 10), trial(1, 0.75, 30), trial(2, 0.25, 30)]
    # Above accuracy 0 and left of 40 parameters: 30 × 0.5 and 10 × 0.25 more.
    assert hypervolume(records, TWO, (0.0, 40.0)) == 30 * 0.5 + 10 * 0.25


@pytest.mark.parametrize("reference", [(0.0,), (0.0, 1.0, 2.0), (math.nan, 1.0), (0.0, math.inf)])
def test_a_reference_that_does_not_fit_is_refused(reference):
    with pytest.raises(ValueError, match=r"reference .* one finite value for each of the 2"):
        hypervolume([trial(0)], TWO, reference)
