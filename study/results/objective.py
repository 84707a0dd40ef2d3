"""Objectives: metrics that a study makes large or small."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pnn_core.config import COST_METRICS, EPOCH_METRICS, Metric
from pnn_core.config.checks import require_known

Direction = Literal["maximize", "minimize"]
Kind = Literal["value", "count", "seconds"]


@dataclass(frozen=True, kw_only=True)
class Objective:
    """A metric of a trial and the direction in which it is better.

    Attributes:
        name: Name of the metric, as recorded (`RunRecord.metrics`).
        direction: Direction in Optuna's words.
        label: Name in pictures, with its unit.
        kind: Kind of number.
        known_before_training: True if it follows from the network alone.
    """

    name: str
    direction: Direction
    label: str
    kind: Kind
    known_before_training: bool

    @property
    def maximised(self) -> bool:
        """True if larger is better."""
        return self.direction == "maximize"

    @property
    def short(self) -> str:
        """Label without its unit."""
        return self.label.split(" (")[0]

    @property
    def is_logarithmic(self) -> bool:
        """True if its usual axis is logarithmic."""
        return self.kind != "value"

    def __str__(self) -> str:
        return self.name

    def format(self, value: float) -> str:
        """Format a value for people."""
        return format_kind(self.kind, value)


def _objectives(metrics: Mapping[str, Metric]) -> dict[str, Objective]:
    return {
        name: Objective(
            name=name,
            direction=metric.direction,
            label=metric.label,
            kind=metric.kind,
            known_before_training=metrics is COST_METRICS,
        )
        for name, metric in metrics.items()
    }


OBJECTIVES: dict[str, Objective] = {
    **_objectives({n: m for n, m in EPOCH_METRICS.items() if m.over_epochs == "last"}),
    **_objectives(COST_METRICS),
    **_objectives({n: m for n, m in EPOCH_METRICS.items() if m.over_epochs == "sum"}),
}
"""Every metric that can be an objective."""

COUNTS = tuple(name for name, objective in OBJECTIVES.items() if objective.kind == "count")
"""Names of the objectives that are whole numbers and reach into thousands."""


def format_kind(kind: Kind, value: float) -> str:
    """Format a number: counts with separators, seconds to a tenth, the rest to four decimals."""
    if kind == "count":
        return f"{round(value):,}"
    return f"{value:.1f}" if kind == "seconds" else f"{value:.4f}"


def parse_objectives(names: str) -> tuple[Objective, ...]:
    """Read objectives as the command line gives them.

    Args:
        names: Metric names separated by commas, such as `val_accuracy,learnable_params`.

    Raises:
        ValueError: A name is unknown (the nearest is suggested) or stands twice.
    """
    wanted = [name.strip() for name in names.split(",")]
    for name in wanted:
        require_known("an objective", name, OBJECTIVES)
        if wanted.count(name) > 1:
            raise ValueError(f"{name!r} is named twice")
    return tuple(OBJECTIVES[name] for name in wanted)
