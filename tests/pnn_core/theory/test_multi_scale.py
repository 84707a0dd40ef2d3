import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pnn_core.theory.multi_scale import (
    NO_BETTER,
    SizeErrors,
    filter_to_layer_errors,
    layer_to_filter_errors,
)

SEEDS = st.integers(0, 2**32 - 1)
SIDE = 7
SIZES = (1, 3, 5)


def drawn(seed: int, *, images: int = 40) -> tuple[np.ndarray, np.ndarray, np.random.Generator]:
    """Images that are never negative, to fit and held out."""
    rng = np.random.default_rng(seed)
    both = rng.exponential(size=(2, images, SIDE, SIDE))
    return both[0], both[1], rng


@given(SEEDS)
@settings(max_examples=20)
def test_at_level_0_a_layer_is_a_1x1_and_larger_filters_stay_away(seed: int) -> None:
    fitted, held_out, rng = drawn(seed)
    masks = np.zeros((4, SIDE, SIDE))
    to_layer = filter_to_layer_errors(fitted, held_out, masks, np.array([2, 1, 1, 3.0]), SIZES)
    assert to_layer.errors == pytest.approx([0, 0, 0], abs=1e-9)
    assert to_layer.best_size == 1
    filters = [rng.uniform(0.5, 1, size=(k, k)) for k in SIZES]
    to_filter = layer_to_filter_errors(fitted, held_out, masks, filters)
    assert to_filter.errors[0] == pytest.approx(0, abs=1e-9)
    assert min(to_filter.errors[1:]) > 0.1
    assert to_filter.best_size == 1


def test_an_image_that_is_constant_on_each_block_makes_the_larger_filter_as_good() -> None:
    # On constant images an average of k×k is a 1×1, which a layer without noise is.
    fitted = np.ones((3, SIDE, SIDE)) * np.array([1.0, 2, 5])[:, None, None]
    filters = [np.ones((k, k)) for k in SIZES]
    found = layer_to_filter_errors(fitted, fitted + 1, np.zeros((1, SIDE, SIDE)), filters)
    assert found.errors == pytest.approx([0, 0, 0], abs=1e-9)


@given(SEEDS, st.floats(0.2, 5))
@settings(max_examples=20, deadline=None)
def test_on_independent_pixels_no_neighbour_helps_at_any_level(seed: int, level: float) -> None:
    fitted, held_out, rng = drawn(seed, images=200)
    masks = rng.uniform(-level, level, size=(16, SIDE, SIDE))
    found = filter_to_layer_errors(fitted, held_out, masks, rng.normal(size=16), SIZES)
    assert found.best_size == 1


def test_the_constant_map_takes_what_noise_adds_to_every_image() -> None:
    fitted, held_out, rng = drawn(3)
    # Noise far above 0 leaves every ReLU on: y = (Σ v)·x + a map, though masks differ by pixel.
    masks = rng.uniform(5, 50, size=(3, SIDE, SIDE))
    found = filter_to_layer_errors(fitted, held_out, masks, np.array([1.0, -2, 4]), SIZES)
    assert found.errors == pytest.approx([0, 0, 0], abs=1e-9)


@given(st.lists(st.floats(0, 2), min_size=4, max_size=4))
def test_the_best_size_is_the_smallest_that_is_good_enough(errors: list[float]) -> None:
    found = SizeErrors(sizes=(1, 3, 5, 7), errors=tuple(errors))
    best = found.sizes.index(found.best_size)
    assert errors[best] <= min(errors) + NO_BETTER
    assert all(error > min(errors) + NO_BETTER for error in errors[:best])


@pytest.mark.parametrize(
    ("sizes", "words"),
    [((1, 2), "must be odd"), ((1, 9), "at most"), ((3, 1), "must ascend"), ((), "must ascend")],
)
def test_sizes_that_cannot_be_fitted_are_refused(sizes: tuple[int, ...], words: str) -> None:
    fitted, held_out, rng = drawn(0)
    masks = rng.uniform(size=(2, SIDE, SIDE))
    with pytest.raises(ValueError, match=words):
        filter_to_layer_errors(fitted, held_out, masks, np.ones(2), sizes)


def test_filters_in_no_order_are_refused() -> None:
    fitted, held_out, rng = drawn(0)
    masks = rng.uniform(size=(2, SIDE, SIDE))
    with pytest.raises(ValueError, match=r"sizes \(=\(3, 1\)\) must ascend"):
        layer_to_filter_errors(fitted, held_out, masks, [np.ones((3, 3)), np.ones((1, 1))])


def test_a_layer_that_is_off_everywhere_is_refused() -> None:
    fitted, held_out, _ = drawn(0)
    masks = np.full((2, SIDE, SIDE), -1e6)
    with pytest.raises(ValueError, match="every image the same response"):
        filter_to_layer_errors(fitted, held_out, masks, np.ones(2), SIZES)
