"""Writer of a running study into MLflow beside the trial loop, losing nothing with MLflow away."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pnn_core.config import EpochResult
from study.results.mlflow.experiments import StudyRefusedError
from study.results.mlflow.study_writer import MlflowStudy
from study.results.mlflow.write_queue import WriteQueue
from study.results.mlflow.write_status import Outcome, is_away
from study.results.run_listener import RunListener
from study.results.run_record import RunKey, RunRecord, RunState
from study.results.study_info import StudyEnd, StudySummary
from study.results.timestamps import now_ms

_FIRST_WAIT_SECONDS = 1.0
_LONGEST_WAIT_SECONDS = 15.0
_CLOSING_WAIT_SECONDS = 0.5
_SETTLE_SECONDS = 2.0


@dataclass(frozen=True, kw_only=True)
class Unsent:
    """Rest that could not be written before the writer was closed.

    Attributes:
        trials: Trials of which something is missing in the tracker.
        confirmed: Confirmations of which something is missing.
        study: True if the end of the study itself is missing, or the study altogether.
        error: The last failure; empty when nothing is missing.
    """

    trials: int
    confirmed: int
    study: bool
    error: str


class MlflowWriter(RunListener):
    """Writer that takes events from the trial loop and writes them from a thread of its own.

    The calls `run_…`, `epoch_finished` and `study_ended` return at once, come
    from any thread, and know nothing of the tracker's health. What they hand over is collected for
    a moment and written with one batch per trial. A failed write stays in line and is repeated,
    after growing waits. A record's own times win over the clock.

    A request that was not answered may still be carried out, when a tracker that stood still goes
    on. So after one, nothing is written before the tracker has answered a question and has had a
    moment to work off what it had received.

    MLflow's own asynchronous logging (`synchronous=False`) is not used because it drops a batch
    that fails: it logs the exception and goes on.

    Args:
        study: The study, not opened yet: the thread opens it, because MLflow takes seconds to
            import.
        collect_seconds: Time over which events are collected. Each batch costs MLflow about ten
            milliseconds of processor time, whatever its size.
    """

    def __init__(self, study: MlflowStudy, *, collect_seconds: float = 2.0) -> None:
        self._study = study
        self._collect_seconds = collect_seconds
        self._changed = threading.Condition()
        self._queue = WriteQueue()
        self._opened = False
        self._unanswered = False
        self._failing_since: float | None = None
        self._finish: Callable[[], None] | None = None
        self._sealed_runs: int | None = None
        self._history = study.new_history()
        self._history_sent = 0
        self._error = ""
        self._closing = threading.Event()
        self._abandoned = threading.Event()
        self._thread = threading.Thread(target=self._work, name="mlflow-writer", daemon=True)
        self._thread.start()

    @property
    def experiment_id(self) -> str:
        """Return MLflow's identifier of the study's experiment; empty before it was opened."""
        return self._study.experiment_id

    @property
    def parent_run_id(self) -> str:
        """Return MLflow's identifier of the study's own run; empty before it was opened."""
        return self._study.parent_run_id

    def run_restored(self, record: RunRecord) -> None:
        """Hand over a run that ended in an earlier life of the study; written if it lacks."""
        if not record.layer:
            self._history.restore(record)
        self._put_record(record, ended=True)

    def run_started(self, record: RunRecord) -> None:
        """Hand over a run that starts, or goes on after a resume or a retry.

        A confirmation's trial was handed over before.
        """
        self._put_record(record, RunState.RUNNING)

    def epoch_finished(self, key: RunKey, result: EpochResult) -> None:
        """Hand over an epoch of a run; of one that comes twice, the first counts.

        Raises:
            ValueError: The run has not started.
        """
        self._queue.add_epoch(key, result)
        self._notify()

    def run_retried(self, record: RunRecord) -> None:
        """Hand over a run of which an attempt broke off."""
        self._put_record(record, RunState.RUNNING)

    def run_paused(self, record: RunRecord) -> None:
        """Hand over a run that was interrupted."""
        self._put_record(record, RunState.PAUSED)

    def run_ended(self, record: RunRecord) -> None:
        """Hand over the final record; epochs which were not handed over are written from it."""
        if not record.layer and record.state.is_final:
            self._history.add(record)
        self._put_record(record, ended=True)

    def keep_weights(self, key: RunKey, files: tuple[Path, ...]) -> None:
        """Hand over the weights of a run that ended; the files must stay until `close` returns.

        Raises:
            ValueError: The run was not handed over before.
        """
        self._queue.add_files(key, files)
        self._notify()

    def tell_sealed_runs(self, ended: int) -> None:
        """Hand over how many runs of a sealed experiment have ended, in the place of the runs."""
        with self._changed:
            self._sealed_runs = ended
            self._changed.notify()

    def study_ended(
        self, summary: StudySummary | None, artifacts: Sequence[Path], end: StudyEnd
    ) -> None:
        """Hand over the end of the study, to be written after all trials.

        Args:
            summary: Results of the study; None where it broke off before that was known.
            artifacts: Files to keep with the study; they must stay until `close` returns.
            end: Cause of the study's end.
        """
        with self._changed:
            self._finish = partial(self._study.finish, summary, tuple(artifacts), end, now_ms())
            self._changed.notify()

    def close(self, patience_seconds: float, most_seconds: float | None = None) -> Unsent:
        """Write what is left and stop.

        A tracker that goes on answering is waited for, however slow it is.

        Args:
            patience_seconds: Time that a tracker that fails or stands still may hold the caller up.
            most_seconds: Time that any tracker may; None for as long as it answers.
        """
        began = time.monotonic()
        self._closing.set()
        self._notify()
        try:
            while self._thread.is_alive():
                since = self._failing_since or self._study.answered_at
                limit = max(began, since) + patience_seconds
                if most_seconds is not None:
                    limit = min(limit, began + most_seconds)
                if time.monotonic() >= limit:
                    break
                self._thread.join(limit - time.monotonic())
        finally:  # also when Ctrl-C ends the wait
            self._abandoned.set()
        waiting = self._queue.waiting
        confirmed = sum(key.is_confirmation for key in waiting)
        study = not self._opened or self._finish is not None or self._sealed_runs is not None
        study |= len(self._history) > self._history_sent
        missing = study or waiting
        error = self._error or "MLflow did not answer in time"
        return Unsent(
            trials=len(waiting) - confirmed,
            confirmed=confirmed,
            study=study,
            error=error if missing else "",
        )

    def _put_record(
        self, record: RunRecord, state: RunState | None = None, *, ended: bool = False
    ) -> None:
        if ended and not record.state.is_final:
            raise ValueError(f"{record.key} has not ended: its state is {record.state}")
        if state is not None and record.state is not state:
            raise ValueError(f"{record.key} is not {state}: its state is {record.state}")
        self._queue.add_record(record)
        self._notify()

    def _notify(self) -> None:
        with self._changed:
            self._changed.notify()

    def _work(self) -> None:
        wait = 0.0
        while self._wait_for_work():
            outcome = self._write_all()
            if outcome is Outcome.SENT:
                wait = 0.0
            elif outcome is Outcome.USELESS or self._abandoned.is_set():
                return
            elif not self._closing.is_set():
                wait = min(max(_FIRST_WAIT_SECONDS, 2 * wait), _LONGEST_WAIT_SECONDS)
                self._closing.wait(wait)
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
        is_open_end = self._finish is not None or self._sealed_runs is not None
        is_open_end |= len(self._history) > self._history_sent
        return not self._opened or bool(self._queue.waiting) or is_open_end

    def _write_all(self) -> Outcome:
        """Write everything that has come in: trials, oldest first, then what confirms them."""
        closing = self._closing.is_set()
        sent, worst = self._write_in_turn()
        # A refusal while all else is written will not change while the caller waits.
        useless = closing and not sent and worst is Outcome.REFUSED
        if self._opened and worst < Outcome.AWAY and (useless or not self._queue.waiting):
            worst = max(worst, self._write_sealed_runs(), self._write_history())
            if worst < Outcome.AWAY:
                worst = max(worst, self._write_end())
            useless = closing and not sent and worst is Outcome.REFUSED
        return Outcome.USELESS if useless else worst

    def _write_in_turn(self) -> tuple[int, Outcome]:
        """Count what was written, and tell the worst; stop where the tracker is away."""
        if (outcome := self._prepare()) is not Outcome.SENT:
            return 0, outcome
        sent, worst = 0, Outcome.SENT
        for key in self._queue.waiting:
            if self._abandoned.is_set():
                return sent, Outcome.AWAY
            outcome = self._write_run(key)
            sent += outcome is Outcome.SENT
            worst = max(worst, outcome)
            if worst >= Outcome.AWAY:
                break
        return sent, worst

    def _prepare(self) -> Outcome:
        """Make sure that the tracker has nothing under way, and open the study once."""
        if self._unanswered:
            if (outcome := self._attempt(self._study.ask)) is not Outcome.SENT:
                return outcome
            self._abandoned.wait(_SETTLE_SECONDS)
            self._unanswered = False
        if not self._opened:
            if (outcome := self._write(self._study.open)) is not Outcome.SENT:
                return outcome
            self._opened = True
        return Outcome.SENT

    def _write_sealed_runs(self) -> Outcome:
        if (ended := self._sealed_runs) is None:
            return Outcome.SENT
        outcome = self._write(lambda: self._study.tell_sealed_runs(ended))
        with self._changed:
            if outcome is Outcome.SENT and self._sealed_runs == ended:
                self._sealed_runs = None
        return outcome

    def _write_history(self) -> Outcome:
        points = self._history.points()
        if len(points) == self._history_sent:
            return Outcome.SENT
        outcome = self._write(lambda: self._study.write_history(points))
        if outcome is Outcome.SENT:
            self._history_sent = len(points)
        return outcome

    def _write_end(self) -> Outcome:
        if self._finish is None:
            return Outcome.SENT
        outcome = self._write(self._finish)
        if outcome is Outcome.SENT:
            self._finish = None
        return outcome

    def _write_run(self, key: RunKey) -> Outcome:
        update, events = self._queue.update(key)
        outcome = self._write(lambda: self._study.write_run(update))
        if outcome is Outcome.SENT:
            self._queue.written(key, events)
        return outcome

    def _write(self, write: Callable[[], None]) -> Outcome:
        outcome = self._attempt(write)
        if outcome is Outcome.SENT:
            self._failing_since = None
        elif self._failing_since is None:
            self._failing_since = time.monotonic()
        return outcome

    def _attempt(self, request: Callable[[], None]) -> Outcome:
        try:
            request()
        except StudyRefusedError as error:
            self._error = str(error)
            return Outcome.USELESS
        except Exception as error:  # whatever it is, the study goes on without its tracker
            self._error = self._study.explain(error)
            if not is_away(error):
                return Outcome.REFUSED
            self._unanswered = True
            return Outcome.AWAY
        return Outcome.SENT
