"""Tally of a running study: runs done, the best so far and the time left."""

import time
from dataclasses import dataclass

from pnn_core.config import EpochResult
from study.config import StudyConfig
from study.results.run_listener import RunListener
from study.results.run_record import RunKey, RunRecord, RunState
from study.results.timestamps import now_ms

SEARCHED = "searched"
"""Word for the part of a study that runs its trials; others are `tuned` and `confirmed`."""


@dataclass(frozen=True, kw_only=True)
class StudyProgress:
    """State of a running study.

    Attributes:
        name: Name of the study.
        part: Part of the study: `searched`, then `tuned` and `confirmed` where runs of these are
            planned; `done` and `planned` count its runs.
        done: Number of runs that have ended, those of earlier lives of the study among them.
        planned: Number of runs that the part is to have.
        failed: Number of trials that failed.
        stopped: Number of trials that the scheduler stopped early.
        objective: Name of the first objective.
        best: Best value of it among complete trials; None before there is one.
        seconds_left: Estimate of the time that the part still takes, from the work of this life
            alone; None where there is nothing to go by, and at the end.
    """

    name: str
    part: str
    done: int
    planned: int
    failed: int
    stopped: int
    objective: str
    best: float | None
    seconds_left: float | None

    @property
    def share(self) -> float:
        """Share of the part's runs that have ended, from 0 to 1."""
        return self.done / self.planned if self.planned else 1.0


class Tally(RunListener):
    """Counts runs of a study. What an earlier life of it did counts as done, and not for estimates.

    Args:
        config: The study.

    Attributes:
        running: Runs that are being trained, by key.
        epochs: Last epoch of each run, by key.
        ended: Trials that ended.
        again: Runs that tune or confirm networks and ended, of the part that runs now.
        restored: Number of trials that ended in earlier lives.
        planned_again: Number of runs of the part that follows the search; 0 before it.
        part: Part of the study; see `StudyProgress`.
    """

    def __init__(self, config: StudyConfig) -> None:
        self._config = config
        self._started = time.monotonic()
        self._started_ms = now_ms()
        self._heard: dict[RunKey, float] = {}
        self._restored_epochs = 0
        self._restored_again = 0
        self._again_started = 0.0
        self.running: dict[RunKey, RunRecord] = {}
        self.epochs: dict[RunKey, EpochResult] = {}
        self.ended: list[RunRecord] = []
        self.again: list[RunRecord] = []
        self.restored = 0
        self.planned_again = 0
        self.part = SEARCHED

    def run_restored(self, record: RunRecord) -> None:
        """Count it as done before."""
        if record.layer:
            self.again.append(record)
            self._restored_again += 1
            return
        self.ended.append(record)
        self.restored += 1
        self._restored_epochs += self._config.epochs

    def run_started(self, record: RunRecord) -> None:
        """Count it as running."""
        self.running[record.key] = record
        self._heard[record.key] = time.monotonic()

    def epoch_finished(self, key: RunKey, result: EpochResult) -> None:
        """Count its epochs."""
        now = time.monotonic()
        begun = self.running[key].started_ms if key in self.running else None
        # A trial that goes on first reports epochs that it finished in an earlier life: they took
        # longer than there was time for.
        if (
            begun is not None
            and begun < self._started_ms
            and result.train_seconds > now - self._heard[key]
        ):
            self._restored_epochs += 1
        self._heard[key] = now
        self.epochs[key] = result

    def run_retried(self, record: RunRecord) -> None:
        """Count it as waiting."""
        self.running.pop(record.key, None)

    def run_paused(self, record: RunRecord) -> None:
        """Count it as waiting for another life of the study."""
        self.running.pop(record.key, None)

    def run_ended(self, record: RunRecord) -> None:
        """Count it as done."""
        self.running.pop(record.key, None)
        (self.again if record.layer else self.ended).append(record)

    def retraining_planned(self, runs: int, part: str) -> None:
        """Turn to runs that tune or confirm networks of trials.

        Args:
            runs: Number of them.
            part: Word for one that ended, such as `confirmed`.
        """
        self.planned_again, self.part = runs, part
        self.again, self._restored_again = [], 0
        self._again_started = time.monotonic()

    def progress(self) -> StudyProgress:
        """Return the state of the study now."""
        first = self._config.objectives[0]
        complete = [r for r in self.ended.copy() if r.state is RunState.COMPLETE]
        values = [record.metrics()[first.name] for record in complete]
        best = (max if first.maximised else min)(values) if values else None
        search = not self.planned_again
        return StudyProgress(
            name=self._config.name,
            part=self.part,
            done=len(self.ended if search else self.again),
            planned=self._config.trials if search else self.planned_again,
            failed=sum(record.state is RunState.FAILED for record in self.ended),
            stopped=sum(record.state is RunState.PRUNED for record in self.ended),
            objective=first.name,
            best=best,
            seconds_left=self._seconds_left() if search else self._seconds_left_again(),
        )

    def share_done(self) -> float:
        """Return the share of epochs of the search, or of runs of what follows it, that is done."""
        if self.planned_again:
            return len(self.again) / self.planned_again
        return self._epochs_done() / (self._config.trials * self._config.epochs)

    def _epochs_done(self) -> int:
        """Count epochs of all trials; what a failed or stopped one leaves out counts as done."""
        running = sum(self.epochs[key].epoch for key in self.running.copy() if key in self.epochs)
        return len(self.ended) * self._config.epochs + running

    def _seconds_left(self) -> float | None:
        """Estimate from the work of this life alone; None before there is any, and at the end."""
        done, planned = self._epochs_done(), self._config.trials * self._config.epochs
        new = done - self._restored_epochs
        if new <= 0 or done >= planned:
            return None
        return (time.monotonic() - self._started) * (planned - done) / new

    def _seconds_left_again(self) -> float | None:
        done, planned = len(self.again), self.planned_again
        new = done - self._restored_again
        if new <= 0 or done >= planned:
            return None
        return (time.monotonic() - self._again_started) * (planned - done) / new
