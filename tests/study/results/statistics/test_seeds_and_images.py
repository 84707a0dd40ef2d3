import math

import numpy as np
import pytest

from study.results.statistics.confidence_intervals import mean_accuracy, mean_with_interval
from study.results.statistics.seeds_and_images import correct_images, mean_over_seeds_and_images


def test_bits_come_back_in_order():
    right = np.array([1, 0, 0, 1, 1, 0, 1, 1, 0, 1], np.int8)
    found = correct_images(np.packbits(right).tobytes(), 10)
    assert found.dtype == np.int8
    assert found.tolist() == right.tolist()


def test_three_seeds_and_four_images_by_hand():
    values = np.array([[1, 1, 0, 1], [1, 0, 0, 1], [1, 1, 0, 0]], np.int8)
    # Means of seeds 3/4, 1/2, 1/2, of images 1, 2/3, 0, 2/3, of all 7/12.
    grand = 7 / 12
    of_seeds = 4 * sum((m - grand) ** 2 for m in (3 / 4, 1 / 2, 1 / 2)) / 2
    of_images = 3 * sum((m - grand) ** 2 for m in (1, 2 / 3, 0, 2 / 3)) / 3
    of_rest = (7 - 12 * grand**2 - 2 * of_seeds - 3 * of_images) / 6
    both = of_seeds + of_images - of_rest
    estimate = mean_over_seeds_and_images([*values])
    assert (estimate.mean, estimate.n) == (pytest.approx(grand), 3)
    assert estimate.standard_error == pytest.approx(math.sqrt(both / 12))
    assert estimate.degrees == pytest.approx((both / of_seeds) ** 2 * 2)
    assert (estimate.least, estimate.most) == (0, 1)


def test_images_without_a_share_of_their_own_leave_the_interval_over_seeds():
    """Every image is right as often: nothing of the spread is the images'."""
    values = np.tile(np.array([[1, 0], [0, 1], [1, 1], [0, 0]], np.int8), (1, 50))
    estimate = mean_over_seeds_and_images([*values])
    alone = mean_with_interval([0.5, 0.5, 1.0, 0.0])
    assert estimate.standard_error == pytest.approx(alone.standard_error)
    assert estimate.degrees == pytest.approx(3)


def test_below_three_seeds_there_is_no_interval():
    assert mean_over_seeds_and_images([*np.ones((2, 5), np.int8)]).interval is None


def test_a_difference_may_lie_below_zero():
    random = np.random.default_rng(0)
    values = random.integers(-1, 2, (3, 5)).astype(np.int8)
    assert mean_over_seeds_and_images([*values]).least == -1


def test_it_holds_the_truth_of_other_images_where_the_interval_over_seeds_does_not():
    random = np.random.default_rng(1)
    truth, held, held_by_seeds = 0.8, 0, 0
    for _ in range(300):
        # An image has an ease of its own, a seed a skill: 0.8 of all are right on average.
        score = 0.8416 + 0.9 * random.normal(size=(1, 300)) + 0.03 * random.normal(size=(8, 1))
        values = (score + 0.4348 * random.normal(size=(8, 300)) > 0).astype(np.int8)
        low, high = mean_over_seeds_and_images([*values]).interval
        held += low <= truth <= high
        low, high = mean_accuracy(values.mean(1).tolist()).interval
        held_by_seeds += low <= truth <= high
    assert 0.91 <= held / 300 <= 0.98
    assert held_by_seeds / 300 < 0.7
