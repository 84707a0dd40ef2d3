"""Spread of seeds at which a number of them can detect a difference."""

import math

from study.results.statistics.confidence_intervals import CONFIDENCE, FEWEST_SEEDS

POWER = 0.8
"""Chance of a verdict where the difference is real."""


def largest_spread(difference: float, seeds: int, comparisons: int = 1) -> float:
    """Return the largest spread of paired differences at which seeds detect a difference.

    A two-sided t test of paired differences at 5% finds it then with a chance of 80%, its power by
    the noncentral t distribution; the wrong side's tail, below 10⁻⁵, is left out. Of several
    comparisons that are adjusted together each is tested at 5% over their number (Bonferroni),
    which is what the smallest p-value of Holm's method meets; the later ones meet less.

    Args:
        difference: True difference, above 0.
        seeds: Number of pairs.
        comparisons: Number of comparisons that are adjusted together.

    Returns:
        Standard deviation, in the unit of the difference.

    Raises:
        ValueError: There are fewer than three seeds, which have no verdict.
    """
    if seeds < FEWEST_SEEDS:
        raise ValueError(f"seeds (={seeds}) must be at least {FEWEST_SEEDS}")
    from scipy import optimize, stats  # a second, which a mistyped flag must not wait for

    critical = float(stats.t.ppf(1 - (1 - CONFIDENCE) / (2 * comparisons), seeds - 1))

    def surplus(effect: float) -> float:
        shift = effect * math.sqrt(seeds)
        return float(stats.nct.sf(critical, seeds - 1, shift)) - POWER

    return difference / float(optimize.brentq(surplus, 0.01, 1000.0))
