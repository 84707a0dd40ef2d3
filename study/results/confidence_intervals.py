"""Means over a few seeds, with the interval that so few allow.

The interval tells how far the mean over other seeds may lie from this one, on the same test images.
It holds nothing about other test images: an accuracy p over N of them has a standard error of
√(p·(1−p)/N) of its own, 0.3 points at 90% of 10,000, which all networks tested on them share.
"""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

CONFIDENCE = 0.95
"""Confidence of every interval, two-sided."""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A mean over seeds.

    Attributes:
        mean: Mean, in the unit of its values.
        n: Seeds, at least one.
        half_width: Half of the interval around the mean; None for one seed, which has no spread.
            It is 0 where all values are equal. An accuracy is a count over the test images, so that
            few seeds can agree by chance: 0 means a spread below one image, and no certainty.
    """

    mean: float
    n: int
    half_width: float | None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Lower and upper end; None for one seed."""
        if self.half_width is None:
            return None
        return self.mean - self.half_width, self.mean + self.half_width


def mean_with_interval(values: Sequence[float]) -> Estimate:
    """The mean, with Student's t interval: mean ± t(0.975, n − 1) · s / √n.

    Args:
        values: One for each seed, at least one.

    Raises:
        ValueError: There is no value, or one is not finite.
    """
    if not values:
        raise ValueError("values (=()) must hold at least one number")
    for value in values:
        if not math.isfinite(value):
            raise ValueError(f"values (={tuple(values)}) must all be finite")
    n = len(values)
    half_width = None
    if n > 1:
        from scipy import stats  # half a second, which a mistyped flag must not wait for

        standard_error = statistics.stdev(values) / math.sqrt(n)
        half_width = float(stats.t.ppf((1 + CONFIDENCE) / 2, n - 1)) * standard_error
    return Estimate(mean=statistics.fmean(values), n=n, half_width=half_width)


def paired_difference(first: Mapping[int, float], second: Mapping[int, float]) -> Estimate:
    """The mean of `first` minus `second` over the seeds that both have.

    Pairs, because two networks of the same seed see the same images in the same order: what they
    share drops out of the difference.

    Args:
        first: Seed to value.
        second: Values by seed of the other, in the same unit.

    Raises:
        ValueError: They have no seed in common, or a value is not finite.
    """
    common = sorted(first.keys() & second.keys())
    if not common:
        raise ValueError(f"seeds {sorted(first)} and {sorted(second)} have none in common")
    return mean_with_interval([first[seed] - second[seed] for seed in common])


def format_percent(estimate: Estimate) -> str:
    """An accuracy in percent, such as `85.91 [85.20, 86.62]`; one seed is a bare number."""
    mean = percent(estimate.mean)
    if estimate.interval is None:
        return mean
    low, high = map(percent, estimate.interval)
    return f"{mean} [{low}, {high}]"


def percent(fraction: float) -> str:
    """A fraction in percent, such as `85.91`; the end of an interval may lie below zero."""
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
