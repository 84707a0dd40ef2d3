"""The one place where a trial begins, reports and ends.

Optuna's state, the records and everyone who listens change here together, so that each trial
ends in exactly one state everywhere. Ray's OptunaSearch cannot do it: with several objectives it
tells Optuna that failed and early-stopped trials are complete.
"""

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import replace

from optuna.trial import FrozenTrial
from optuna.trial import TrialState as OptunaState

from pnn_core.config import PARAMETER_NAMES, TrialConfig
from study.config import StudyConfig
from study.results.run_listener import RunListener
from study.results.run_record import RunKey, RunRecord, RunState
from study.results.timestamps import now_ms
from study.search.messages import EpochReport, ProposedTrial
from study.search.optuna_storage import StudyStorage, retried_before, started_before
from study.search.sampler import DistinctSampler
from study.search.study_rungs import StudyRungs

ATTEMPTS = 3
"""How often a trial is tried in the life of a driver, each time from its last checkpoint."""

OPTUNA_STATES = {
    RunState.COMPLETE: OptunaState.COMPLETE,
    RunState.PRUNED: OptunaState.PRUNED,
    RunState.FAILED: OptunaState.FAIL,
}
"""Optuna's words for final states."""


class TrialManager:
    """Proposes trials, follows them and keeps their records.

    Takes up what the storage holds: trials that ended are restored, others proposed again.

    Args:
        config: The study.
        storage: Where the search's state lives.
        listeners: Told of everything, in order.

    Raises:
        StorageError: What is stored cannot be read.
    """

    def __init__(
        self, config: StudyConfig, storage: StudyStorage, listeners: Sequence[RunListener]
    ) -> None:
        self._config = config
        self._storage = storage
        self._listeners = listeners
        self._records: dict[int, RunRecord] = {}
        self._configs: dict[int, TrialConfig] = {}
        self._waiting: deque[int] = deque()
        self._started: set[int] = set()
        self._attempts: Counter[int] = Counter()
        self._epochs_told: Counter[int] = Counter()
        self._exhausted = False
        self._stopped = False
        self._rungs = StudyRungs(config.rungs, config, storage) if config.rungs else None
        for trial in storage.trials():
            self._take_up(trial)

    def __getstate__(self) -> dict[str, object]:
        """Nothing: Tune pickles whatever it is given for a restore of its own, never used here."""
        return {}

    @property
    def records(self) -> tuple[RunRecord, ...]:
        """All trials so far, by number."""
        return tuple(self._records[number] for number in sorted(self._records))

    @property
    def may_propose(self) -> bool:
        """Whether `propose` may have another trial now or later, such as one to be tried again."""
        return not self._stopped and any(not r.state.is_final for r in self._records.values())

    def has_work(self) -> bool:
        """Whether there is a trial to propose, unfinished or new."""
        return bool(self._waiting) or self._ask()

    def stop(self) -> None:
        """Propose no more."""
        self._stopped = True

    def propose(self) -> ProposedTrial | None:
        """Line up a trial, or one that broke off; None where there is none now.

        Tune asks ahead, so that the next trial is there when a process becomes free.
        """
        if self._stopped or not self.has_work():
            return None
        number = self._waiting.popleft()
        # Which process takes it up is known when it reports.
        record = replace(self._records[number], state=RunState.RUNNING, worker="")
        self._records[number] = record
        self._attempts[number] += 1
        self._started.discard(number)
        return ProposedTrial(
            number=number,
            config=self._configs[number],
            replicates=self._config.replicates,
            attempt=self._attempts[number],
        )

    def trial_started(self, number: int) -> None:
        """Record that a process takes up a proposed trial."""
        record = self._records[number]
        if record.started_ms is None:
            record = replace(record, started_ms=now_ms())
            self._storage.keep_started(record)
            self._records[number] = record
        self._started.add(number)
        for listener in self._listeners:
            listener.run_started(record)

    def goes_on(self, number: int, report: EpochReport) -> bool:
        """Judge a running trial by what it has come to, if that is a rung of the study.

        To be asked before `epoch_finished`. One that does not go on is to be ended next, by
        `trial_stopped`.
        """
        return self._rungs is None or self._rungs.goes_on(self._reported(number, report))

    def epoch_finished(self, number: int, report: EpochReport) -> None:
        """Record what a running trial has come to."""
        record = self._reported(number, report)
        self._records[number] = record
        if self._rungs is not None:
            self._rungs.keep_passed(number)
        # After a restart from an older checkpoint, epochs come that were told before.
        for result in record.epochs[self._epochs_told[number] :]:
            self._epochs_told[number] = result.epoch
            for listener in self._listeners:
                listener.epoch_finished(record.key, result)

    def has_ended(self, number: int) -> bool:
        """Whether a trial is in its final state."""
        return self._records[number].state.is_final

    def trial_stopped(self, number: int) -> None:
        """End a trial that ran its full budget, or that the scheduler stopped before."""
        record = self._records[number]
        epochs = len(record.epochs)
        if epochs == self._config.epochs:
            self._end(replace(record, state=RunState.COMPLETE))
        else:
            reason = f"stopped by the scheduler after epoch {epochs} of {self._config.epochs}"
            if self._rungs is not None:
                reason = self._rungs.stop_reason(number)
            self._end(replace(record, state=RunState.PRUNED, reason=reason))

    def attempt_failed(
        self, number: int, reason: str, *, would_recur: bool, worker: str = ""
    ) -> None:
        """Try a trial again, or end it where it was tried often enough.

        Args:
            number: Of the trial.
            reason: Why the attempt broke off.
            would_recur: Whether another one would break off the same way.
            worker: Process in which it did; empty for that which reported last, if one did.
        """
        if number not in self._started:  # its process died on the way
            self.trial_started(number)
        record = self._records[number]
        record = replace(record, worker=worker or record.worker)
        if self._stopped:
            self.trial_paused(number)  # it has not had all its attempts
        elif would_recur or self._attempts[number] >= ATTEMPTS:
            self._end(replace(record, state=RunState.FAILED, reason=reason))
        else:
            record = replace(record, retried=(*record.retried, reason))
            self._storage.keep_retried(record)
            self._records[number] = record
            self._waiting.append(number)
            for listener in self._listeners:
                listener.run_retried(record)

    def trial_paused(self, number: int) -> None:
        """Leave a trial for the next life of the study."""
        self._records[number] = replace(self._records[number], state=RunState.PAUSED)
        if number in self._started:  # of the others, nobody has heard
            for listener in self._listeners:
                listener.run_paused(self._records[number])

    def pause_running(self) -> None:
        """Leave all unfinished trials for the next life of the study."""
        for record in self.records:
            if record.state is RunState.RUNNING:
                self.trial_paused(record.number)

    def _reported(self, number: int, report: EpochReport) -> RunRecord:
        return replace(
            self._records[number],
            replicates=report.replicates,
            costs=report.costs,
            device=report.device,
            worker=report.worker,
        )

    def _ask(self) -> bool:
        """Put a new trial in line; whether there is one."""
        if self._exhausted or len(self._records) >= self._config.trials:
            return False
        sampler = self._storage.study.sampler
        if isinstance(sampler, DistinctSampler) and sampler.is_exhausted(self._storage.study):
            self._exhausted = True
            return False
        trial = self._storage.ask(dict(self._config.space.axes))
        self._line_up(trial)
        return True

    def _take_up(self, trial: FrozenTrial) -> None:
        """Put a trial of an earlier life where it belongs."""
        record = self._storage.record_of(trial)
        if record is None:
            axes = dict(self._config.space.axes)
            if not trial.params.keys() >= axes.keys():
                trial = self._storage.complete_point(trial, axes)
            self._line_up(trial)
            return
        self._records[trial.number] = record
        if not trial.state.is_finished():
            self._tell(record)
        if self._rungs is not None:
            self._rungs.restore(record)
        for listener in self._listeners:
            listener.run_restored(record)

    def _line_up(self, trial: FrozenTrial) -> None:
        """Have a trial proposed next."""
        config = self._config.space.configure(
            trial.params,
            dataset=self._config.shape,
            epochs=self._config.epochs,
            seed=self._config.seed + trial.number * self._config.replicates,
        )
        # The name of a variant is no setting of the training run, but what a reader knows it by.
        named = {axis: v for axis, v in trial.params.items() if axis not in PARAMETER_NAMES}
        self._configs[trial.number] = config
        self._records[trial.number] = RunRecord(
            key=RunKey(trial.number),
            state=RunState.RUNNING,
            parameters={**named, **config.parameters()},
            retried=retried_before(trial),
            started_ms=started_before(trial),
        )
        self._waiting.append(trial.number)

    def _end(self, record: RunRecord) -> None:
        record = replace(record, ended_ms=now_ms())
        with self._storage.together():
            # In this order: what a crash leaves between the two is told when the study is resumed.
            self._storage.keep_record(record)
            self._tell(record)
        self._records[record.number] = record
        for listener in self._listeners:
            listener.run_ended(record)

    def _tell(self, record: RunRecord) -> None:
        if record.state is RunState.PRUNED:
            shortfall = 1 - len(record.epochs) / self._config.epochs
            self._storage.keep_shortfall(record.number, shortfall)
        complete = record.state is RunState.COMPLETE
        values = record.values(self._config.objectives) if complete else None
        self._storage.tell(record.number, OPTUNA_STATES[record.state], values)
