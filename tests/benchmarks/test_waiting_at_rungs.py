"""The three ways of treating trials at a rung are what the comparison calls them."""

import importlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.stopping.entry import RungEntry
from study.stopping.halving import SuccessiveHalving
from study.stopping.rungs import Rungs

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
LOSSES = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=20)


@pytest.fixture(scope="module")
def module():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(BENCHMARKS)
        yield importlib.import_module("waiting_at_rungs")


def entry(trial: int, *losses: float) -> RungEntry:
    return RungEntry(trial=trial, losses=losses)


@given(losses=LOSSES)
def test_judged_as_they_come_is_the_rule_of_a_study(module, losses) -> None:
    policy = module.Waiting(1, company=1)
    study = SuccessiveHalving(Rungs(first=1, reduction_factor=module.ETA, epochs=3))
    for trial, (first, second) in enumerate(losses):
        policy.arrive(entry(trial, float(first), float(second)))
        decision = study.report(trial, 1, (float(first), float(second)))
        assert policy.next() == (trial if decision is not None and decision.go_on else None)
        assert policy.next() is None


def test_nobody_goes_on_before_all_are_there_and_then_each_is_judged_beside_all_others(
    module,
) -> None:
    policy = module.Waiting(1, company=3)
    policy.arrive(entry(0, 2.0, 2.0))
    policy.arrive(entry(1, 3.0, 3.0))
    assert policy.next() is None
    policy.arrive(entry(2, 1.0, 1.0))
    assert policy.next() == 2  # the first of them, which nobody was there to beat, is stopped
    assert policy.next() is None


def test_a_trial_is_promoted_once_it_is_among_the_best_third_however_late(module) -> None:
    policy = module.Promotion(lambda entries, eta: entries // eta)
    policy.arrive(entry(0, 2.0, 2.0))
    policy.arrive(entry(1, 1.0, 1.0))
    assert policy.next() is None
    policy.arrive(entry(2, 3.0, 3.0))
    assert (policy.next(), policy.next()) == (1, None)
    for trial in (3, 4, 5):
        policy.arrive(entry(trial, 9.0, 9.0))
    assert (policy.next(), policy.next()) == (0, None)


def test_a_search_ends_its_trials_within_the_budget_and_trains_none_twice(module) -> None:
    table = module.find_table("noisy")
    for policy in (module.ALONE, "judged as they come", "promotion of one in three"):
        ends = list(module.search(table, policy, 0))
        numbers = [end.number for end in ends]
        assert len(set(numbers)) == len(numbers) > 0
        assert ends[-1].epochs_spent < (module.TRIALS + 1) * table.epochs
    assert len(list(module.search(table, module.ALONE, 0))) == module.TRIALS
