"""Writing a running study into MLflow beside the trial loop, losing nothing with MLflow away."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import partial
from http import HTTPStatus
from pathlib import Path

from pnn_core.config import EpochResult
from study.results.confirmed_run import ConfirmedRun
from study.results.mlflow_reach import explain
from study.results.mlflow_study import ConfirmedUpdate, MlflowStudy, TrialUpdate
from study.results.record import TrialRecord, TrialState
from study.results.study_info import StudyEnd, StudySummary

_FIRST_WAIT_SECONDS = 1.0
_LONGEST_WAIT_SECONDS = 15.0
_CLOSING_WAIT_SECONDS = 0.5


@dataclass(frozen=True, kw_only=True)
class Unsent:
    """What could not be written before the writer was closed.

    Attributes:
        trials: Trials of which something is missing in the tracker.
        confirmed: Confirmation runs of which something is missing.
        study: Whether the end of the study itself is missing, or the study altogether.
        error: The last failure; empty when nothing is missing.
    """

    trials: int
    confirmed: int
    study: bool
    error: str


@dataclass(frozen=True, kw_only=True)
class _StudyEnded:
    summary: StudySummary | None
    artifacts: tuple[Path, ...]
    end: StudyEnd
    milliseconds: int


_Event = tuple[TrialRecord | EpochResult, int]
"""What happened to a trial, and when, in milliseconds since 1970."""


_ConfirmedKey = tuple[int, str, int]
"""Trial, layer and seed."""


class MlflowWriter:
    """Takes events from the trial loop and writes them from a thread of its own.

    The calls `trial_started`, `epoch_finished`, `trial_ended` and `study_ended` return at once and
    know nothing of the tracker's health. What they hand over is collected for a moment and written
    with one batch per trial. A failed write stays in line and is repeated, after growing waits.

    MLflow's own asynchronous logging (`synchronous=False`) is not used because it drops a batch
    that fails: it logs the exception and goes on.

    Args:
        study: The study, not opened yet: the thread opens it, because creating the tables of a new
            local store takes three seconds.
        collect_seconds: How long events are collected. Each batch costs MLflow about ten
            milliseconds of processor time, whatever its size.
    """

    def __init__(self, study: MlflowStudy, *, collect_seconds: float = 2.0) -> None:
        self._study = study
        self._collect_seconds = collect_seconds
        self._changed = threading.Condition()
        self._events: dict[int, list[_Event]] = {}
        self._confirmed: dict[_ConfirmedKey, ConfirmedUpdate] = {}
        self._confirmed_started: dict[_ConfirmedKey, int] = {}
        self._started: set[int] = set()
        self._opened = False
        self._ended: _StudyEnded | None = None
        self._error = ""
        self._closing = threading.Event()
        self._abandoned = threading.Event()
        self._thread = threading.Thread(target=self._work, name="mlflow-writer", daemon=True)
        self._thread.start()

    def trial_started(self, record: TrialRecord) -> None:
        """Hand over a trial that starts, or goes on after the study was resumed."""
        self._started.add(record.number)
        self._put(record.number, record)

    def epoch_finished(self, number: int, result: EpochResult) -> None:
        """Hand over an epoch of a trial.

        Raises:
            ValueError: The trial has not started.
        """
        if number not in self._started:
            raise ValueError(f"trial {number} has not started")
        self._put(number, result)

    def trial_ended(self, record: TrialRecord) -> None:
        """Hand over the final record; epochs which were not handed over are written from it."""
        if record.state is TrialState.RUNNING:
            raise ValueError(f"trial {record.number} has not ended: its state is running")
        self._put(record.number, record)

    def confirmation_started(self, run: ConfirmedRun) -> None:
        """Hand over a confirmation run that starts; its trial was handed over before."""
        self._confirmed_started[_key(run)] = _now_ms()
        self._put_confirmed(run, ended_ms=None)

    def confirmation_ended(self, run: ConfirmedRun) -> None:
        """Hand over a confirmation run's result, or its failure."""
        self._put_confirmed(run, ended_ms=_now_ms())

    def study_ended(
        self, summary: StudySummary | None, artifacts: Sequence[Path], end: StudyEnd
    ) -> None:
        """Hand over the end of the study, to be written after all trials.

        Args:
            summary: What the study gave; None where it broke off before that was known.
            artifacts: Files to keep with the study; they must stay until `close` returns.
            end: Why the study stopped.
        """
        with self._changed:
            self._ended = _StudyEnded(
                summary=summary, artifacts=tuple(artifacts), end=end, milliseconds=_now_ms()
            )
            self._changed.notify()

    def close(self, timeout_seconds: float) -> Unsent:
        """Write what is left and stop.

        Args:
            timeout_seconds: How long a tracker that fails may hold the caller up.
        """
        self._closing.set()
        with self._changed:
            self._changed.notify()
        self._thread.join(timeout_seconds)
        self._abandoned.set()
        with self._changed:
            study = not self._opened or self._ended is not None
            missing = study or bool(self._events) or bool(self._confirmed)
            error = self._error or "MLflow did not answer in time"
            return Unsent(
                trials=len(self._events),
                confirmed=len(self._confirmed),
                study=study,
                error=error if missing else "",
            )

    def _put(self, number: int, what: TrialRecord | EpochResult) -> None:
        with self._changed:
            self._events.setdefault(number, []).append((what, _now_ms()))
            self._changed.notify()

    def _put_confirmed(self, run: ConfirmedRun, ended_ms: int | None) -> None:
        started_ms = self._confirmed_started[_key(run)]
        update = ConfirmedUpdate(run=run, started_ms=started_ms, ended_ms=ended_ms)
        with self._changed:
            self._confirmed[_key(run)] = update
            self._changed.notify()

    def _work(self) -> None:
        wait = 0.0
        while self._wait_for_work():
            outcome = self._write_all()
            if outcome is _Outcome.SENT:
                wait = 0.0
            elif not self._closing.is_set():
                wait = min(max(_FIRST_WAIT_SECONDS, 2 * wait), _LONGEST_WAIT_SECONDS)
                self._closing.wait(wait)
            elif outcome is _Outcome.REFUSED:
                return  # the tracker is there and will not change its mind while the caller waits
            else:
                self._abandoned.wait(_CLOSING_WAIT_SECONDS)

    def _wait_for_work(self) -> bool:
        """Wait until there is something to write; False when the writer is to stop."""
        with self._changed:
            self._changed.wait_for(lambda: self._closing.is_set() or self._has_work())
            opened = self._opened
        if opened:
            self._closing.wait(self._collect_seconds)
        return self._has_work() and not self._abandoned.is_set()

    def _has_work(self) -> bool:
        waiting = bool(self._events) or bool(self._confirmed)
        return not self._opened or waiting or self._ended is not None

    def _write_all(self) -> "_Outcome":
        """Write everything that has come in: trials, oldest first, then what confirms them."""
        if not self._opened:
            if (outcome := self._attempt(self._study.open)) is not _Outcome.SENT:
                return outcome
            self._opened = True
        worst = _Outcome.SENT
        with self._changed:
            trials, confirmed = tuple(self._events), tuple(self._confirmed.items())
        writes = [partial(self._write_trial, number) for number in trials]
        writes += [partial(self._write_confirmed, key, update) for key, update in confirmed]
        for write in writes:
            outcome = write()
            if outcome is _Outcome.AWAY:
                return outcome
            worst = max(worst, outcome)
        ended = self._ended
        if ended is not None and not self._events and not self._confirmed:
            worst = self._attempt(
                lambda: self._study.finish(
                    ended.summary, ended.artifacts, ended.end, ended.milliseconds
                )
            )
            if worst is _Outcome.SENT:
                self._ended = None
        return worst

    def _write_trial(self, number: int) -> "_Outcome":
        with self._changed:
            events = tuple(self._events[number])
        outcome = self._attempt(lambda: self._study.write_trial(_fold(number, events)))
        if outcome is _Outcome.SENT:
            with self._changed:
                del self._events[number][: len(events)]
                if not self._events[number]:
                    del self._events[number]
        return outcome

    def _write_confirmed(self, key: _ConfirmedKey, update: ConfirmedUpdate) -> "_Outcome":
        outcome = self._attempt(lambda: self._study.write_confirmed(update))
        if outcome is _Outcome.SENT:
            with self._changed:
                if self._confirmed[key] is update:  # else there is something newer to write
                    del self._confirmed[key]
        return outcome

    def _attempt(self, write: Callable[[], None]) -> "_Outcome":
        try:
            write()
        except Exception as error:  # whatever it is, the study goes on without its tracker
            self._error = explain(error)
            return _Outcome.AWAY if _is_away(error) else _Outcome.REFUSED
        return _Outcome.SENT


class _Outcome(IntEnum):
    SENT = 0
    REFUSED = 1
    """The tracker answered, and would answer the same again."""
    AWAY = 2
    """The tracker did not answer, or not as usual."""


def _is_away(error: Exception) -> bool:
    from mlflow.exceptions import ERROR_CODE_TO_HTTP_STATUS, MlflowException

    if not isinstance(error, MlflowException):
        return False
    status: int = ERROR_CODE_TO_HTTP_STATUS.get(error.error_code, HTTPStatus.INTERNAL_SERVER_ERROR)
    return status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS


def _fold(number: int, events: Sequence[_Event]) -> TrialUpdate:
    """Put a trial's events together."""
    records = [(what, ms) for what, ms in events if isinstance(what, TrialRecord)]
    started = [ms for record, ms in records if record.state is TrialState.RUNNING]
    record, record_ms = records[-1] if records else (None, None)
    return TrialUpdate(
        number=number,
        record=record,
        epochs=tuple((what, ms) for what, ms in events if isinstance(what, EpochResult)),
        started_ms=started[0] if started else None,
        ended_ms=record_ms if record and record.state is not TrialState.RUNNING else None,
    )


def _key(run: ConfirmedRun) -> _ConfirmedKey:
    return run.trial, run.layer, run.seed


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
