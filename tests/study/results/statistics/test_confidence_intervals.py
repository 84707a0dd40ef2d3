import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.results.statistics.confidence_intervals import (
    Estimate,
    format_percent,
    format_points,
    mean_accuracy,
    mean_with_interval,
    paired_difference,
    signed,
)

# Two-sided 95% points of Student's t, as any printed table has them, such as Table III of Fisher
# and Yates, Statistical Tables for Biological, Agricultural and Medical Research.
T_TABLE = {2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 9: 2.262, 29: 2.045}

accuracies = st.floats(0.0, 1.0)


def estimate(mean, half_width):
    """An estimate of five seeds, whose t is 2.776."""
    standard_error = None if half_width is None else half_width / 2.7764451
    return Estimate(mean=mean, n=5, standard_error=standard_error, degrees=4)


@pytest.mark.parametrize("freedom", T_TABLE)
def test_half_width_is_the_tables_t_times_the_standard_error(freedom):
    values = [0.5 + 0.01 * (i % 3) for i in range(freedom + 1)]
    standard_error = statistics.stdev(values) / math.sqrt(len(values))
    half_width = mean_with_interval(values).half_width
    assert half_width / standard_error == pytest.approx(T_TABLE[freedom], abs=6e-4)


def test_five_seeds_by_hand():
    # Mean 3, s = √2.5, s/√5 = √0.5, t = 2.776.
    estimate = mean_with_interval([1, 2, 3, 4, 5])
    assert (estimate.mean, estimate.n) == (3, 5)
    assert estimate.interval == pytest.approx((1.037, 4.963), abs=1e-3)


@pytest.mark.parametrize("values", [[0.9], [0.9, 0.7]])
def test_fewer_than_three_seeds_have_no_interval(values):
    estimate = mean_with_interval(values)
    assert (estimate.mean, estimate.n) == (statistics.fmean(values), len(values))
    assert (estimate.standard_error, estimate.half_width, estimate.interval) == (None, None, None)


@given(st.lists(accuracies, min_size=3, max_size=8))
def test_no_accuracys_interval_leaves_what_accuracies_can_be(values):
    low, high = mean_accuracy(values).interval
    plain_low, plain_high = mean_with_interval(values).interval
    assert (low, high) == (max(plain_low, 0), min(plain_high, 1))


def test_a_difference_of_accuracies_is_at_most_one_in_size():
    wide = paired_difference({0: 1.0, 1: 0.0, 2: 1.0}, {0: 0.0, 1: 1.0, 2: 0.0})
    assert wide.interval == (-1, 1)
    assert wide.half_width == pytest.approx(4.303 * 2 / 3, abs=1e-3)


def test_equal_seeds_have_an_interval_of_no_width():
    assert mean_with_interval([0.75, 0.75, 0.75]).interval == (0.75, 0.75)


@pytest.mark.parametrize("values", [[], [0.5, math.nan], [math.inf]])
def test_what_has_no_mean_is_refused_with_its_values(values):
    with pytest.raises(ValueError, match=r"values \(=\("):
        mean_with_interval(values)


@given(st.lists(accuracies, min_size=3, max_size=8), st.floats(-1, 1))
def test_interval_moves_with_its_values_and_keeps_its_width(values, shift):
    estimate = mean_with_interval(values)
    moved = mean_with_interval([value + shift for value in values])
    assert moved.mean == pytest.approx(estimate.mean + shift, abs=1e-12)
    assert moved.half_width == pytest.approx(estimate.half_width, abs=1e-12)


@given(st.lists(accuracies, min_size=3, max_size=8))
def test_interval_holds_the_mean_and_ignores_the_order(values):
    estimate = mean_with_interval(values)
    low, high = estimate.interval
    assert low <= estimate.mean <= high
    backwards = mean_with_interval(values[::-1])
    assert backwards.mean == pytest.approx(estimate.mean)
    assert backwards.half_width == pytest.approx(estimate.half_width)


seeds = st.dictionaries(st.integers(0, 6), accuracies, min_size=1)


@given(seeds, seeds)
def test_pairs_are_the_common_seeds_and_the_difference_changes_sign(first, second):
    common = first.keys() & second.keys()
    if not common:
        with pytest.raises(ValueError, match="none in common"):
            paired_difference(first, second)
        return
    forth, back = paired_difference(first, second), paired_difference(second, first)
    assert forth.n == len(common)
    assert forth.mean == pytest.approx(-back.mean)
    expected = statistics.fmean(first[seed] for seed in common) - statistics.fmean(
        second[seed] for seed in common
    )
    assert forth.mean == pytest.approx(expected, abs=1e-12)


@given(st.dictionaries(st.integers(0, 6), accuracies, min_size=3), st.floats(-0.5, 0.5))
def test_what_a_pair_shares_drops_out(values, gap):
    other = {seed: value - gap for seed, value in values.items()}
    estimate = paired_difference(values, other)
    assert estimate.mean == pytest.approx(gap, abs=1e-12)
    # Differences are rounded to twelve digits, and an interval is some times as wide.
    assert estimate.half_width == pytest.approx(0, abs=1e-11)


@pytest.mark.parametrize(
    ("mean", "half_width", "text"),
    [
        (0.004, 0.006, "+0.4 [−0.2, +1.0]"),
        (-0.031, 0.006, "−3.1 [−3.7, −2.5]"),
        (0.0104, 0.0101, "+1.04 [+0.03, +2.05]"),  # one decimal would hide the side of zero
        (0.0, 0.0, "0.00 [0.00, 0.00]"),
        (0.012, None, "+1.2"),
    ],
)
def test_points_are_signed_with_the_side_of_zero_in_sight(mean, half_width, text):
    assert format_points(estimate(mean, half_width)) == text


def test_percent_shows_its_interval_where_there_is_one():
    assert format_percent(estimate(0.8591, 0.0071)) == "85.91 [85.20, 86.62]"
    assert format_percent(estimate(0.8591, None)) == "85.91"
    assert format_percent(mean_accuracy([0.01, 0.2, 0.1])) == "10.33 [0.00, 33.94]"


def test_what_rounds_to_zero_has_no_sign():
    assert (signed(-0.001, 2), signed(0.001, 2), signed(-0.01, 2)) == ("0.00", "0.00", "−0.01")
