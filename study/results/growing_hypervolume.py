"""Growth of the hypervolume of a front, point by point.

The hypervolume is the size of what a set of points dominates (Zitzler & Thiele, "Multiobjective
optimization using evolutionary algorithms: a comparative case study", PPSN V, 1998).
"""

from bisect import bisect_left
from collections.abc import Sequence

import moocore
import numpy as np


def growing_hypervolume(points: np.ndarray) -> np.ndarray:
    """Return the hypervolume over 0 of the first point, of the first two, and so on.

    Args:
        points: A row each, to be large; one that is not above 0 in all, or NaN, counts nothing.
    """
    growing = GrowingHypervolume(points.shape[1])
    return np.array([growing.add(point) for point in points.tolist()])


class GrowingHypervolume:
    """Hypervolume over 0 of the points that were added.

    Args:
        objectives: Number of values of each point.

    Attributes:
        volume: Hypervolume of those so far.
    """

    def __init__(self, objectives: int) -> None:
        self._add = _Plane().add if objectives == 2 else _Space().add
        self.volume = 0.0

    def add(self, point: Sequence[float]) -> float:
        """Add a point, and return the hypervolume with it.

        Args:
            point: Values, to be large; one that is not above 0 in all, or NaN, counts nothing.
        """
        if all(value > 0 for value in point):
            self.volume = self._add(point, self.volume)
        return self.volume


class _Plane:
    """Front of two objectives, and the area below it.

    It is kept as a staircase, in which a point costs the search for its place and the points that
    it removes, however large the front: Hupkens & Emmerich, "Logarithmic-time updates in SMS-EMOA
    and hypervolume-based archiving", EVOLVE IV, 2013; here with a list for their balanced tree.
    """

    def __init__(self) -> None:
        self._x: list[float] = []  # rising
        self._y: list[float] = []  # falling

    def add(self, point: Sequence[float], area: float) -> float:
        """Return the area with one more point, from that without it."""
        x, y = point
        place = bisect_left(self._x, x)
        height = self._y[place] if place < len(self._y) else 0.0
        if height >= y:
            return area
        first = place
        right = x
        while True:  # from the point to the left, over all that it removes
            left = self._x[first - 1] if first else 0.0
            area += (right - left) * (y - height)
            if not first or self._y[first - 1] >= y:
                break
            right, height, first = left, self._y[first - 1], first - 1
        # One of the same x and less y may stay behind it: it has no width.
        self._x[first:place], self._y[first:place] = [x], [y]
        return area


class _Space:
    """Front of any number of objectives: measured anew, by moocore, where a point enters it."""

    def __init__(self) -> None:
        self._front: np.ndarray | None = None

    def add(self, point: Sequence[float], volume: float) -> float:
        """Return the volume with one more point, from that without it."""
        new = np.array([point])
        if self._front is None:
            self._front = new
        elif (self._front >= new).all(axis=1).any():
            return volume
        else:
            stay = ~(self._front <= new).all(axis=1)
            self._front = np.concatenate([self._front[stay], new])
        return float(moocore.hypervolume(self._front, ref=0, maximise=True))
