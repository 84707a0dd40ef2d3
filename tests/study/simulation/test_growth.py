"""Hypervolume is measured on one scale for all searches of a table: 1 is its whole front."""

from dataclasses import replace

import pytest

from study.results.objective import parse_objectives
from study.results.run_record import RunState
from study.simulation.growth import HypervolumeShare
from study.simulation.repeated import median_reach, repeat
from study.simulation.simulated_search import SearchSettings, simulate
from study.stopping.rungs import Rungs

OBJECTIVES = parse_objectives("val_accuracy,learnable_params")
SETTINGS = SearchSettings(
    objectives=OBJECTIVES,
    sampler="grid",
    workers=2,
    trials=12,
    replicates=1,
    rungs=None,
    seed=0,
)


@pytest.fixture
def table(make_table):
    return make_table()


def test_the_whole_table_has_all_of_its_hypervolume(table) -> None:
    growth = HypervolumeShare(table, OBJECTIVES).growth(simulate(table, SETTINGS))
    assert growth.by_epochs.y[-1] == pytest.approx(1.0)
    assert growth.by_seconds.y == growth.by_epochs.y


def test_it_grows_where_trials_are_complete_and_nowhere_else(table) -> None:
    settings = replace(SETTINGS, rungs=Rungs(first=1, reduction_factor=2, epochs=4))
    ends = simulate(table, settings)
    complete = [end for end in ends if end.state is RunState.COMPLETE]
    assert len(complete) < len(ends)
    growth = HypervolumeShare(table, OBJECTIVES).growth(ends)
    assert growth.by_epochs.x == tuple(end.epochs_spent for end in complete)
    assert growth.by_seconds.x == tuple(end.seconds for end in complete)
    assert list(growth.by_epochs.y) == sorted(growth.by_epochs.y)
    assert 0 < growth.by_epochs.y[0] < growth.by_epochs.y[-1] <= 1 + 1e-12


def test_no_seed_looks_better_than_the_mean_of_all(table) -> None:
    # Which seed a trial draws moves what the search sees, and not what it is worth.
    share = HypervolumeShare(table, OBJECTIVES)
    ends = simulate(table, SETTINGS)
    others = simulate(table, replace(SETTINGS, seed=1))
    assert share.growth(ends).by_epochs == share.growth(others).by_epochs


def test_a_search_without_a_complete_trial_has_nothing(table) -> None:
    growth = HypervolumeShare(table, OBJECTIVES).growth(())
    assert (growth.by_epochs.x, growth.by_epochs.y) == ((), ())


def test_a_table_of_equals_has_no_hypervolume_to_share(table) -> None:
    alike = replace(table, configurations=table.configurations[:1])
    with pytest.raises(ValueError, match="the same values"):
        HypervolumeShare(alike, OBJECTIVES)


def test_a_repeated_search_has_one_growth_for_each_seed(table) -> None:
    settings = replace(SETTINGS, sampler="random", trials=6)
    found = repeat(table, settings, scheduler="fifo", seeds=range(4))
    assert found.seeds == (0, 1, 2, 3)
    assert found.ends[2] == simulate(table, replace(settings, seed=2))
    assert len({growth.by_epochs.y for growth in found.growths}) > 1


def test_the_median_search_reaches_a_height_if_half_of_them_do(table) -> None:
    found = repeat(table, replace(SETTINGS, sampler="random"), scheduler="fifo", seeds=range(3))
    places = sorted(steps.reaches(0.5) or 0.0 for steps in found.epochs)
    assert median_reach(found.epochs, 0.5) == places[1]
    assert median_reach(found.epochs, 1.5) is None
