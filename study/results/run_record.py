"""Record of a training run: a trial of the search, or a run that confirms one."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from operator import attrgetter
from typing import NamedTuple

from pnn_core.config import (
    CANVAS,
    CLASSIFICATION,
    DETECTION,
    EPOCH_METRICS,
    TASKS,
    ConfirmResult,
    Costs,
    EpochResult,
    ParameterValue,
    Task,
    measured_metrics,
)
from study.results.early_stop import EarlyStop
from study.results.objective import Objective
from study.results.printable import printable
from study.results.tuning_point import TuningPoint

Curve = tuple[EpochResult, ...]
"""Results of one seed, in order, from epoch 1 without gaps."""


class RunState(StrEnum):
    """State of a run; every run that has ended is in exactly one of the last three."""

    RUNNING = "running"
    PAUSED = "paused"
    """Interrupted; goes on from its checkpoint when the study is resumed."""
    COMPLETE = "complete"
    """Ran its full budget."""
    PRUNED = "pruned"
    """Stopped early by the scheduler."""
    FAILED = "failed"
    """Ended without its full budget; the record's `reason` says why."""

    @property
    def words(self) -> str:
        """Words for people."""
        return "stopped early" if self is RunState.PRUNED else self.value

    @property
    def is_final(self) -> bool:
        """True if nothing can follow."""
        return self not in (RunState.RUNNING, RunState.PAUSED)


class RunKey(NamedTuple):
    """Identity of a run within its study.

    Keys sort by trial: its own run first, then those that confirm it by layer and seed.

    Attributes:
        trial: Number of the trial, counted from 0; of a confirmation, the trial of the front that
            it confirms, or is a control of.
        layer: Spatial layer of a confirmation: the trial's own, or the control's; empty for a
            trial of the search.
        seed: Fresh seed of a confirmation: the same ones for the trial and all its controls, so
            that they can be paired; 0 for a trial of the search.
        grid_point: Place in the tuning grid, from 1, of a run that tunes a network before it is
            confirmed; 0 for all others.
    """

    trial: int
    layer: str = ""
    seed: int = 0
    grid_point: int = 0

    @property
    def is_confirmation(self) -> bool:
        """True if the run confirms a trial, or is a control of one."""
        return bool(self.layer) and not self.grid_point

    @property
    def is_tuning(self) -> bool:
        """True if the run tunes a network before it is confirmed."""
        return self.grid_point > 0

    def __str__(self) -> str:
        name = f"trial {self.trial}"
        if self.is_tuning:
            return f"tune {name} {self.layer} grid point {self.grid_point} seed {self.seed}"
        return f"confirm {name} {self.layer} seed {self.seed}" if self.is_confirmation else name


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """One training run of a study: a trial with its replicates, or a confirmation.

    A confirmation is one fresh seed of a trial of the front, or of one of its controls. It learns
    from train and validation images with the trial's own settings; the test images are read in this
    step alone. It has a test result and no curve; a trial has curves and no test result, and so has
    a run that tunes a network before it is confirmed.

    Attributes:
        key: Identity within the study.
        state: State of the run; a confirmation is never pruned.
        parameters: Every setting of the training run under its plain name.
        size_difference: Learnable parameters of a confirmation over those of its trial, minus 1.
        costs: Costs of the network; None while unknown (nothing was reported yet).
        replicates: Curve of each seed, `seed`, `seed` + 1, …; all as long, so that no mean is
            ever taken over some of the seeds. Empty before the first epoch.
        result: Test result of a complete confirmation; None for all others.
        tuning: Grid of a confirmed network that was tuned before, with its results on validation
            images; empty for one that was not.
        measured: Measurements of the trained network that are objectives, by name: one's own and
            those of `pnn_core.config.Measurements`, the mean over seeds; made once, on `device`.
        device: Device that it trained on, in words; empty while unknown.
        arithmetic: Arithmetic that trained it, `compiled` where a compiled network did some of its
            steps; empty where that is not known.
        fallbacks: Sentences on what a fast path was left out for, and why; empty where
            nothing was, and in earlier records.
        enqueued: True if a trial's point was asked for, wholly or in part, and not proposed; False
            in earlier records.
        worker: Process of the last attempt, as `host:pid`; empty where that is not known.
        stop: Early stop of a pruned trial; None where older records do not tell.
        reason: Reason why it failed or was pruned; empty otherwise. Of an early stop, its sentence.
        retried: Reasons why earlier attempts broke off, the oldest first.
        started_ms: Time when a process first took it up, in ms since 1970; None where not known.
        ended_ms: Time when it reached its final state; None before.
    """

    key: RunKey
    state: RunState
    parameters: Mapping[str, ParameterValue]
    size_difference: float = 0.0
    costs: Costs | None = None
    replicates: tuple[Curve, ...] = ()
    result: ConfirmResult | None = None
    tuning: tuple[TuningPoint, ...] = ()
    measured: Mapping[str, float] = field(default_factory=dict)
    device: str = ""
    arithmetic: str = ""
    fallbacks: tuple[str, ...] = ()
    enqueued: bool = False
    worker: str = ""
    stop: EarlyStop | None = None
    reason: str = ""
    retried: tuple[str, ...] = ()
    started_ms: int | None = None
    ended_ms: int | None = None

    def __post_init__(self) -> None:
        for curve in self.replicates:
            numbers = [result.epoch for result in curve]
            if numbers != list(range(1, len(self.replicates[0]) + 1)):
                raise ValueError(
                    f"replicates must all count from 1 to {len(self.replicates[0])} without gaps, "
                    f"not {numbers}"
                )
        if self.stop is not None:
            if self.state is not RunState.PRUNED:
                raise ValueError(f"stop (={self.stop}) is for pruned trials, not {self.state} ones")
            object.__setattr__(self, "reason", str(self.stop))
        # They may hold a user's file names, and go to pages, trackers and terminals.
        object.__setattr__(self, "reason", printable(self.reason))
        object.__setattr__(self, "retried", tuple(map(printable, self.retried)))
        object.__setattr__(self, "fallbacks", tuple(map(printable, self.fallbacks)))
        tested = self.key.is_confirmation and self.state is RunState.COMPLETE
        if (self.result is not None) != tested:
            raise ValueError(
                f"result (={self.result}) must be given when a confirmation is complete"
            )

    @property
    def task(self) -> Task:
        """Task that the network was trained for."""
        return TASKS[DETECTION if CANVAS in self.parameters else CLASSIFICATION]

    @property
    def number(self) -> int:
        """Number of the trial."""
        return self.key.trial

    @property
    def trial(self) -> int:
        """Number of the trial that the run is or confirms."""
        return self.key.trial

    @property
    def layer(self) -> str:
        """Spatial layer of a confirmation; empty for a trial of the search."""
        return self.key.layer

    @property
    def seed(self) -> int:
        """Fresh seed of a confirmation."""
        return self.key.seed

    @property
    def epochs(self) -> Curve:
        """Results so far, each the mean over the seeds."""
        return tuple(mean_result(results) for results in zip(*self.replicates, strict=True))

    def metrics(self) -> dict[str, float]:
        """Return final metrics under the field's names; accuracy and losses are the last epoch's.

        The last epoch and not the best one: choosing an epoch would be one more selection. With
        several seeds each is the mean, and `val_accuracy_std` the sample standard deviation.
        """
        return dict(self._metrics)

    @cached_property
    def _metrics(self) -> dict[str, float]:
        # Kept, because every picture of a study asks every trial for them.
        metrics: dict[str, float] = {}
        if self.key.is_confirmation:
            metrics["size_difference"] = self.size_difference
        if self.costs is not None:
            metrics |= self.costs.counted()
        if self.result is not None:
            metrics |= self.result.metrics()
        metrics |= self.measured
        if not self.replicates or not self.replicates[0]:
            return metrics
        last = mean_result([curve[-1] for curve in self.replicates])
        for name, value in last.measured().items():
            over_epochs = EPOCH_METRICS[name].over_epochs
            if over_epochs == "last":
                metrics[name] = value
            elif over_epochs == "sum":
                metrics[name] = self._sum(name)
        if len(self.replicates) > 1:
            final = [curve[-1].merit for curve in self.replicates]
            metrics[f"{self.task.validated}_std"] = statistics.stdev(final)
        return metrics

    def _sum(self, name: str) -> float:
        """Sum over all epochs, of each the mean over seeds."""
        value = attrgetter(name)
        if len(self.replicates) == 1:  # ten thousand trials have half a million epochs
            return float(sum(map(value, self.replicates[0])))
        return sum(
            statistics.fmean(map(value, results)) for results in zip(*self.replicates, strict=True)
        )

    def values(self, objectives: tuple[Objective, ...]) -> tuple[float, ...]:
        """Return the values of the objectives, in their order.

        Raises:
            KeyError: An objective's metric is not recorded.
        """
        metrics = self.metrics()
        return tuple(metrics[objective.name] for objective in objectives)


def mean_result(results: Sequence[EpochResult]) -> EpochResult:
    """Return the mean of one epoch's results over seeds; of a single seed, its own.

    Args:
        results: Results of the same epoch, at least one.
    """
    if len(results) == 1:
        return results[0]
    names = measured_metrics(results)
    means = {name: statistics.fmean(map(attrgetter(name), results)) for name in names}
    return EpochResult(epoch=results[0].epoch, **means)
