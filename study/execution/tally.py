"""Tally of a running study: runs done, the best so far and the time left."""

import time
from dataclasses import dataclass
from typing import NamedTuple

from pnn_core.config import EpochResult
from study.config import StudyConfig
from study.execution.expected_networks import ExpectedNetworks, epoch_seconds, expected_networks
from study.execution.part_pace import PartPace
from study.results.run_listener import RunListener
from study.results.run_record import RunKey, RunRecord, RunState
from study.results.timestamps import now_ms
from study.results.tuning_grid import tuning_grid

SEARCHED, TUNED, CONFIRMED = "searched", "tuned", "confirmed"
"""Words for the parts of a study, in their order; the first one runs its trials."""


class PartCount(NamedTuple):
    """Runs of one part of a study.

    Attributes:
        part: Part; see `StudyProgress`.
        done: Number of runs that have ended.
        planned: Number of runs that it is to have.
        is_expected: True if `planned` is expected from the trials so far.
    """

    part: str
    done: int
    planned: int
    is_expected: bool


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
        seconds_left: Estimate of the time that the study still takes, with what is to be tuned and
            confirmed, from the work of this life alone; None where there is nothing to go by, and
            at the end.
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
        confirming: Last epoch of each run that confirms, and its training loss, by key.
        ended: Trials that ended.
        again: Runs that tune or confirm networks and ended, of the part that runs now.
        restored: Number of trials that ended in earlier lives.
        part: Part of the study; see `StudyProgress`.
    """

    def __init__(self, config: StudyConfig) -> None:
        self._config = config
        self._started_ms = now_ms()
        self._heard: dict[RunKey, float] = {}
        self._passes: dict[RunKey, int] = {}
        self._runs = {SEARCHED: config.trials}
        self._networks = (-1, ExpectedNetworks(0.0, None))
        self._trial_seconds: dict[int, float] = {}
        self._trained = 0
        self._paces = {SEARCHED: PartPace(planned=config.trials * self._passes_of(SEARCHED))}
        self.running: dict[RunKey, RunRecord] = {}
        self.epochs: dict[RunKey, EpochResult] = {}
        self.confirming: dict[RunKey, tuple[int, float]] = {}
        self.ended: list[RunRecord] = []
        self.again: list[RunRecord] = []
        self.restored = 0
        self.part = SEARCHED

    def run_restored(self, record: RunRecord) -> None:
        """Count it as done before."""
        if record.layer:
            self.again.append(record)
        else:
            self._keep_seconds(record)
            self.ended.append(record)
            self.restored += 1
        self._paces[self.part].restored += self._advance(record.key, self._passes_of(self.part))

    def run_started(self, record: RunRecord) -> None:
        """Count it as running."""
        self.running[record.key] = record
        self._heard[record.key] = time.monotonic()
        self._paces[self.part].hear()

    def epoch_finished(self, key: RunKey, result: EpochResult) -> None:
        """Count its epochs."""
        now, seeds = time.monotonic(), self._config.replicates
        # A run that goes on first reports epochs that it finished in an earlier life: they took
        # longer than there was time for.
        is_restored = self._may_go_on(key) and result.train_seconds > now - self._heard[key]
        self._heard[key] = now
        self.epochs[key] = result
        pace, seconds = self._paces[self.part], result.train_seconds + result.val_seconds
        if is_restored:
            pace.restored += self._advance(key, result.epoch * seeds)
            return
        pace.hear(seconds * seeds)
        new = self._advance(key, result.epoch * seeds)
        if key.is_tuning:
            pace.trained += new
        else:
            pace.trained += seconds * seeds
            self._trained += seeds

    def confirmation_advanced(self, record: RunRecord, epoch: int, train_loss: float) -> None:
        """Count its epochs; those before the first that is told are an earlier life's."""
        self.running[record.key] = record
        self.confirming[record.key] = epoch, train_loss
        self._confirm_until(record.key, epoch)

    def run_retried(self, record: RunRecord) -> None:
        """Count it as waiting."""
        self.running.pop(record.key, None)

    def run_paused(self, record: RunRecord) -> None:
        """Count it as waiting for another life of the study."""
        self.running.pop(record.key, None)

    def run_ended(self, record: RunRecord) -> None:
        """Count it as done; what a failed or stopped one leaves out, too."""
        self.running.pop(record.key, None)
        if not record.layer:
            self._keep_seconds(record)
        (self.again if record.layer else self.ended).append(record)
        pace, passes = self._paces[self.part], self._passes_of(self.part)
        if record.key.is_confirmation and record.state is RunState.COMPLETE:
            self._confirm_until(record.key, passes)
            return
        left = self._advance(record.key, passes)
        if record.state is RunState.COMPLETE:
            pace.trained += left if record.layer else left * self._trial_seconds[record.trial]
            self._trained += 0 if record.layer else round(left)
        pace.hear()

    def retraining_planned(self, runs: int, part: str) -> None:
        """Turn to runs that tune or confirm networks of trials.

        Args:
            runs: Number of them.
            part: Word for one that ended, such as `confirmed`.
        """
        self._runs[part], self.part = runs, part
        self._paces[part] = PartPace(planned=self._work_of(part))
        self.again = []

    def progress(self) -> StudyProgress:
        """Return the state of the study now."""
        first = self._config.objectives[0]
        ended = self.ended.copy()
        complete = [r for r in ended if r.state is RunState.COMPLETE]
        values = [record.metrics()[first.name] for record in complete]
        best = (max if first.maximised else min)(values) if values else None
        return StudyProgress(
            name=self._config.name,
            part=self.part,
            done=len(ended if self.part == SEARCHED else self.again),
            planned=self._runs[self.part],
            failed=sum(record.state is RunState.FAILED for record in ended),
            stopped=sum(record.state is RunState.PRUNED for record in ended),
            objective=first.name,
            best=best,
            seconds_left=self._seconds_left(),
        )

    def counts(self) -> tuple[PartCount, ...]:
        """Count the runs of each part of the study, of those to come as far as can be expected."""
        counts = []
        for part in (SEARCHED, TUNED, CONFIRMED):
            is_expected, planned = part not in self._runs, round(self._planned_runs(part))
            done = planned  # of a part that is over
            if is_expected:
                done = 0
            elif part == self.part:
                done = len(self.ended if part == SEARCHED else self.again)
            if planned:
                counts.append(PartCount(part, done, planned, is_expected))
        return tuple(counts)

    def share_done(self) -> float:
        """Return the share of the work of all parts that is done."""
        paces = self._all_paces()
        # A trial's epoch, beside the seconds of the parts after the search.
        units = [self._mean_seconds(), 1.0, 1.0]
        done = sum(u * (pace.planned - pace.rest) for u, pace in zip(units, paces, strict=True))
        return done / sum(u * pace.planned for u, pace in zip(units, paces, strict=True))

    def _seconds_left(self) -> float | None:
        left, pace = 0.0, None
        for part in self._all_paces():
            rest = part.seconds_left(pace)
            if rest is None:
                return None
            left += rest
            pace = part.per_second(pace)
        return left or None

    def _all_paces(self) -> list[PartPace]:
        """Return the pace of every part of the study, without one for those to come."""
        return [
            self._paces.get(part) or PartPace(planned=self._work_of(part))
            for part in (SEARCHED, TUNED, CONFIRMED)
        ]

    def _work_of(self, part: str) -> float:
        """Return the seconds of workers that the runs of a later part are expected to take."""
        seconds = self._expected().epoch_seconds or self._mean_seconds()
        return self._planned_runs(part) * self._passes_of(part) * seconds

    def _expected(self) -> ExpectedNetworks:
        ended = len(self.ended)
        if self._networks[0] != ended:
            self._networks = ended, expected_networks(self._config, self.ended[:ended])
        return self._networks[1]

    def _planned_runs(self, part: str) -> float:
        """Return the number of runs of a part; of one to come, as far as can be expected."""
        if part in self._runs:
            return self._runs[part]
        config, networks = self._config, self._expected().number
        if part == CONFIRMED:
            return networks * config.confirm
        if config.tune_controls is None:
            return 0.0
        example = next(iter(config.space.examples(config.shape)))
        return networks * len(tuning_grid(config.tune_controls, example))

    def _passes_of(self, part: str) -> int:
        """Return the number of epochs of all seeds of a run."""
        return self._config.epochs * (1 if part == CONFIRMED else self._config.replicates)

    def _keep_seconds(self, record: RunRecord) -> None:
        """Keep how long an epoch of a trial takes, as the runs that confirm it take as long."""
        self._trial_seconds[record.trial] = epoch_seconds(record) or self._mean_seconds()

    def _mean_seconds(self) -> float:
        """Return the mean seconds of one seed's epoch in the search; 1 before the first."""
        if self._trained:
            return self._paces[SEARCHED].trained / self._trained
        known = self._trial_seconds.values()
        return sum(known) / len(known) if known else 1.0

    def _may_go_on(self, key: RunKey) -> bool:
        """Return True if a run may have begun in an earlier life."""
        if key not in self.running:
            return False
        begun = self.running[key].started_ms
        # Nothing is stored of a run that tunes before it ends.
        return key.is_tuning or (begun is not None and begun < self._started_ms)

    def _confirm_until(self, key: RunKey, epoch: int) -> None:
        """Count an epoch of a run that confirms, and what was not told before as an earlier life's.

        Every epoch is told, the last one by the end of the run.
        """
        pace = self._paces[self.part]
        pace.restored += self._advance(key, epoch - 1)
        pace.trained += self._advance(key, epoch)
        pace.hear()

    def _advance(self, key: RunKey, passes: int) -> float:
        """Count epochs of a run's seeds as done so far, and return the work that is new."""
        new = max(0, passes - self._passes.get(key, 0))
        self._passes[key] = self._passes.get(key, 0) + new
        work = new * self._trial_seconds.get(key.trial, self._mean_seconds()) if key.layer else new
        self._paces[self.part].done += work
        return work
