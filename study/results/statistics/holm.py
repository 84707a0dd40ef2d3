"""Holm's adjustment of p-values for their number."""

from collections.abc import Sequence


def holm_adjusted(p_values: Sequence[float]) -> tuple[float, ...]:
    """Adjust p-values so that the chance of any false rejection is at most the level.

    The smallest of m is multiplied by m, the next by m − 1 and so on; none falls below one before
    it, none exceeds 1. It holds whatever the p-values share (Holm, Scandinavian Journal of
    Statistics 6, 1979).

    Args:
        p_values: P-values in any order.

    Returns:
        Adjusted ones in the same order.
    """
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    for rank, place in enumerate(order):
        largest = max(largest, (len(order) - rank) * p_values[place])
        adjusted[place] = min(1.0, largest)
    return tuple(adjusted)
