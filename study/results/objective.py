"""Objectives: metrics that a study makes large or small."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from pnn_core.config import (
    COST_METRICS,
    EPOCH_METRICS,
    MEASURED_METRICS,
    PARAMETER_NAMES,
    Metric,
)
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
        measured: True if it is measured once, after the last epoch.
        is_own: True for a function of one's own.
        source: Path of the function's file as typed; empty once it is found, and for others.
    """

    name: str
    direction: Direction
    label: str
    kind: Kind
    known_before_training: bool
    measured: bool = False
    is_own: bool = False
    source: str = field(default="", compare=False)

    def __str__(self) -> str:
        """Spell it as it is typed, but for the path: one's own says its direction."""
        return f"{self.name}:{self.direction}" if self.is_own else self.name

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
            measured=metrics is MEASURED_METRICS,
        )
        for name, metric in metrics.items()
    }


OBJECTIVES: dict[str, Objective] = {
    **_objectives({n: m for n, m in EPOCH_METRICS.items() if m.over_epochs == "last"}),
    **_objectives(COST_METRICS),
    **_objectives({n: m for n, m in EPOCH_METRICS.items() if m.over_epochs == "sum"}),
}
"""Every metric that each trial has and that can be an objective."""


def objectives_of(task: str) -> dict[str, Objective]:
    """Return those that a trial of a task has.

    Args:
        task: Name of the task.
    """
    metrics = {**EPOCH_METRICS, **COST_METRICS}
    return {name: o for name, o in OBJECTIVES.items() if metrics[name].task in (None, task)}


MEASURED_OBJECTIVES = _objectives(MEASURED_METRICS)
"""Metrics that a trial has where they are objectives."""

_OWN = re.compile(r"(?:(?P<source>.+\.py):)?(?P<name>[A-Za-z_]\w*):(?P<direction>\w+)")

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
        names: Metric names separated by commas, such as `val_accuracy,learnable_params`; a function
            of one's own is `FILE.py:NAME:minimize` or `…:maximize`.

    Raises:
        ValueError: A name is unknown (the nearest is suggested) or stands twice.
    """
    wanted = [_parse_objective(name.strip()) for name in names.split(",")]
    found = [objective.name for objective in wanted]
    for name in found:
        if found.count(name) > 1:
            raise ValueError(f"{name!r} is named twice")
    return tuple(wanted)


def _parse_objective(text: str) -> Objective:
    known = OBJECTIVES | MEASURED_OBJECTIVES
    if text in known or (":" not in text and ".py" not in text):
        require_known("an objective", text, known)
        return known[text]
    match = _OWN.fullmatch(text)
    if match is None or match["direction"] not in get_args(Direction):
        raise ValueError(
            f"{text!r} must say which function of a file it is, and in which direction it is "
            "better: FILE.py:NAME:minimize or FILE.py:NAME:maximize"
        )
    name = match["name"]
    if name in known or name in PARAMETER_NAMES:
        raise ValueError(f"{name!r} is the name of a metric or setting: choose another name")
    return Objective(
        name=name,
        direction="maximize" if match["direction"] == "maximize" else "minimize",
        label=name,
        kind="value",
        known_before_training=False,
        measured=True,
        is_own=True,
        source=match["source"] or "",
    )
