"""A simulated search proposes, stops and ends as a real one, and takes the table's time."""

from dataclasses import replace

import pytest

from study.results.objective import parse_objectives
from study.results.run_record import RunState
from study.simulation.simulated_search import SearchSettings, simulate
from study.simulation.single_objective import FirstObjectiveHalving
from study.stopping.decision import decide
from study.stopping.entry import RungEntry
from study.stopping.halving import SuccessiveHalving
from study.stopping.rungs import Rungs

SETTINGS = SearchSettings(
    objectives=parse_objectives("val_accuracy,learnable_params"),
    sampler="grid",
    workers=1,
    trials=12,
    replicates=1,
    rungs=None,
    seed=0,
)
COMPLETE, PRUNED = RunState.COMPLETE, RunState.PRUNED
RUNGS = Rungs(first=1, reduction_factor=2, epochs=4)


@pytest.fixture
def table(make_table):
    return make_table()


def test_one_worker_runs_the_grid_in_order_and_takes_the_time_of_all_epochs(table) -> None:
    ends = simulate(table, SETTINGS)
    assert [end.configuration for end in ends] == [*table.configurations]
    assert {end.state for end in ends} == {COMPLETE}
    assert [end.epochs_spent for end in ends] == [4 * n for n in range(1, 13)]
    # An epoch of m masks takes m / 4 seconds: of 3 noise levels and the 3×3, 4, 8 and 12 masks.
    assert ends[-1].seconds == pytest.approx(4 * (3 + 1) * (1 + 2 + 3))


def test_enough_workers_take_the_time_of_the_slowest(table) -> None:
    ends = simulate(table, replace(SETTINGS, workers=5000))
    assert {end.configuration.number for end in ends} == {*range(12)}
    assert ends[-1].seconds == pytest.approx(4 * 3)
    assert [end.seconds for end in ends] == sorted(end.seconds for end in ends)


@pytest.mark.parametrize("workers", [1, 2, 3, 12])
def test_workers_never_stand_idle_while_there_are_trials(table, workers) -> None:
    ends = simulate(table, replace(SETTINGS, workers=workers))
    busy = sum(4 * end.configuration.epoch_seconds for end in ends)
    longest = 4 * 3
    assert busy / workers <= ends[-1].seconds + 1e-9 <= busy / workers + longest + 1e-9


def test_seeds_of_a_trial_take_their_time_one_after_another(table) -> None:
    alone = simulate(table, SETTINGS)
    both = simulate(table, replace(SETTINGS, replicates=2))
    assert both[-1].seconds == pytest.approx(2 * alone[-1].seconds)
    assert both[-1].epochs_spent == alone[-1].epochs_spent


def test_more_seeds_than_the_table_has_are_refused(table) -> None:
    with pytest.raises(ValueError, match=r"replicates \(=3\) must be at most 2"):
        simulate(table, replace(SETTINGS, replicates=3))


@pytest.mark.parametrize("sampler", ["random", "tpe", "nsga2"])
@pytest.mark.parametrize("rungs", [None, RUNGS])
def test_a_search_repeats_itself_with_its_seed_alone(table, sampler, rungs) -> None:
    settings = replace(SETTINGS, sampler=sampler, workers=3, rungs=rungs)
    first, again = simulate(table, settings), simulate(table, settings)
    other = simulate(table, replace(settings, seed=1))
    assert first == again
    assert [e.configuration.number for e in first] != [e.configuration.number for e in other]


@pytest.mark.parametrize("workers", [1, 3, 64])
def test_trials_stopped_early_make_room_for_others_within_the_same_budget(table, workers) -> None:
    settings = replace(SETTINGS, sampler="random", workers=workers, trials=5, rungs=RUNGS)
    ends = simulate(table, settings)
    assert len(ends) > 5
    spent = sum(end.epochs for end in ends)
    assert ends[-1].epochs_spent == spent
    # No trial of full length would have fitted.
    assert 5 * 4 - 4 < spent <= 5 * 4


def test_stopped_trials_are_pruned_at_a_rung_with_the_reason_of_the_rule(table) -> None:
    settings = replace(SETTINGS, workers=2, rungs=RUNGS)
    ends = simulate(table, settings)
    assert {end.state for end in ends} == {COMPLETE, PRUNED}
    for end in ends:
        if end.state is COMPLETE:
            assert (end.epochs, end.reason) == (4, "")
        else:
            assert end.epochs in RUNGS.at
            assert end.reason.startswith(f"stopped at epoch {end.epochs}: rank ")


def test_one_worker_decides_as_the_rule_does_on_trials_in_their_order(table) -> None:
    ends = simulate(table, replace(SETTINGS, rungs=RUNGS))
    rungs: dict[int, list[RungEntry]] = {epoch: [] for epoch in RUNGS.at}
    for end in sorted(ends, key=lambda end: end.number):
        stopped_at = 4
        for epoch in RUNGS.at:
            result = end.configuration.curves[end.number % 2][epoch - 1]
            losses = (-result.val_accuracy, float(end.configuration.costs.learnable_params))
            entry = RungEntry(trial=end.number, losses=losses)
            decision = decide(rungs[epoch], entry, epoch=epoch, reduction_factor=2)
            rungs[epoch].append(entry)
            if not decision.go_on:
                stopped_at = epoch
                break
        assert end.epochs == stopped_at
    assert {end.epochs for end in ends} > {1, 4}


def test_a_stopper_is_asked_after_every_epoch_but_the_last(table) -> None:
    asked = []

    class Second:
        def goes_on(self, trial, epoch, losses):
            asked.append((trial, epoch))
            assert losses[1] == 100 * table.configurations[trial].parameters["mask_count"]
            return (trial, epoch) != (1, 2)

    ends = simulate(table, replace(SETTINGS, trials=3), Second())
    assert asked == [(0, 1), (0, 2), (0, 3), (1, 1), (1, 2), (2, 1), (2, 2), (2, 3)]
    assert [(end.state, end.epochs) for end in ends] == [(COMPLETE, 4), (PRUNED, 2), (COMPLETE, 4)]


def test_halving_by_the_first_objective_has_no_use_for_small_networks() -> None:
    first, both = FirstObjectiveHalving(RUNGS), SuccessiveHalving(RUNGS)
    large, small = (-0.9, 1000.0), (-0.8, 10.0)
    assert first.goes_on(0, 1, large)
    assert not first.goes_on(1, 1, small)
    assert [both.report(n, 1, losses).go_on for n, losses in enumerate((large, small))] == [
        True
    ] * 2


def test_a_search_of_a_few_points_ends_when_all_are_taken(table) -> None:
    ends = simulate(table, replace(SETTINGS, trials=500))
    assert len(ends) == 12
