"""The closed form is the expectation of what a point adds to the hypervolume."""

import moocore
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from study.search.known_costs.expected_gain import expected_gain, expected_improvement


def hypervolume(points: np.ndarray, reference: np.ndarray) -> float:
    inside = points[(points < reference).all(axis=1)]
    return moocore.hypervolume(inside, ref=reference) if len(inside) else 0.0


def grown(front: np.ndarray, point: np.ndarray, reference: np.ndarray) -> float:
    return hypervolume(np.vstack([front, point]), reference) - hypervolume(front, reference)


@given(data=st.data(), known=st.integers(1, 3), size=st.integers(1, 6))
def test_of_a_value_that_is_certain_it_is_the_hypervolume_that_a_point_adds(data, known, size):
    share = st.floats(0, 1, width=16)
    front = data.draw(arrays(float, (size, known + 1), elements=share))
    points = data.draw(arrays(float, (3, known + 1), elements=share))
    reference = np.full(known + 1, 1.1)
    gain = expected_gain(
        front, points[:, :-1], points[:, -1], np.full(3, 1e-9), reference=reference
    )
    assert gain == pytest.approx([grown(front, p, reference) for p in points], abs=1e-6)


def test_of_a_normal_value_it_is_the_mean_over_draws():
    front = np.array([[0.1, 0.9], [0.4, 0.5], [0.8, 0.2]])
    reference = np.array([1.1, 1.1])
    draws = np.random.default_rng(0).normal(0.45, 0.2, 20_000)
    added = [grown(front, np.array([0.3, draw]), reference) for draw in draws]
    gain = expected_gain(
        front, np.array([[0.3]]), np.array([0.45]), np.array([0.2]), reference=reference
    )
    assert gain[0] == pytest.approx(np.mean(added), abs=4 * np.std(added) / np.sqrt(len(draws)))


def test_without_known_losses_it_is_the_expected_improvement_over_the_best():
    front = np.array([[0.5], [0.3]])
    mean, sd = np.array([0.2, 0.9]), np.array([0.1, 0.4])
    gain = expected_gain(front, np.zeros((2, 0)), mean, sd, reference=np.array([1.0]))
    assert gain == pytest.approx(expected_improvement(mean, sd, 0.3))


def test_a_front_of_very_many_steps_is_thinned_out_and_stays_near():
    random = np.random.default_rng(1)
    angle = np.sort(random.uniform(0, np.pi / 2, (5_000,)))
    front = np.column_stack([1 - np.sin(angle), 1 - np.cos(angle)])
    reference = np.array([1.1, 1.1])
    points = np.array([[0.2, 0.2], [0.05, 0.5]])
    gain = expected_gain(front, points[:, :1], points[:, 1], np.full(2, 1e-9), reference=reference)
    assert gain == pytest.approx([grown(front, p, reference) for p in points], abs=1e-3)
