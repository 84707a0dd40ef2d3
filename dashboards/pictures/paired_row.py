"""Row of the table of paired comparisons."""

from typing import NamedTuple

from study.results.statistics.confidence_intervals import Estimate


class PairedRow(NamedTuple):
    """One difference of test accuracies.

    Attributes:
        verdict: Conclusion on seeds that do not collapse, adjusted for the number of comparisons.
        first: Name of the first side.
        second: Name of the second side.
        difference: Mean of the first minus mean of the second, in points; None without a result.
        low: Lower end of the 95% interval; None where there is none.
        high: Upper end.
        low_over_images: Lower end of the interval for other test images as well; None without.
        high_over_images: Upper end of it; None without.
        moved_more: Loss of the first on images moved by one pixel minus that of the second, in
            points; None where it was not recorded.
        n: Seeds of the first that count.
        n_second: Seeds of the second that count.
        is_paired: True if the difference was taken seed by seed.
        size_difference: Learnable parameters of the second over those of the first, minus 1; None
            while unknown.
        standing: Reason why they are compared.
        adjusted_p: P-value of no difference, adjusted for the number of comparisons; None without.
        sentence: All of it, with what weakens it.
    """

    verdict: str
    first: str
    second: str
    difference: float | None
    low: float | None
    high: float | None
    low_over_images: float | None
    high_over_images: float | None
    moved_more: float | None
    n: int
    n_second: int
    is_paired: bool
    size_difference: float | None
    standing: str
    adjusted_p: float | None
    sentence: str


def paired_row(
    labels: tuple[str, str],
    difference: Estimate | None,
    counts: tuple[int, int],
    *,
    is_paired: bool,
    size_difference: float | None,
    standing: str,
    adjusted_p: float | None,
    verdict: str,
    sentence: str,
    over_images: Estimate | None = None,
    moved_more: Estimate | None = None,
) -> PairedRow:
    """Make a row; what is not known of the difference is None.

    Args:
        labels: Names of both sides.
        difference: Mean of the first minus that of the second.
        counts: Seeds of either side that count.
        is_paired: See `PairedRow`, as all others.
        size_difference: See there.
        standing: See there.
        adjusted_p: See there.
        verdict: See there.
        sentence: See there.
        over_images: Difference with the interval for other test images as well.
        moved_more: See there.
    """
    low_over_images, high_over_images = (over_images and over_images.interval) or (None, None)
    low, high = (difference and difference.interval) or (None, None)
    return PairedRow(
        first=labels[0],
        second=labels[1],
        # Accuracies are counts over totals: beyond twelve digits a difference is rounding.
        difference=None if difference is None else round(100 * difference.mean, 10),
        low=_points(low),
        high=_points(high),
        low_over_images=_points(low_over_images),
        high_over_images=_points(high_over_images),
        moved_more=None if moved_more is None else _points(moved_more.mean),
        n=counts[0],
        n_second=counts[1],
        is_paired=is_paired,
        size_difference=size_difference,
        standing=standing,
        adjusted_p=adjusted_p,
        verdict=verdict,
        sentence=sentence,
    )


def _points(fraction: float | None) -> float | None:
    return None if fraction is None else 100 * fraction
