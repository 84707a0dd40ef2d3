"""What is known of one trial."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from pnn_core.config import Costs, EpochResult, ParameterValue
from study.results.objective import Objective


class TrialState(StrEnum):
    """Where a trial stands; every finished trial is in exactly one of the last three."""

    RUNNING = "running"
    COMPLETE = "complete"
    """Ran its full budget."""
    PRUNED = "pruned"
    """Stopped early by the scheduler."""
    FAILED = "failed"
    """Ended without its full budget; the record's `reason` says why."""


@dataclass(frozen=True, kw_only=True)
class TrialRecord:
    """One trial of a study.

    Attributes:
        number: Counted from 0 within the study; with the study's name, the trial's key.
        state: Where it stands.
        parameters: Every setting of its training run under its plain name.
        costs: None while unknown (the trial has not reported yet).
        epochs: Results so far, in order, from epoch 1 without gaps.
        device: Where it trained, in words; empty while unknown.
        reason: Why it failed or was pruned; empty otherwise.
    """

    number: int
    state: TrialState
    parameters: Mapping[str, ParameterValue]
    costs: Costs | None = None
    epochs: tuple[EpochResult, ...] = ()
    device: str = ""
    reason: str = ""

    def __post_init__(self) -> None:
        numbers = [result.epoch for result in self.epochs]
        if numbers != list(range(1, len(numbers) + 1)):
            raise ValueError(f"epochs (={numbers}) must count from 1 without gaps")

    def metrics(self) -> dict[str, float]:
        """Final metrics under the field's names; accuracy and losses are the last epoch's.

        The last epoch and not the best one: choosing an epoch would be one more selection.
        """
        metrics: dict[str, float] = {}
        if self.costs is not None:
            metrics["learnable_params"] = self.costs.learnable_params
            metrics["mask_values"] = self.costs.mask_values
            metrics["macs"] = self.costs.macs
        if self.epochs:
            last = self.epochs[-1]
            metrics["val_accuracy"] = last.val_accuracy
            metrics["val_loss"] = last.val_loss
            metrics["train_loss"] = last.train_loss
            metrics["train_seconds"] = sum(result.train_seconds for result in self.epochs)
        return metrics

    def values(self, objectives: tuple[Objective, ...]) -> tuple[float, ...]:
        """Values of the objectives, in their order.

        Raises:
            KeyError: An objective's metric is not recorded.
        """
        metrics = self.metrics()
        return tuple(metrics[objective.name] for objective in objectives)
