import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pnn_core.config import MaskConfig
from pnn_core.layers.perturbation import Perturbation
from pnn_core.theory.distance_preservation import distance_preservation, random_projection

SEEDS = st.integers(0, 2**32 - 1)


def inputs_of(seed: int, *, count: int = 12) -> np.ndarray:
    """Twelve inputs of two channels of 4×4."""
    return np.random.default_rng(seed).normal(size=(count, 2, 4, 4))


@given(SEEDS, st.floats(0.01, 100))
def test_a_similarity_keeps_everything_whatever_its_scale(seed: int, scale: float) -> None:
    inputs = inputs_of(seed)
    rng = np.random.default_rng(seed)
    rotation = np.linalg.qr(rng.normal(size=(32, 32)))[0]
    found = distance_preservation(inputs, scale * inputs.reshape(12, -1) @ rotation + 3)
    assert found.distortion == pytest.approx(1)
    assert found.relative_spread == pytest.approx(0, abs=1e-6)
    assert found.rank_correlation == pytest.approx(1)
    assert found.pairs == 66


def maps_of(inputs: np.ndarray, level: float, seed: int) -> np.ndarray:
    perturb = Perturbation(
        2,
        fan_out=3,
        height=4,
        width=4,
        mask=MaskConfig(noise_level=level),
        generator=torch.Generator().manual_seed(seed),
    )
    with torch.no_grad():
        return perturb(torch.from_numpy(inputs).float()).double().numpy()


@given(st.integers(0, 2**31), st.floats(0, 5))
@settings(deadline=None)
def test_noise_before_the_relu_keeps_distances_exactly(seed: int, level: float) -> None:
    inputs = inputs_of(seed)
    found = distance_preservation(inputs, maps_of(inputs, level, seed))
    assert found.distortion == pytest.approx(1, abs=1e-4)


@given(st.integers(0, 2**31), st.floats(0, 5))
@settings(deadline=None)
def test_the_relu_never_takes_maps_apart(seed: int, level: float) -> None:
    inputs = inputs_of(seed)
    outputs = np.maximum(maps_of(inputs, level, seed), 0)
    moved = np.linalg.norm((outputs[:, None] - outputs[None]).reshape(12, 12, -1), axis=2)
    before = np.linalg.norm((inputs[:, None] - inputs[None]).reshape(12, 12, -1), axis=2)
    assert (moved <= np.sqrt(3) * before + 1e-4).all()


@given(SEEDS)
@settings(max_examples=20)
def test_ratios_are_those_of_the_plain_formula(seed: int) -> None:
    inputs = inputs_of(seed, count=4)
    outputs = np.random.default_rng(seed + 1).normal(size=(4, 5))
    ratios = [
        np.linalg.norm(outputs[i] - outputs[j]) / np.linalg.norm(inputs[i] - inputs[j])
        for i in range(4)
        for j in range(i)
    ]
    found = distance_preservation(inputs, outputs)
    assert found.distortion == pytest.approx(max(ratios) / min(ratios))
    assert found.relative_spread == pytest.approx(np.std(ratios) / np.mean(ratios))


def test_the_spread_of_a_random_projection_falls_with_the_root_of_its_dimension() -> None:
    inputs = np.random.default_rng(0).normal(size=(60, 200))
    spreads = {
        dimension: np.mean(
            [
                distance_preservation(
                    inputs, random_projection(inputs, dimension, np.random.default_rng(seed))
                ).relative_spread
                for seed in range(5)
            ]
        )
        for dimension in (8, 32, 128, 512)
    }
    for dimension, spread in spreads.items():
        # Of squared distances √(2/dimension); of distances half of it.
        assert spread == pytest.approx(np.sqrt(0.5 / dimension), rel=0.15)


def test_a_random_projection_keeps_squared_distances_in_the_mean() -> None:
    inputs = inputs_of(0).reshape(12, -1)
    rng = np.random.default_rng(0)
    lengths = [(random_projection(inputs, 16, rng) ** 2).sum() for _ in range(400)]
    assert np.mean(lengths) == pytest.approx((inputs**2).sum(), rel=0.03)


def test_order_reversed_correlates_by_minus_1() -> None:
    # Distances 1, 2 and 3 become 3, 2 and 1.
    inputs = np.array([[0.0, 0], [1, 0], [3, 0]])
    outputs = np.array([[0.0, 0], [3, 0], [1, 0]])
    assert distance_preservation(inputs, outputs).rank_correlation == pytest.approx(-1)


def test_two_equal_outputs_distort_without_bound() -> None:
    outputs = np.array([0.0, 0, 1])
    assert distance_preservation(np.arange(3.0), outputs).distortion == float("inf")


@pytest.mark.parametrize(
    ("inputs", "outputs", "words"),
    [
        (np.arange(3.0), np.arange(4.0), "must be as many"),
        (np.arange(2.0), np.arange(2.0), "3 at least"),
        (np.array([1.0, 1, 2]), np.arange(3.0), "two inputs are equal"),
        (np.arange(3.0), np.ones(3), "all outputs are equal"),
    ],
)
def test_pairs_without_ratios_are_refused(
    inputs: np.ndarray, outputs: np.ndarray, words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        distance_preservation(inputs[:, None], outputs[:, None])
