import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pnn_core.theory.second_input import perturbation_errors, pointwise_errors

SEEDS = st.integers(0, 2**32 - 1)
SIDE = 4


def drawn(seed: int, *, masks: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Ten images, a filter and masks."""
    rng = np.random.default_rng(seed)
    return (
        rng.normal(size=(10, SIDE, SIDE)),
        rng.normal(size=(3, 3)),
        rng.uniform(-0.5, 0.5, size=(masks, SIDE, SIDE)),
    )


@given(SEEDS, st.sampled_from([True, False]))
@settings(max_examples=30)
def test_weights_that_match_one_input_fail_on_the_next(seed: int, relu: bool) -> None:
    images, weights, masks = drawn(seed, masks=200)
    if relu:
        # A pixel below −ℓ is 0 under every mask, and then no weights match it.
        images = np.abs(images)
    errors = perturbation_errors(images[:1], images[1:], weights, masks, relu=relu)
    assert errors.fitted < 1e-6
    assert errors.held_out > 0.3


@given(SEEDS)
@settings(max_examples=30)
def test_without_relu_no_number_of_masks_matches_two_inputs(seed: int) -> None:
    images, weights, masks = drawn(seed, masks=400)
    assert perturbation_errors(images[:2], images[2:], weights, masks, relu=False).fitted > 1e-3


@given(SEEDS, st.integers(1, 8))
@settings(max_examples=30)
def test_without_relu_many_masks_amount_to_a_1x1_and_a_constant_map(seed: int, inputs: int) -> None:
    images, weights, masks = drawn(seed, masks=SIDE**2 + 1)
    layer = perturbation_errors(images[:inputs], images[inputs:], weights, masks, relu=False)
    pointwise = pointwise_errors(images[:inputs], images[inputs:], weights)
    assert layer.fitted == pytest.approx(pointwise.fitted, abs=1e-6)
    if inputs > 1:
        assert layer.held_out == pytest.approx(pointwise.held_out, rel=1e-4)


def test_a_1x1_filter_is_matched_on_every_input() -> None:
    images, _, masks = drawn(0, masks=SIDE**2 + 1)
    weights = np.zeros((3, 3))
    weights[1, 1] = 2.0
    layer = perturbation_errors(images[:2], images[2:], weights, masks, relu=False)
    assert layer.held_out < 1e-6
    assert pointwise_errors(images[:2], images[2:], weights).held_out < 1e-9


def test_the_convolution_is_the_one_of_the_macro_view() -> None:
    # A filter that moves the image one pixel down: as far from a 1×1 as can be checked by hand.
    weights = np.zeros((3, 3))
    weights[2, 1] = 1.0
    image = np.zeros((1, SIDE, SIDE))
    image[0, 1, 1] = 1.0
    errors = pointwise_errors(image, np.roll(image, 1, axis=1), weights)
    # Fitted on one image: s = 0 and b is the response, a dot at (2, 1); the next response has it at
    # (3, 1), so the error is √2 of 1.
    assert errors.fitted == 0
    assert errors.held_out == pytest.approx(np.sqrt(2))


def test_a_filter_without_a_centre_is_refused() -> None:
    images, _, masks = drawn(0, masks=2)
    with pytest.raises(ValueError, match=r"\(2, 2\) must be \[k, k\] with k odd"):
        perturbation_errors(images, images, np.ones((2, 2)), masks, relu=True)
