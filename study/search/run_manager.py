"""Life of every run of a study: where it is proposed, reports, is tried again and ends."""

from abc import ABC, abstractmethod
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from pnn_core.config import COMPILED
from study.config import StudyConfig
from study.results.run_listener import RunListener
from study.results.run_record import RunKey, RunRecord, RunState
from study.results.timestamps import now_ms
from study.search.messages import (
    ConfirmationReport,
    EpochReport,
    ProposedRun,
    TestReport,
    TrainedReport,
)
from study.search.optuna_storage import StudyStorage

ATTEMPTS = 3
"""Number of times that a run is tried in the life of a driver, each from its last checkpoint."""


class RunManager(ABC):
    """Proposes runs to Tune, follows them and keeps their records.

    The storage, the records and everyone who listens change here together, so that each run ends in
    exactly one state everywhere.

    Args:
        config: The study.
        storage: Storage of the study's state.
        listeners: Listeners to everything, told in order.
    """

    def __init__(
        self, config: StudyConfig, storage: StudyStorage, listeners: Sequence[RunListener]
    ) -> None:
        self._config = config
        self._storage = storage
        self._listeners = listeners
        self._records: dict[RunKey, RunRecord] = {}
        self._proposals: dict[RunKey, ProposedRun] = {}
        self._waiting: deque[RunKey] = deque()
        self._started: set[RunKey] = set()
        self._heard_of: set[RunKey] = set()
        self._attempts: Counter[RunKey] = Counter()
        self._moves: Counter[RunKey] = Counter()
        self._epochs_told: Counter[RunKey] = Counter()
        self._stopped = False
        self._held = False
        self._requests: Callable[[RunManager], None] | None = None

    def __getstate__(self) -> dict[str, object]:
        """Leave out everything: Tune pickles what it is given for a restore that is never used."""
        return {}

    @property
    def records(self) -> tuple[RunRecord, ...]:
        """Records of all runs so far, by key."""
        return tuple(self._records[key] for key in sorted(self._records))

    @property
    def may_propose(self) -> bool:
        """True if `propose` may have a run now or later, such as one to be tried again."""
        if self._stopped:
            return False
        unfinished = any(not record.state.is_final for record in self._records.values())
        return unfinished or (self._held and self.has_work())

    def has_work(self) -> bool:
        """Return True if there is a run to propose, unfinished or new."""
        return bool(self._waiting)

    def stop(self) -> None:
        """Propose no more."""
        self._stopped = True

    def take_requests(self, requests: Callable[["RunManager"], None]) -> None:
        """Have a function called between two steps, which may hold this or add proposals."""
        self._requests = requests

    def attend(self) -> None:
        """Do what is asked meanwhile."""
        if self._requests is not None:
            self._requests(self)

    def hold(self, *, held: bool) -> None:
        """Propose nothing while it is held; what trains goes on."""
        self._held = held

    def stop_trial(self, number: int) -> None:
        """Have a trial of a search end after the epoch that it trains.

        Raises:
            ValueError: No such trial trains.
        """
        raise ValueError(f"trial {number} does not train: the search has ended")

    def propose(self) -> tuple[ProposedRun, ...]:
        """Line up runs that one worker trains at once; none where there are none now.

        Tune asks ahead, so that the next runs are there when a process becomes free. Where none
        trains, it makes no step and asks once a second.
        """
        self.attend()
        if self._stopped or self._held or not self.has_work():
            return ()
        return tuple(self._proposed(key) for key in self._next_runs())

    def run_started(self, key: RunKey) -> None:
        """Record that a process takes up a proposed run."""
        if self._records[key].started_ms is None:
            self._keep(self._change(key, started_ms=now_ms()))
        self._started.add(key)
        self._heard_of.add(key)
        for listener in self._listeners:
            listener.run_started(self._records[key])

    def goes_on(self, key: RunKey, report: EpochReport) -> bool:
        """Judge a running run by what it has come to; to be asked before `epoch_finished`."""
        return True

    def epoch_finished(self, key: RunKey, report: EpochReport) -> None:
        """Record what a running run has come to, and tell of each epoch once."""
        record = self._records[key] = self._reported(key, report)
        # Epochs that were told before come again after a restart from an older checkpoint.
        for result in record.epochs[self._epochs_told[key] :]:
            self._epochs_told[key] = result.epoch
            for listener in self._listeners:
                listener.epoch_finished(key, result)

    def confirmation_advanced(self, key: RunKey, report: ConfirmationReport) -> None:
        """Record what a run that confirms costs, and tell of each epoch once."""
        record = self._change(key, **self._told(key, report))
        if report.epoch > self._epochs_told[key]:
            self._epochs_told[key] = report.epoch
            for listener in self._listeners:
                listener.confirmation_advanced(record, report.epoch, report.train_loss)

    def run_tested(self, key: RunKey, report: TestReport) -> None:
        """End a run with its test result."""
        self._end(key, RunState.COMPLETE, result=report.result, **self._told(key, report))

    def run_stopped(self, key: RunKey) -> None:
        """End a run that reported its last epoch."""
        self._end(key, RunState.COMPLETE)

    def attempt_failed(
        self,
        key: RunKey,
        reason: str,
        *,
        would_recur: bool,
        worker: str = "",
        unrecorded: str = "",
        moves: bool = False,
    ) -> None:
        """Try a run again, or end it where it was tried often enough.

        Args:
            key: Key of the run.
            reason: Reason why the attempt broke off.
            would_recur: True if another one would break off the same way.
            worker: Process in which it did; empty for that which reported last, if one did.
            unrecorded: Reason why the next attempt is not to record training steps on a GPU.
            moves: True if it goes on elsewhere from where it saved itself, which is no attempt.
        """
        if unrecorded:
            self._proposals[key] = replace(self._proposals[key], unrecorded=unrecorded)
        if key not in self._started:  # its process died on the way
            self.run_started(key)
        record = self._change(key, worker=worker or self._records[key].worker)
        self._moves[key] += moves
        if self._stopped:
            self.run_paused(key)  # it has not had all its attempts
        elif would_recur or self._attempts[key] - self._moves[key] >= ATTEMPTS:
            self._end(key, RunState.FAILED, reason=reason)
        else:
            record = self._change(key, retried=(*record.retried, reason))
            self._keep(record)
            self._waiting.append(key)
            for listener in self._listeners:
                (listener.run_moved if moves else listener.run_retried)(record)

    def take_back(self, key: RunKey) -> None:
        """Propose a run again that no process took up, which is no attempt."""
        self._attempts[key] -= 1
        if self._stopped:
            self.run_paused(key)
        else:
            self._waiting.append(key)

    def run_paused(self, key: RunKey) -> None:
        """Leave a run for the next life of the study."""
        record = self._change(key, state=RunState.PAUSED)
        if key in self._heard_of:
            for listener in self._listeners:
                listener.run_paused(record)

    def pause_running(self) -> None:
        """Leave all unfinished runs for the next life of the study."""
        for record in self.records:
            if self.is_running(record.key):
                self.run_paused(record.key)

    def is_running(self, key: RunKey) -> bool:
        """Return True if a run has neither ended nor paused."""
        return self._records[key].state is RunState.RUNNING

    def _next_runs(self) -> Sequence[RunKey]:
        """Take the next runs for one worker out of those that wait, of which there are some."""
        return [self._waiting.popleft()]

    @abstractmethod
    def _keep(self, record: RunRecord) -> None:
        """Write what another life of the study must know of a run that began or ended.

        Args:
            record: Record of a run that was taken up for the first time, is tried again, or ended.
        """

    def _proposed(self, key: RunKey) -> ProposedRun:
        # The process that takes it up is known when it reports.
        self._change(key, state=RunState.RUNNING, worker="")
        self._attempts[key] += 1
        self._started.discard(key)
        return replace(self._proposals[key], attempt=self._attempts[key])

    def _line_up(self, record: RunRecord, proposal: ProposedRun) -> None:
        """Have a run proposed next."""
        self._records[record.key] = record
        self._proposals[record.key] = proposal
        self._waiting.append(record.key)

    def _restore(self, record: RunRecord) -> None:
        """Take up a run that ended in an earlier life of the study."""
        self._records[record.key] = record
        for listener in self._listeners:
            listener.run_restored(record)

    def _reported(self, key: RunKey, report: EpochReport) -> RunRecord:
        return replace(
            self._records[key],
            replicates=report.replicates,
            measured=report.measured,
            **self._told(key, report),
        )

    def _told(self, key: RunKey, report: TrainedReport) -> dict[str, Any]:
        """Return the fields of a record that every report of what was trained tells."""
        known = self._records[key]
        # What has compiled once is told so: a worker that resumes may not have got there yet.
        is_compiled = known.arithmetic == COMPILED
        return {
            "costs": report.costs,
            "device": report.device,
            "arithmetic": COMPILED if is_compiled else report.arithmetic,
            "fallbacks": tuple(dict.fromkeys((*known.fallbacks, *report.fallbacks))),
            "worker": report.worker,
        }

    def _change(self, key: RunKey, **changes: Any) -> RunRecord:  # noqa: ANN401  # any field's
        record = self._records[key] = replace(self._records[key], **changes)
        return record

    def _end(self, key: RunKey, state: RunState, **changes: Any) -> None:  # noqa: ANN401
        running = self._records[key]
        # An earlier life of the study may have had a clock that was ahead.
        ended_ms = max(now_ms(), running.started_ms or 0)
        record = replace(running, state=state, ended_ms=ended_ms, **changes)
        self._keep(record)
        self._records[key] = record
        for listener in self._listeners:
            listener.run_ended(record)
