"""Scales that give objectives of different units numbers whose product is a hypervolume."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from dashboards.elements.quantity import objective_quantity
from study.results.objective import Objective

BEYOND = 0.1
"""Distance of the reference beyond the worst value, as a share of the range: at the worst value
itself, the smallest and the most accurate trial would count nothing."""


class ObjectiveScale(NamedTuple):
    """Map of an objective's values to numbers from 0 (reference) to 1 (best).

    Attributes:
        objective: Objective that it scales.
        worst: Worst value of all complete trials.
        best: Best value of all complete trials.
        log: True if logarithms are taken first.
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
        objectives: Objectives of the columns.
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
