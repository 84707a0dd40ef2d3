"""Record of a training run: a trial of the search, or a run that confirms one."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import NamedTuple

from pnn_core.config import ConfirmResult, Costs, EpochResult, ParameterValue
from study.results.objective import Objective

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
    """

    trial: int
    layer: str = ""
    seed: int = 0

    @property
    def is_confirmation(self) -> bool:
        """True if the run confirms a trial, or is a control of one."""
        return bool(self.layer)

    def __str__(self) -> str:
        name = f"trial {self.trial}"
        return f"confirm {name} {self.layer} seed {self.seed}" if self.is_confirmation else name


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """One training run of a study: a trial with its replicates, or a confirmation.

    A confirmation is one fresh seed of a trial of the front, or of one of its controls. It learns
    from train and validation images with the trial's own settings; the test images are read in this
    step alone. It has a test result and no curve; a trial has curves and no test result.

    Attributes:
        key: Identity within the study.
        state: State of the run; a confirmation is never pruned.
        parameters: Every setting of the training run under its plain name.
        size_difference: Learnable parameters of a confirmation over those of its trial, minus 1.
        costs: Costs of the network; None while unknown (nothing was reported yet).
        replicates: Curve of each seed, `seed`, `seed` + 1, …; all as long, so that no mean is
            ever taken over some of the seeds. Empty before the first epoch.
        result: Test result of a complete confirmation; None for all others.
        device: Device that it trained on, in words; empty while unknown.
        worker: Process of the last attempt, as `host:pid`; empty where that is not known.
        reason: Reason why it failed or was pruned; empty otherwise.
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
        tested = self.key.is_confirmation and self.state is RunState.COMPLETE
        if (self.result is not None) != tested:
            raise ValueError(
                f"result (={self.result}) must be given when a confirmation is complete"
            )

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

    def with_epoch(self, results: Sequence[EpochResult]) -> tuple[Curve, ...]:
        """Return the replicates after one more epoch of every seed."""
        curves = self.replicates or ((),) * len(results)
        return tuple((*curve, result) for curve, result in zip(curves, results, strict=True))

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
            metrics["learnable_params"] = self.costs.learnable_params
            metrics["mask_values"] = self.costs.mask_values
            metrics["macs"] = self.costs.macs
        if self.result is not None:
            metrics["train_loss"] = self.result.train_loss
            metrics["test_accuracy"] = self.result.test_accuracy
            metrics["published_test_accuracy"] = self.result.published_test_accuracy
            metrics["train_seconds"] = self.result.train_seconds
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
        """Sum over all epochs, of each the mean over seeds."""
        if len(self.replicates) == 1:  # ten thousand trials have half a million epochs
            return sum(result.train_seconds for result in self.replicates[0])
        return sum(
            statistics.fmean(result.train_seconds for result in results)
            for results in zip(*self.replicates, strict=True)
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
    return EpochResult(
        epoch=results[0].epoch,
        train_loss=statistics.fmean(r.train_loss for r in results),
        val_loss=statistics.fmean(r.val_loss for r in results),
        val_accuracy=statistics.fmean(r.val_accuracy for r in results),
        train_seconds=statistics.fmean(r.train_seconds for r in results),
        val_seconds=statistics.fmean(r.val_seconds for r in results),
    )
