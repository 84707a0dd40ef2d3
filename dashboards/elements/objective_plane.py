"""The plane of two metrics in which fronts of several studies are drawn."""

import math
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from dashboards.elements import theme
from dashboards.elements.picture import Columns
from dashboards.elements.quantity import Quantity, objective_quantity
from study.results.objective import OBJECTIVES, Objective
from study.results.run_record import RunRecord

NOTHING_COMPLETE = "No trial has completed its full budget with both metrics yet."
FROM_VALIDATION = "Chosen on validation data; the test set was not read."


class StepLine(Protocol):
    """Step line that is drawn in it."""

    @property
    def x(self) -> tuple[float, ...]:
        """Horizontal places of its corners, the best first."""

    @property
    def y(self) -> tuple[float, ...]:
        """Vertical places of its corners."""


class ObjectivePlane(NamedTuple):
    """Its two axes."""

    x: Quantity
    y: Quantity

    def __str__(self) -> str:
        """Such as: validation accuracy against learnable parameters."""
        return f"{self.y.short} against {self.x.short}"

    def axes(self, lines: Sequence[StepLine]) -> dict[str, object]:
        """Both axes of a figure of these lines, in Plotly's words."""
        return {
            name: theme.axis(axis.label, values, log=axis.spans_decades, counts=axis.counts)
            for name, axis, values in zip(("xaxis", "yaxis"), self, _values(lines), strict=True)
        }


def usual_plane(objectives: Sequence[Objective]) -> ObjectivePlane:
    """The first objective of a study against its second.

    Where it has one alone, the learnable parameters stand for the second; for those, the accuracy.
    """
    first = objectives[0]
    other = "val_accuracy" if first.name == "learnable_params" else "learnable_params"
    second = objectives[1] if len(objectives) > 1 else OBJECTIVES[other]
    return ObjectivePlane(x=objective_quantity(second), y=objective_quantity(first))


def plane_columns(plane: ObjectivePlane, lines: Sequence[StepLine]) -> Columns:
    """All corners, in columns named after the axes."""
    return dict(zip([axis.name for axis in plane], _values(lines), strict=True))


def finite_values(record: RunRecord, quantities: Sequence[Quantity]) -> tuple[float, ...] | None:
    """Values of a trial; None where one is missing or not finite."""
    metrics = record.metrics()
    values = []
    for quantity in quantities:
        value = metrics[quantity.name] if quantity.name in metrics else quantity.of(record)
        if isinstance(value, str) or value is None or not math.isfinite(value):
            return None
        values.append(float(value))
    return tuple(values)


def _values(lines: Sequence[StepLine]) -> tuple[list[float], list[float]]:
    return [x for line in lines for x in line.x], [y for line in lines for y in line.y]
