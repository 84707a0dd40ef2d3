"""A confirmation's runs are proposed by seeds, each with an end of its own."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from pnn_core.config import ConfirmResult, Costs, DatasetShape, ModelConfig, TrialConfig
from study.results.run_record import RunKey, RunRecord, RunState
from study.search.confirmation_manager import ConfirmationManager
from study.search.confirmation_plan import PlannedRun
from study.search.messages import ConfirmationReport, ProposedRun, TestReport
from study.search.optuna_storage import StudyStorage
from study.search.run_manager import ATTEMPTS

DIGITS = DatasetShape(channels=1, height=8, width=8, classes=10)
CONFIG = TrialConfig(model=ModelConfig(dataset=DIGITS, network="resnet8", mask_count=4))
RESULT = ConfirmResult(
    train_loss=0.1, test_accuracy=0.9, published_test_accuracy=0.91, train_seconds=2.0
)
REPORT = TestReport(
    result=RESULT,
    costs=Costs(learnable_params=1, mask_values=2, macs=3),
    device="cpu",
    worker="host:1",
)
Begin = Callable[..., ConfirmationManager]


def plan(trials: int, seeds: int) -> list[PlannedRun]:
    """Seed after seed, as `plan_confirmation` gives it."""
    return [
        PlannedRun(trial=trial, config=replace(CONFIG, seed=seed), size_difference=0.25)
        for seed in range(seeds)
        for trial in range(trials)
    ]


@pytest.fixture
def begin(make_config, heard_confirmations) -> Begin:
    """A life of a driver that confirms, with no worker."""

    def begin(runs: list[PlannedRun], *, places: int = 1) -> ConfirmationManager:
        config = make_config()
        listeners = [heard_confirmations]
        storage = StudyStorage(config)
        return ConfirmationManager(config, storage, listeners, runs, lambda: places)

    return begin


def named(runs: tuple[ProposedRun, ...]) -> list[tuple[int, int]]:
    return [(run.key.trial, run.key.seed) for run in runs]


def fail(manager: ConfirmationManager, run: ProposedRun) -> None:
    manager.attempt_failed(run.key, "the worker process died", would_recur=False)


@pytest.mark.parametrize(
    ("places", "sizes"),
    [(1, [6, 6]), (2, [6, 3, 2, 1]), (4, [3, 3, 2, 1, 1, 1, 1]), (12, 12 * [1])],
)
def test_one_worker_gets_seeds_of_one_run_and_as_many_as_leave_enough_for_the_others(
    begin: Begin, places: int, sizes: list[int]
) -> None:
    manager = begin(plan(trials=2, seeds=6), places=places)
    proposed = list(iter(manager.propose, ()))
    assert [len(runs) for runs in proposed] == sizes
    for runs in proposed:
        assert len({run.key.trial for run in runs}) == 1
    together = [name for runs in proposed for name in named(runs)]
    assert sorted(together) == [(trial, seed) for trial in range(2) for seed in range(6)]


def test_layers_of_one_trial_and_other_settings_are_not_put_together(begin: Begin) -> None:
    run, other = plan(trials=1, seeds=2)
    control = replace(other.config.model, layer="conv1x1")
    manager = begin([run, replace(other, config=replace(other.config, model=control))])
    assert [len(runs) for runs in iter(manager.propose, ())] == [1, 1]


def test_nothing_is_proposed_while_no_node_can_take_it(begin: Begin) -> None:
    manager = begin(plan(trials=1, seeds=1), places=0)
    assert manager.has_work()
    assert manager.propose() == ()
    assert manager.may_propose


def test_a_run_that_is_tried_again_is_alone(begin: Begin) -> None:
    manager = begin(plan(trials=1, seeds=3))
    first = manager.propose()
    assert len(first) == 3
    for run in first:
        fail(manager, run)
    again = list(iter(manager.propose, ()))
    assert again == [(replace(run, attempt=2),) for run in first]


def test_each_run_of_a_group_has_a_state_and_an_end_of_its_own(
    begin: Begin, heard_confirmations
) -> None:
    runs = plan(trials=1, seeds=4)
    manager = begin(runs)
    tested, diverged, died, paused = manager.propose()
    for run in (tested, diverged, died, paused):
        manager.run_started(run.key)
    manager.attempt_failed(diverged.key, "loss is nan", would_recur=True)
    manager.run_tested(tested.key, REPORT)
    fail(manager, died)
    manager.stop()
    manager.run_paused(paused.key)
    states = [record.state for record in manager.records]
    assert states == [RunState.COMPLETE, RunState.FAILED, RunState.RUNNING, RunState.PAUSED]
    assert [record.seed for record in manager.ended] == [1, 0]
    assert manager.ended == heard_confirmations.of("ended")
    complete = manager.ended[1]
    assert (complete.result, complete.costs) == (RESULT, REPORT.costs)
    assert (complete.device, complete.worker) == ("cpu", "host:1")
    assert complete.size_difference == 0.25
    assert complete.parameters == runs[0].config.parameters()
    assert complete.started_ms is not None
    assert complete.ended_ms is not None
    assert complete.started_ms <= complete.ended_ms
    assert heard_confirmations.of("retried")[0].retried == ("the worker process died",)


def test_a_run_fails_with_its_last_reason_after_all_its_attempts(begin: Begin) -> None:
    manager = begin(plan(trials=1, seeds=1))
    for attempt in range(1, ATTEMPTS + 1):
        (run,) = manager.propose()
        assert run.attempt == attempt
        fail(manager, run)
    assert manager.propose() == ()
    (record,) = manager.ended
    assert record.state is RunState.FAILED
    assert record.retried == (record.reason,) * (ATTEMPTS - 1)


def test_what_ended_in_an_earlier_life_is_restored_and_not_run_again(
    begin: Begin, heard_confirmations
) -> None:
    runs = plan(trials=1, seeds=2)
    manager = begin(runs)
    first, _ = manager.propose()
    manager.run_started(first.key)
    manager.run_tested(first.key, REPORT)
    heard_confirmations.events.clear()
    again = begin(runs)
    assert heard_confirmations.events == [("restored", manager.ended[0])]
    assert again.ended == manager.ended
    assert [named(group) for group in iter(again.propose, ())] == [[(0, 1)]]


def test_a_run_that_waits_to_be_tried_again_is_told_as_paused_though_it_was_proposed_anew(
    begin: Begin, heard_confirmations
) -> None:
    """Else whoever shows its state would show it running for ever."""
    manager = begin(plan(trials=1, seeds=1))
    (run,) = manager.propose()
    manager.run_started(run.key)
    fail(manager, run)
    assert manager.propose()
    manager.stop()
    manager.pause_running()
    paused: list[RunRecord] = heard_confirmations.of("paused")
    assert [record.key for record in paused] == [RunKey(0, "perturbation", 0)]


def test_an_epoch_is_told_once_with_the_costs_that_came_with_it(
    begin: Begin, heard_confirmations
) -> None:
    manager = begin(plan(trials=1, seeds=1))
    (run,) = manager.propose()
    manager.run_started(run.key)
    told = {"costs": REPORT.costs, "device": "cpu", "worker": "host:1"}
    for epoch in (1, 2, 2):  # once more, from an older checkpoint
        manager.confirmation_advanced(
            run.key, ConfirmationReport(epoch=epoch, train_loss=1 / epoch, **told)
        )
    assert heard_confirmations.advanced == [(run.key, 1, 1.0), (run.key, 2, 0.5)]
    assert manager.records[0].costs == REPORT.costs
