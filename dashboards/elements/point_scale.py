"""Range of an axis at the scale of its points, whatever their error bars reach."""

from collections.abc import Iterable

_ROOM = 0.06  # of the range, at both ends: markers are not cut
_LEAST = 0.02
"""Least range of fractions: a single point stands in the middle of two points of accuracy."""


def scale_of_points(values: Iterable[float], *, unit: float = 1) -> list[float] | None:
    """Return the ends of an axis of accuracies; None where there is no point.

    Args:
        values: Fractions that are drawn as points.
        unit: Unit of the axis: 1 for fractions, 100 for percent.
    """
    values = [*values]
    if not values:
        return None
    low, high = min(values), max(values)
    middle, half = (low + high) / 2, max(high - low, _LEAST) / 2
    room = (1 + 2 * _ROOM) * half
    # No accuracy lies beyond 0 and 1, but a marker there is drawn whole.
    ends = (max(middle - room, -_ROOM * half), min(middle + room, 1 + 2 * _ROOM * half))
    return [unit * end for end in ends]
