"""What is known of one trial."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from pnn_core.config import Costs, EpochResult, ParameterValue
from study.results.objective import Objective

Curve = tuple[EpochResult, ...]
"""Results of one seed, in order, from epoch 1 without gaps."""


class TrialState(StrEnum):
    """Where a trial stands; every finished trial is in exactly one of the last three."""

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
        """As people read it."""
        return "stopped early" if self is TrialState.PRUNED else self.value

    @property
    def is_final(self) -> bool:
        """Whether nothing can follow."""
        return self not in (TrialState.RUNNING, TrialState.PAUSED)


@dataclass(frozen=True, kw_only=True)
class TrialRecord:
    """One trial of a study.

    Attributes:
        number: Counted from 0 within the study; with the study's name, the trial's key.
        state: Where it stands.
        parameters: Every setting of its training run under its plain name.
        costs: None while unknown (the trial has not reported yet).
        replicates: The curve of each seed, `seed`, `seed` + 1, …; all as long, so that no mean is
            ever taken over some of the seeds. Empty before the first epoch.
        device: Where it trained, in words; empty while unknown.
        worker: Process of its last attempt, as `host:pid`; empty where that is not known.
        reason: Why it failed or was pruned; empty otherwise.
        retried: Why each earlier attempt at it broke off, the oldest first.
        started_ms: When a process first took it up, in ms since 1970; None where not known.
        ended_ms: When it reached its final state; None before.
    """

    number: int
    state: TrialState
    parameters: Mapping[str, ParameterValue]
    costs: Costs | None = None
    replicates: tuple[Curve, ...] = ()
    device: str = ""
    worker: str = ""
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

    @property
    def epochs(self) -> Curve:
        """Results so far, each the mean over the seeds."""
        return tuple(mean_result(results) for results in zip(*self.replicates, strict=True))

    def with_epoch(self, results: Sequence[EpochResult]) -> tuple[Curve, ...]:
        """The replicates after one more epoch of every seed."""
        curves = self.replicates or ((),) * len(results)
        return tuple((*curve, result) for curve, result in zip(curves, results, strict=True))

    def metrics(self) -> dict[str, float]:
        """Final metrics under the field's names; accuracy and losses are the last epoch's.

        The last epoch and not the best one: choosing an epoch would be one more selection. With
        several seeds each is the mean, and `val_accuracy_std` the sample standard deviation.
        """
        return dict(self._metrics)

    @cached_property
    def _metrics(self) -> dict[str, float]:
        # Kept, because every picture of a study asks every trial for them.
        metrics: dict[str, float] = {}
        if self.costs is not None:
            metrics["learnable_params"] = self.costs.learnable_params
            metrics["mask_values"] = self.costs.mask_values
            metrics["macs"] = self.costs.macs
        if not self.replicates or not self.replicates[0]:
            return metrics
        last = mean_result([curve[-1] for curve in self.replicates])
        metrics["val_accuracy"] = last.val_accuracy
        metrics["val_loss"] = last.val_loss
        metrics["train_loss"] = last.train_loss
        metrics["train_seconds"] = self._train_seconds()
        if len(self.replicates) > 1:
            final = [curve[-1].val_accuracy for curve in self.replicates]
            metrics["val_accuracy_std"] = statistics.stdev(final)
        return metrics

    def _train_seconds(self) -> float:
        """Over all epochs, of each the mean over seeds."""
        if len(self.replicates) == 1:  # ten thousand trials have half a million epochs
            return sum(result.train_seconds for result in self.replicates[0])
        return sum(
            statistics.fmean(result.train_seconds for result in results)
            for results in zip(*self.replicates, strict=True)
        )

    def values(self, objectives: tuple[Objective, ...]) -> tuple[float, ...]:
        """Values of the objectives, in their order.

        Raises:
            KeyError: An objective's metric is not recorded.
        """
        metrics = self.metrics()
        return tuple(metrics[objective.name] for objective in objectives)


def mean_result(results: Sequence[EpochResult]) -> EpochResult:
    """The mean of one epoch's results over seeds; of a single seed, its own.

    Args:
        results: Of the same epoch, at least one.
    """
    if len(results) == 1:
        return results[0]
    return EpochResult(
        epoch=results[0].epoch,
        train_loss=statistics.fmean(r.train_loss for r in results),
        val_loss=statistics.fmean(r.val_loss for r in results),
        val_accuracy=statistics.fmean(r.val_accuracy for r in results),
        train_seconds=statistics.fmean(r.train_seconds for r in results),
        val_seconds=statistics.fmean(r.val_seconds for r in results),
    )
