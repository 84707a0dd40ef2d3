"""Optimiser and schedule, in words."""

from dataclasses import dataclass
from typing import Literal, get_args

from pnn_core.config.checks import require_at_least, require_finite_at_least, require_member

Optimizer = Literal["adam", "sgd"]
Schedule = Literal[
    "tenth_at_60_90",
    "fifth_at_60_120_160",
    "fifth_at_150_250_300_350_400",
    "original",
    "klachko",
    "update",
    "faster_rcnn",
    "constant",
]


@dataclass(frozen=True, kw_only=True)
class OptimConfig:
    """Optimiser, learning rate and batches.

    Attributes:
        optimizer: Name of the optimiser: `adam`, or `sgd` with Nesterov momentum.
        learning_rate: Initial learning rate.
        schedule: Drops of the learning rate, to the named share after the named epochs of 100, 200
            and 450, or those of a published code, under the name of its recipe; scaled to the
            epochs asked for.
        batch_size: Images per step.
        momentum: Momentum of `sgd`; `adam` ignores it.
        weight_decay: Factor of the L2 penalty, added to the gradient.
    """

    optimizer: Optimizer = "adam"
    learning_rate: float = 1e-3
    schedule: Schedule = "tenth_at_60_90"
    batch_size: int = 10
    momentum: float = 0.9
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        require_member(self, "optimizer", get_args(Optimizer))
        require_member(self, "schedule", get_args(Schedule))
        require_at_least(self, 1, "batch_size")
        require_finite_at_least(self, 0.0, "learning_rate", "momentum", "weight_decay")
        if self.learning_rate == 0:
            raise ValueError("learning_rate (=0) must be above 0")

    def unused(self) -> frozenset[str]:
        """Names of settings that change nothing about how this one learns."""
        return frozenset() if self.optimizer == "sgd" else frozenset({"momentum"})
