"""Collapsed seeds, by a rule that was fixed before any result was seen.

A seed has collapsed if it failed, or if its test result lies both five points or more and more
than five median absolute deviations below the median of all complete seeds of its network. The
second condition keeps a network whose seeds spread widely from being full of collapses. Fewer than
three complete seeds have no outlier that could be told.
"""

import statistics
from collections.abc import Mapping

from study.results.statistics.confidence_intervals import CONFIDENCE, FEWEST_SEEDS

COLLAPSE = 0.05
"""Least distance of a collapsed seed below the median, as a fraction of all images."""

DEVIATIONS = 5
"""Least distance of a collapsed seed below the median, in median absolute deviations."""

RULE = (
    f"a seed has collapsed if it failed, or if its test result lies {100 * COLLAPSE:g} points or "
    f"more, and more than {DEVIATIONS} median absolute deviations, below the median of its network"
)
"""Rule in words."""


def collapsed_seeds(accuracies: Mapping[int, float]) -> frozenset[int]:
    """Return the complete seeds that collapsed.

    Args:
        accuracies: Accuracy of each complete seed of one network, a fraction.
    """
    if len(accuracies) < FEWEST_SEEDS:
        return frozenset()
    median = statistics.median(accuracies.values())
    deviation = statistics.median(abs(value - median) for value in accuracies.values())
    # Accuracies are counts over totals: beyond twelve digits a distance is rounding.
    return frozenset(
        seed
        for seed, value in accuracies.items()
        if round(median - value, 12) >= COLLAPSE and median - value > DEVIATIONS * deviation
    )


def highest_rate(collapsed: int, seeds: int) -> float:
    """Return the upper end of Clopper and Pearson's two-sided 95% interval of a rate.

    Args:
        collapsed: Number of seeds that collapsed.
        seeds: Number of all seeds, at least one.
    """
    if collapsed == seeds:
        return 1.0
    from scipy import stats  # half a second, which a mistyped flag must not wait for

    return float(stats.beta.ppf((1 + CONFIDENCE) / 2, collapsed + 1, seeds - collapsed))
