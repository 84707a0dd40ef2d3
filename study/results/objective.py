"""Objectives: what a study makes large or small."""

import difflib
from dataclasses import dataclass, fields
from typing import Literal

from pnn_core.config import Costs

Direction = Literal["maximize", "minimize"]


@dataclass(frozen=True, kw_only=True)
class Objective:
    """A metric of a trial and the direction in which it is better.

    Attributes:
        name: A metric's name, as recorded (`RunRecord.metrics`).
        direction: In Optuna's words.
        label: How a picture names it, with its unit.
    """

    name: str
    direction: Direction
    label: str

    @property
    def maximised(self) -> bool:
        """Whether larger is better."""
        return self.direction == "maximize"

    @property
    def known_before_training(self) -> bool:
        """Whether it follows from the network alone."""
        return self.name in (cost.name for cost in fields(Costs))


OBJECTIVES: dict[str, Objective] = {
    objective.name: objective
    for objective in (
        Objective(
            name="val_accuracy", direction="maximize", label="validation accuracy (correct / total)"
        ),
        Objective(name="val_loss", direction="minimize", label="validation loss (nats)"),
        Objective(name="train_loss", direction="minimize", label="training loss (nats)"),
        Objective(name="learnable_params", direction="minimize", label="learnable parameters"),
        Objective(name="mask_values", direction="minimize", label="mask values (fixed numbers)"),
        Objective(name="macs", direction="minimize", label="multiply-accumulates per image (MACs)"),
        Objective(name="train_seconds", direction="minimize", label="training time (s)"),
    )
}
"""Every metric that can be an objective."""


def parse_objectives(names: str) -> tuple[Objective, ...]:
    """Read objectives as the command line gives them.

    Args:
        names: Metric names separated by commas, such as `val_accuracy,learnable_params`.

    Raises:
        ValueError: A name is unknown (the nearest is suggested) or stands twice.
    """
    wanted = [name.strip() for name in names.split(",")]
    for name in wanted:
        if name not in OBJECTIVES:
            near = difflib.get_close_matches(name, OBJECTIVES, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise ValueError(
                f"{name!r} is not an objective: accepted are {', '.join(OBJECTIVES)}{hint}"
            )
        if wanted.count(name) > 1:
            raise ValueError(f"{name!r} is named twice")
    return tuple(OBJECTIVES[name] for name in wanted)
