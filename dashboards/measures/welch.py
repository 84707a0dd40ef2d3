"""The difference of two means whose values are not paired."""

import math
import statistics
from collections.abc import Sequence

from study.results.statistics.confidence_intervals import FEWEST_SEEDS, Estimate


def welch_difference(first: Sequence[float], second: Sequence[float]) -> Estimate:
    """First minus second, with Welch's t interval, which takes the spreads for different.

    Args:
        first: At least one fraction.
        second: At least one fraction.

    Returns:
        Its `n` is the smaller number of values, and there is no interval where that is below three.
    """
    mean = statistics.fmean(first) - statistics.fmean(second)
    n = min(len(first), len(second))
    if n < FEWEST_SEEDS:
        return Estimate(mean=mean, n=n, standard_error=None)
    # Avoids scipy's own test, which warns where all values of one are equal.
    parts = [statistics.variance(values) / len(values) for values in (first, second)]
    squares = sum(
        part**2 / (len(values) - 1) for part, values in zip(parts, (first, second), strict=True)
    )
    return Estimate(
        mean=mean,
        n=n,
        standard_error=math.sqrt(sum(parts)),
        degrees=sum(parts) ** 2 / squares if squares else math.inf,
        least=-1.0,
        most=1.0,
    )
