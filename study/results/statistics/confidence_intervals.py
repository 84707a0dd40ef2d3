"""Means over a few seeds, with the interval that so few allow.

The interval tells how far the mean over other seeds may lie from this one, on the same test images.
It holds nothing about other test images: an accuracy p over N of them has a standard error of
√(p·(1−p)/N) of its own, 0.3 points at 90% of 10,000, which all networks tested on them share;
`seeds_and_images` has an interval over both. Student's t is right for spreads that are about
normal. Where 5% of the seeds of one side collapse by ten points, it holds the mean over all seeds
in 75% of the cases at three seeds and in 41% at ten, as most samples hold no collapse
(`benchmarks/coverage.py`).
"""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

CONFIDENCE = 0.95
"""Confidence of every interval, two-sided."""

FEWEST_SEEDS = 3
"""Least number of seeds that have an interval or a verdict: two have a t of 12.7."""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A mean over seeds.

    Attributes:
        mean: Mean, in the unit of its values.
        n: Seeds, at least one.
        standard_error: Standard error of the mean; None below three seeds. It is 0 where all values
            are equal. An accuracy is a count over the test images, so that few seeds can agree by
            chance: 0 means a spread below one image, and no certainty.
        degrees: Degrees of freedom of the standard error.
        least: Smallest value that the mean over all seeds can have.
        most: Largest value.
    """

    mean: float
    n: int
    standard_error: float | None
    degrees: float = math.nan
    least: float = -math.inf
    most: float = math.inf

    @cached_property
    def half_width(self) -> float | None:
        """Half of the t interval before it meets its bounds; None below three seeds."""
        if self.standard_error is None:
            return None
        if not self.standard_error:
            return 0.0
        from scipy import stats  # half a second, which a mistyped flag must not wait for

        return float(stats.t.ppf((1 + CONFIDENCE) / 2, self.degrees)) * self.standard_error

    @property
    def interval(self) -> tuple[float, float] | None:
        """Lower and upper end, within the bounds; None below three seeds."""
        if self.half_width is None:
            return None
        low, high = self.mean - self.half_width, self.mean + self.half_width
        return max(low, self.least), min(high, self.most)


def mean_with_interval(
    values: Sequence[float], *, least: float = -math.inf, most: float = math.inf
) -> Estimate:
    """The mean, with Student's t interval: mean ± t(0.975, n − 1) · s / √n.

    Args:
        values: One for each seed, at least one.
        least: Smallest value that the mean over all seeds can have.
        most: Largest value.

    Raises:
        ValueError: There is no value, or one is not finite.
    """
    if not values:
        raise ValueError("values (=()) must hold at least one number")
    for value in values:
        if not math.isfinite(value):
            raise ValueError(f"values (={tuple(values)}) must all be finite")
    n = len(values)
    standard_error = None if n < FEWEST_SEEDS else statistics.stdev(values) / math.sqrt(n)
    return Estimate(
        mean=statistics.fmean(values),
        n=n,
        standard_error=standard_error,
        degrees=n - 1,
        least=least,
        most=most,
    )


def mean_accuracy(accuracies: Sequence[float]) -> Estimate:
    """The mean of fractions, with an interval that stays within 0 and 1."""
    return mean_with_interval(accuracies, least=0.0, most=1.0)


def paired_difference(first: Mapping[int, float], second: Mapping[int, float]) -> Estimate:
    """The mean of `first` minus `second` over the seeds that both have.

    Pairs, because two networks of the same seed see the same images in the same order: what they
    share drops out of the difference.

    Args:
        first: Seed to a fraction, such as an accuracy.
        second: Values by seed of the other, fractions too.

    Raises:
        ValueError: They have no seed in common, or a value is not finite.
    """
    common = sorted(first.keys() & second.keys())
    if not common:
        raise ValueError(f"seeds {sorted(first)} and {sorted(second)} have none in common")
    # Accuracies are counts over totals: beyond twelve digits a difference is rounding.
    differences = [round(first[seed] - second[seed], 12) for seed in common]
    return mean_with_interval(differences, least=-1.0, most=1.0)


def format_percent(estimate: Estimate) -> str:
    """An accuracy in percent, such as `85.91 [85.20, 86.62]`; a bare number below three seeds."""
    mean = percent(estimate.mean)
    if estimate.interval is None:
        return mean
    low, high = map(percent, estimate.interval)
    return f"{mean} [{low}, {high}]"


def percent(fraction: float) -> str:
    """A fraction in percent, such as `85.91`."""
    return signed(100 * fraction, 2).removeprefix("+")


def format_points(estimate: Estimate) -> str:
    """A difference of accuracies in points, such as `+0.4 [−0.2, +1.0]`.

    A second decimal where the first leaves a bare zero, whose side of zero would be lost.
    """
    ends = [100 * end for end in (estimate.mean, *(estimate.interval or ()))]
    decimals = 2 if min(map(abs, ends)) < 0.05 else 1
    mean, *interval = (signed(end, decimals) for end in ends)
    return f"{mean} [{', '.join(interval)}]" if interval else mean


def signed(value: float, decimals: int) -> str:
    """A number with its sign, as print has it; what rounds to zero has none."""
    text = f"{value:+.{decimals}f}"
    if float(text) == 0:
        return text[1:]
    return text.replace("-", "−")
