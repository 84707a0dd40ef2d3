"""One search in simulated time: the study's own sampler, manager and stopper, and no trainer.

What is replaced is training alone: workers that take epochs and their seconds from a table. What
is proposed, recorded, stopped and told to Optuna is the code of a real study.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

from optuna.storages import InMemoryStorage

from study.config import StudyConfig
from study.recording.table import Configuration, RecordedTable
from study.results.objective import Objective
from study.results.run_listener import RunListener
from study.results.run_record import RunKey, RunRecord, RunState
from study.results.settings import FIFO, MOASHA
from study.search.messages import EpochReport
from study.search.optuna_storage import StudyStorage
from study.search.trial_manager import TrialManager
from study.simulation.recorded_space import recorded_space
from study.simulation.replay import Replay, ReplayedTrial
from study.simulation.simulated_clock import EventClock
from study.stopping.entry import entry_after
from study.stopping.rungs import Rungs


class Stopper(Protocol):
    """Another rule than the study's own, to be compared with it."""

    def goes_on(self, trial: int, epoch: int, losses: tuple[float, ...]) -> bool:
        """Return True if a trial is trained further after an epoch that is not its last.

        Args:
            trial: Its number.
            epoch: Counted from 1.
            losses: One value per objective, each the better the smaller.
        """


@dataclass(frozen=True, kw_only=True)
class SearchSettings:
    """Settings of a simulated study.

    Attributes:
        objectives: Objectives to be optimised.
        sampler: Name of the sampler.
        workers: Trials at once.
        trials: The budget: as many epochs as so many trials of full length take. A trial begins
            where the rest of the budget holds its full length, so that a search that stops trials
            early gets more of them for the same epochs.
        replicates: Seeds of each trial, no more than the table has.
        rungs: Rungs at which the study stops trials early; None to run each to its full budget.
        seed: Seed of the sampler, and of which recorded seeds a trial has.
    """

    objectives: tuple[Objective, ...]
    sampler: str
    workers: int
    trials: int
    replicates: int
    rungs: Rungs | None
    seed: int


class TrialEnd(NamedTuple):
    """A trial that ended.

    Attributes:
        number: Counted from 0 within the search.
        configuration: Configuration of the table that stood for it.
        state: Complete or pruned.
        epochs: Epochs that it was trained for.
        reason: Reason why it was stopped; empty where it was not.
        seconds: Simulated, since the search began.
        epochs_spent: Epochs of all trials together, by then.
    """

    number: int
    configuration: Configuration
    state: RunState
    epochs: int
    reason: str
    seconds: float
    epochs_spent: int


def simulate(
    table: RecordedTable, settings: SearchSettings, stopper: Stopper | None = None
) -> tuple[TrialEnd, ...]:
    """Run one search on a table.

    Args:
        table: Table of what every training run gives.
        settings: Settings of the search.
        stopper: Asked after every epoch of a trial but its last, beside the study's own rungs; it
            is used up.

    Returns:
        All trials, in the order of their ends.

    Raises:
        ValueError: The table has fewer seeds than the replicates asked for.
        KeyError: An objective is not recorded.
    """
    if settings.replicates > table.replicates:
        raise ValueError(
            f"replicates (={settings.replicates}) must be at most {table.replicates}, the seeds "
            "that the table has"
        )
    return _Search(table, settings, stopper).run()


@dataclass(kw_only=True)
class _Running:
    """A trial on a worker."""

    key: RunKey
    replayed: ReplayedTrial
    epoch: int = 0


class _Search:
    def __init__(
        self, table: RecordedTable, settings: SearchSettings, stopper: Stopper | None
    ) -> None:
        self._table = table
        self._settings = settings
        self._stopper = stopper
        self._replay = Replay(table, settings.seed)
        config = _study_config(table, settings)
        self._ended = _EndedTrial()
        storage = StudyStorage(config, InMemoryStorage(), self._replay.costs)
        self._manager = TrialManager(config, storage, [self._ended])
        self._clock: EventClock[_Running] = EventClock()
        self._free = settings.workers
        self._budget_left = settings.trials * table.epochs
        self._spent = 0
        self._ends: list[TrialEnd] = []

    def run(self) -> tuple[TrialEnd, ...]:
        self._begin_trials()
        while self._clock:
            self._end_epoch(self._clock.advance())
        return tuple(self._ends)

    def _begin_trials(self) -> None:
        """Give every free worker a trial, as far as the budget and the space go."""
        while self._free and self._budget_left >= self._table.epochs:
            runs = self._manager.propose()
            if not runs:
                return
            (proposed,) = runs
            self._free -= 1
            self._budget_left -= self._table.epochs
            self._manager.run_started(proposed.key)
            replayed = self._replay.of(proposed)
            self._plan_epoch(_Running(key=proposed.key, replayed=replayed))

    def _plan_epoch(self, trial: _Running) -> None:
        self._clock.plan(trial.replayed.epoch_seconds, trial)

    def _end_epoch(self, trial: _Running) -> None:
        trial.epoch += 1
        self._spent += 1
        report = trial.replayed.report(trial.epoch)
        # The order of Tune: nobody is asked after a trial's last epoch, and the manager hears of an
        # epoch after the scheduler.
        is_last = trial.epoch == self._table.epochs
        goes_on = is_last or self._goes_on(trial, report)
        self._manager.epoch_finished(trial.key, report)
        if goes_on and not is_last:
            self._plan_epoch(trial)
        else:
            self._end_trial(trial)

    def _goes_on(self, trial: _Running, report: EpochReport) -> bool:
        if not self._manager.goes_on(trial.key, report):
            return False
        if self._stopper is None:
            return True
        losses = _losses(trial, report, self._settings.objectives)
        return self._stopper.goes_on(trial.key.trial, trial.epoch, losses)

    def _end_trial(self, trial: _Running) -> None:
        self._manager.run_stopped(trial.key)
        self._ends.append(
            TrialEnd(
                number=trial.key.trial,
                configuration=trial.replayed.configuration,
                state=self._ended.record.state,
                epochs=trial.epoch,
                reason=self._ended.record.reason,
                seconds=self._clock.now,
                epochs_spent=self._spent,
            )
        )
        self._free += 1
        self._budget_left += self._table.epochs - trial.epoch
        self._begin_trials()


class _EndedTrial(RunListener):
    """Listener that keeps what became of the trial that ended last."""

    record: RunRecord

    def run_ended(self, record: RunRecord) -> None:
        self.record = record


def _losses(
    trial: _Running, report: EpochReport, objectives: tuple[Objective, ...]
) -> tuple[float, ...]:
    """Return the losses that a running trial has come to."""
    record = RunRecord(
        key=trial.key,
        state=RunState.RUNNING,
        parameters={},
        costs=report.costs,
        replicates=report.replicates,
    )
    return entry_after(record, trial.epoch, objectives).losses


def _study_config(table: RecordedTable, settings: SearchSettings) -> StudyConfig:
    """The study as the trial manager and the sampler must know it; nothing of it touches a disk."""
    return StudyConfig(
        name="simulated",
        study_id="0" * 32,
        space=recorded_space(table),
        dataset=table.dataset,
        shape=table.shape,
        # The budget ends the search; a trial that is stopped takes an epoch of it at least.
        trials=settings.trials * table.epochs,
        epochs=table.epochs,
        replicates=settings.replicates,
        seed=settings.seed,
        objectives=settings.objectives,
        sampler=settings.sampler,
        scheduler=FIFO if settings.rungs is None else MOASHA,
        reduction_factor=settings.rungs.reduction_factor if settings.rungs else None,
        first_rung=settings.rungs.first if settings.rungs else None,
        output=Path("simulated"),
        checkpoints="simulated",
    )
