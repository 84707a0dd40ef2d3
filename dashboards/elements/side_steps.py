"""Markers of one place on a logarithmic axis, side by side so that none hides another."""

import math
from collections.abc import Mapping, Sequence

_SIDE_STEP = 0.008  # of the axis: between markers that stand side by side


def side_steps(names: Sequence[str], values: Sequence[float]) -> dict[str, float]:
    """Factors that set markers side by side.

    Args:
        names: Names of what stands side by side, from left to right.
        values: All that the axis holds; none moves nothing.
    """
    low, high = padded_decades(values) or (0.0, 0.0)
    step = _SIDE_STEP * (high - low)
    return {name: 10 ** (step * (i - (len(names) - 1) / 2)) for i, name in enumerate(names)}


def farthest_step(steps: Mapping[str, float]) -> float:
    """Return the distance of the farthest marker from its true place, as a fraction of it."""
    return max((abs(step - 1) for step in steps.values()), default=0.0)


def padded_decades(values: Sequence[float]) -> list[float] | None:
    """Decimal logarithms of both ends, with room for markers; of one value, half a decade."""
    if not values:
        return None
    low, high = math.log10(min(values)), math.log10(max(values))
    room = 0.08 * (high - low) or 0.25
    return [low - room, high + room]
