"""What is known of one confirmation run."""

from collections.abc import Mapping
from dataclasses import dataclass

from pnn_core.config import ConfirmResult, Costs, ParameterValue
from study.results.trial_record import TrialState

ConfirmedKey = tuple[int, str, int]
"""Trial, layer and seed."""


@dataclass(frozen=True, kw_only=True)
class ConfirmedRun:
    """One fresh seed of a trial of the front, or of one of its controls.

    Trained on train and validation images with the trial's own settings; the test images are read
    in this step alone. A trial, a layer and a seed are its key.

    Attributes:
        trial: Number of the trial of the front that it confirms, or is a control of.
        layer: Its spatial layer: the trial's own, or the control's.
        seed: The same seeds for the trial and all its controls, so that they can be paired.
        state: `running`, `paused`, `complete` or `failed`.
        parameters: Every setting of its training run under its plain name.
        size_difference: Its learnable parameters over the trial's, minus 1.
        costs: None while unknown.
        result: None until it is complete.
        device: Where it trained, in words; empty while unknown.
        worker: Process of its last attempt, as `host:pid`; empty where that is not known.
        reason: Why it failed; empty otherwise.
        retried: Why each earlier attempt at it broke off, the oldest first.
        started_ms: When it started, in milliseconds since 1970; None where that is not known.
        ended_ms: When it reached its final state; None before.
    """

    trial: int
    layer: str
    seed: int
    state: TrialState
    parameters: Mapping[str, ParameterValue]
    size_difference: float
    costs: Costs | None = None
    result: ConfirmResult | None = None
    device: str = ""
    worker: str = ""
    reason: str = ""
    retried: tuple[str, ...] = ()
    started_ms: int | None = None
    ended_ms: int | None = None

    def __post_init__(self) -> None:
        if (self.result is None) == (self.state is TrialState.COMPLETE):
            raise ValueError(f"result (={self.result}) must be given when state is complete")

    @property
    def key(self) -> ConfirmedKey:
        """What tells it from all others of its study."""
        return self.trial, self.layer, self.seed

    def metrics(self) -> dict[str, float]:
        """Final metrics under the field's names."""
        metrics: dict[str, float] = {"size_difference": self.size_difference}
        if self.costs is not None:
            metrics["learnable_params"] = self.costs.learnable_params
            metrics["mask_values"] = self.costs.mask_values
            metrics["macs"] = self.costs.macs
        if self.result is not None:
            metrics["train_loss"] = self.result.train_loss
            metrics["test_accuracy"] = self.result.test_accuracy
            metrics["published_test_accuracy"] = self.result.published_test_accuracy
            metrics["train_seconds"] = self.result.train_seconds
        return metrics
