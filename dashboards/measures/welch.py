"""The difference of two means whose values are not paired."""

import math
import statistics
from collections.abc import Sequence

from scipy import stats

from study.results.confidence_intervals import CONFIDENCE, Estimate


def welch_difference(first: Sequence[float], second: Sequence[float]) -> Estimate:
    """First minus second, with Welch's t interval, which takes the spreads for different.

    Args:
        first: At least one value.
        second: At least one value.

    Returns:
        Its `n` is the smaller number of values, and there is no interval where that is 1.
    """
    mean = statistics.fmean(first) - statistics.fmean(second)
    n = min(len(first), len(second))
    if n < 2:
        return Estimate(mean=mean, n=n, half_width=None)
    # Avoids scipy's own test, which warns where all values of one are equal.
    parts = [statistics.variance(values) / len(values) for values in (first, second)]
    squares = sum(
        part**2 / (len(values) - 1) for part, values in zip(parts, (first, second), strict=True)
    )
    if not squares:
        return Estimate(mean=mean, n=n, half_width=0.0)
    degrees = sum(parts) ** 2 / squares
    half_width = float(stats.t.ppf((1 + CONFIDENCE) / 2, degrees)) * math.sqrt(sum(parts))
    return Estimate(mean=mean, n=n, half_width=half_width)
