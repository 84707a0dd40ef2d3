"""Points of a space among which its largest network is, as good as surely."""

from collections.abc import Iterator, Sequence

import numpy as np
from optuna.distributions import BaseDistribution, FloatDistribution

from pnn_core.config import DatasetShape, ParameterValue
from search_spaces.axis_values import listed_values
from search_spaces.space import SearchSpace

DRAWS = 1000
"""Number of points that are drawn."""


def extreme_points(
    space: SearchSpace, dataset: DatasetShape, seed: int
) -> Iterator[dict[str, ParameterValue]]:
    """Draw valid points, first of all where a network may be largest; one may come twice.

    Sizes rise or fall along an axis of numbers, so that its ends are drawn; of any other axis,
    every value is. What cannot be built at the ends may be so in between, so that as many points
    are then drawn from all values of choices and whole numbers.

    Args:
        space: Space that is searched.
        dataset: Shape of the images, which decides what can be built.
        seed: Seed of the draws.
    """
    random = np.random.default_rng(seed)
    ends = {name: _ends(axis) for name, axis in space.axes.items()}
    every = {name: _values(axis) for name, axis in space.axes.items()}
    for draw in range(DRAWS):
        choices = ends if draw < DRAWS // 2 else every
        point = {n: values[int(random.integers(len(values)))] for n, values in choices.items()}
        if space.is_valid(point, dataset):
            yield point


def _ends(axis: BaseDistribution) -> Sequence[ParameterValue]:
    values = _values(axis)
    if isinstance(values, range):
        return (values[0], values[-1])
    numbers = [value for value in values if isinstance(value, int | float)]
    return (min(numbers), max(numbers)) if len(numbers) == len(values) else values


def _values(axis: BaseDistribution) -> Sequence[ParameterValue]:
    """List all of them, or the ends of an axis of real numbers: no size depends on those."""
    if isinstance(axis, FloatDistribution):
        return (axis.low, axis.high)
    return listed_values("", axis)
