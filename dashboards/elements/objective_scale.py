"""How objectives of different units become numbers whose product measures a hypervolume."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from dashboards.elements.quantity import objective_quantity
from study.results.objective import Objective

BEYOND = 0.1
"""How far beyond the worst value the reference lies, as a share of the range: at the worst value
itself, the smallest and the most accurate trial would count nothing."""


class ObjectiveScale(NamedTuple):
    """How the values of an objective become numbers from 0 (reference) to 1 (best).

    Attributes:
        objective: That it is of.
        worst: Of all complete trials.
        best: Likewise.
        log: Whether logarithms are taken first.
    """

    objective: Objective
    worst: float
    best: float
    log: bool

    def apply(self, values: np.ndarray) -> np.ndarray:
        """Scale values; 1 for all where there is no range."""
        if self.worst == self.best:
            return np.ones_like(values)
        if self.log:
            values = np.log10(values)
        worst, best = (math.log10(e) if self.log else e for e in (self.worst, self.best))
        reference = worst - BEYOND * (best - worst)
        return np.asarray((values - reference) / (best - reference))

    def __str__(self) -> str:
        """Such as: learnable parameters 1,000 to 10 (by logarithm)."""
        quantity = objective_quantity(self.objective)
        how = " (by logarithm)" if self.log else ""
        return (
            f"{quantity.short} {quantity.format(self.worst)} to {quantity.format(self.best)}{how}"
        )


def objective_scales(
    values: np.ndarray, objectives: Sequence[Objective]
) -> tuple[ObjectiveScale, ...]:
    """A scale for each objective; none where nothing is complete, or all is the same.

    Args:
        values: A row for each trial of all studies together, NaN in all where it takes no part.
        objectives: Of the columns.
    """
    values = values[~np.isnan(values).any(axis=1)]
    if not len(values) or (values == values[0]).all():
        return ()
    scales = []
    for objective, column in zip(objectives, values.T, strict=True):
        low, high = float(column.min()), float(column.max())
        worst, best = (low, high) if objective.maximised else (high, low)
        log = objective_quantity(objective).spans_decades and low > 0
        scales.append(ObjectiveScale(objective=objective, worst=worst, best=best, log=log))
    return tuple(scales)
