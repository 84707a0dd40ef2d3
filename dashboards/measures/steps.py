"""Functions that rise in steps, and the band that several of them make."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

LOW, MIDDLE, HIGH = 0.1, 0.5, 0.9
"""Quantiles of a band: four of five functions lie within it."""

PLACES = 200
"""Number of places of a band: at 0, and at equal ratios over the last two decades."""

DECADES = 2


class Steps(NamedTuple):
    """A function that rises in steps from 0.

    Attributes:
        x: Places where it rises, in order.
        y: Its value from there on.
    """

    x: tuple[float, ...]
    y: tuple[float, ...]

    def at(self, places: np.ndarray) -> np.ndarray:
        """Its values at some places, the steps there included."""
        return np.array([0.0, *self.y])[np.searchsorted(self.x, places, side="right")]

    def reaches(self, height: float) -> float | None:
        """Return the place where it reaches a height; None where it does not."""
        return next((x for x, y in zip(self.x, self.y, strict=True) if y >= height), None)


class Band(NamedTuple):
    """Quantiles of several functions, each by places of `x`.

    Attributes:
        x: The places, in order.
        low: Below which `LOW` of the functions lie.
        middle: The median.
        high: Below which `HIGH` of them lie.
    """

    x: tuple[float, ...]
    low: tuple[float, ...]
    middle: tuple[float, ...]
    high: tuple[float, ...]


def band(functions: Sequence[Steps], end: float) -> Band:
    """The band of several functions from 0 to `end`.

    Args:
        functions: At least one.
        end: Greater than 0.
    """
    x = np.array([0.0, *np.geomspace(end / 10**DECADES, end, PLACES - 1)])
    values = np.array([function.at(x) for function in functions])
    low, middle, high = np.quantile(values, (LOW, MIDDLE, HIGH), axis=0)
    return Band(*(tuple(column.tolist()) for column in (x, low, middle, high)))
