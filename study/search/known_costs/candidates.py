"""Points near those that were tried, for spaces too large to list."""

from collections.abc import Iterator, Sequence

import numpy as np
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from pnn_core.config import ParameterValue
from search_spaces import SearchSpace
from search_spaces.space import Point

DRAWN_CANDIDATES = 1_024
"""Number of points that are compared, of a space that is not listed: each is checked anew."""

STEP = 0.1
"""Standard deviation of a step along an axis, as a share of the axis."""

CHANGED = 0.5
"""Chance that a setting changes from one point to its neighbour."""


def neighbours(
    space: SearchSpace, tried: Sequence[Point], random: np.random.Generator
) -> Iterator[dict[str, ParameterValue]]:
    """Yield points near tried ones, without end; some cannot be built.

    Args:
        space: Space that holds them.
        tried: Points, at least one.
        random: Source of chance.
    """
    while True:
        point = tried[int(random.integers(len(tried)))]
        yield {
            name: _step(axis, point[name], random) if random.random() < CHANGED else point[name]
            for name, axis in space.axes.items()
        }


def _step(
    axis: BaseDistribution, value: ParameterValue, random: np.random.Generator
) -> ParameterValue:
    if isinstance(axis, CategoricalDistribution):
        chosen: ParameterValue = axis.choices[int(random.integers(len(axis.choices)))]  # type: ignore[assignment]
        return chosen
    if not isinstance(axis, FloatDistribution | IntDistribution) or axis.single():
        return value
    low, high, at = float(axis.low), float(axis.high), float(value)
    scale, back = (np.log, np.exp) if axis.log else (float, float)
    away = random.normal(0.0, STEP) * (scale(high) - scale(low))
    moved = min(high, max(low, float(back(scale(at) + away))))
    if axis.step is not None:
        moved = min(high, low + axis.step * round((moved - low) / axis.step))
    return round(moved) if isinstance(axis, IntDistribution) else moved
