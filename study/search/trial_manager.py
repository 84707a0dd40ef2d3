"""Trials of a search: proposed by Optuna, compared at rungs, and told to Optuna at their end.

Ray's OptunaSearch cannot do it: with several objectives it tells Optuna that failed and
early-stopped trials are complete.
"""

from collections.abc import Sequence

from optuna.trial import FrozenTrial
from optuna.trial import TrialState as OptunaState

from pnn_core.config import PARAMETER_NAMES
from study.config import StudyConfig
from study.results.early_stop import EarlyStop, StopCause
from study.results.run_listener import RunListener
from study.results.run_record import RunKey, RunRecord, RunState
from study.search.messages import EpochReport, ProposedRun
from study.search.optuna_storage import StudyStorage, retried_before, started_before
from study.search.run_manager import RunManager
from study.search.study_rungs import StudyRungs
from study.search.trial_attributes import ENQUEUED

OPTUNA_STATES = {
    RunState.COMPLETE: OptunaState.COMPLETE,
    RunState.PRUNED: OptunaState.PRUNED,
    RunState.FAILED: OptunaState.FAIL,
}
"""Optuna's words for final states."""


class TrialManager(RunManager):
    """Proposes trials, follows them and keeps their records.

    Takes up what the storage holds: trials that ended are restored, others proposed again. Points
    that were asked for come first, in their order.

    Args:
        config: The study.
        storage: Storage of the search's state.
        listeners: Listeners to everything, told in order.

    Raises:
        StorageError: What is stored cannot be read.
    """

    def __init__(
        self, config: StudyConfig, storage: StudyStorage, listeners: Sequence[RunListener]
    ) -> None:
        super().__init__(config, storage, listeners)
        self._exhausted = False
        self._unwanted: set[int] = set()
        self._rungs = StudyRungs(config.rungs, config, storage) if config.rungs else None
        if config.enqueue is not None:
            storage.enqueue(config.enqueued)
        for trial in storage.trials():
            if trial.state is not OptunaState.WAITING:
                self._take_up(trial)

    def has_work(self) -> bool:
        """Return True if there is a trial to propose, unfinished or new."""
        return super().has_work() or self._ask()

    def goes_on(self, key: RunKey, report: EpochReport) -> bool:
        """Judge a running trial by what it has come to, if that is a rung of the study.

        To be asked before `epoch_finished`. One that does not go on is to be ended next, by
        `run_stopped`.
        """
        passes = self._rungs is None or self._rungs.goes_on(self._reported(key, report))
        return passes and key.trial not in self._unwanted

    def stop_trial(self, number: int) -> None:
        """Have a trial end after the epoch that it trains, stopped by hand.

        Raises:
            ValueError: It does not train, or is an arm of a planned experiment.
        """
        record = self._records.get(RunKey(number))
        if self._config.space.experiment is not None:
            raise ValueError(f"trial {number} is an arm of a planned experiment, which trains all")
        if record is None or record.state is not RunState.RUNNING:
            was = "there is none" if record is None else f"it is {record.state.words}"
            raise ValueError(f"trial {number} does not train: {was}")
        self._unwanted.add(number)

    def enqueue(self, config: StudyConfig) -> None:
        """Have points tried before the sampler proposes any.

        Args:
            config: The study, with all points that it was ever asked for.
        """
        self._config = config
        self._storage.enqueue(config.enqueued)

    def epoch_finished(self, key: RunKey, report: EpochReport) -> None:
        """Record what a running trial has come to, and which rungs it has passed."""
        if self._rungs is not None:
            self._rungs.keep_passed(key.trial)
        super().epoch_finished(key, report)

    def run_stopped(self, key: RunKey) -> None:
        """End a trial that ran its full budget, or that the scheduler stopped before."""
        epochs = len(self._records[key].epochs)
        if epochs == self._config.epochs:
            super().run_stopped(key)
            return
        by_hand = key.trial in self._unwanted
        cause = StopCause.REQUEST if by_hand else StopCause.SCHEDULER
        stop = EarlyStop(epoch=epochs, cause=cause)
        if self._rungs is not None and (judged := self._rungs.stop(key.trial)) is not None:
            stop = judged
        self._end(key, RunState.PRUNED, stop=stop)

    def _ask(self) -> bool:
        """Put a new trial in line, and return True if there is one."""
        if self._exhausted or len(self._records) >= self._config.trials:
            return False
        if self._storage.is_exhausted() and not self._storage.has_waiting():
            self._exhausted = True
            return False
        self._line_up_trial(self._storage.ask(dict(self._config.space.axes)))
        return True

    def _take_up(self, trial: FrozenTrial) -> None:
        """Put a trial of an earlier life where it belongs."""
        record = self._storage.record_of(trial)
        if record is None:
            axes = dict(self._config.space.axes)
            if not trial.params.keys() >= axes.keys():
                trial = self._storage.complete_point(trial, axes)
            self._line_up_trial(trial)
            return
        if not trial.state.is_finished():
            self._tell(record)
        if self._rungs is not None:
            self._rungs.restore(record)
        self._restore(record)

    def _line_up_trial(self, trial: FrozenTrial) -> None:
        key = RunKey(trial.number)
        config = self._config.space.configure(
            trial.params,
            dataset=self._config.shape,
            epochs=self._config.epochs,
            seed=self._config.seed + trial.number * self._config.replicates,
        )
        # The name of a variant is no setting of the training run, but what a reader knows it by.
        named = {axis: v for axis, v in trial.params.items() if axis not in PARAMETER_NAMES}
        record = RunRecord(
            key=key,
            state=RunState.RUNNING,
            parameters={**named, **config.parameters()},
            enqueued=ENQUEUED in trial.user_attrs,
            retried=retried_before(trial),
            started_ms=started_before(trial),
        )
        self._line_up(
            record, ProposedRun(key=key, config=config, replicates=self._config.replicates)
        )

    def _keep(self, record: RunRecord) -> None:
        if not record.state.is_final:
            self._storage.keep_unfinished(record)
            return
        with self._storage.together():
            # The order counts: what a crash leaves between the two is told at the next resume.
            self._storage.keep_record(record)
            self._tell(record)

    def _tell(self, record: RunRecord) -> None:
        if record.state is RunState.PRUNED:
            shortfall = 1 - len(record.epochs) / self._config.epochs
            self._storage.keep_shortfall(record.number, shortfall)
        if record.state is not RunState.FAILED:
            self._storage.keep_limits(record, self._config.limit)
        complete = record.state is RunState.COMPLETE
        values = record.values(self._config.objectives) if complete else None
        self._storage.tell(record.number, OPTUNA_STATES[record.state], values)
