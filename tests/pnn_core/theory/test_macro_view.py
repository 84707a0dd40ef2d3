import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import ndimage, signal

from pnn_core.theory.macro_view import (
    convolution_matrix,
    exact_weights,
    least_squares_weights,
    perturbed,
    sherman_morrison_weights,
)

SEEDS = st.integers(0, 2**32 - 1)


def drawn(seed: int, *, masks: int, side: int = 5) -> tuple[np.ndarray, ...]:
    """An image, masks and a 3×3 convolution's response, flattened."""
    rng = np.random.default_rng(seed)
    image = rng.normal(size=side**2)
    noise = rng.uniform(-0.5, 0.5, size=(side**2, masks))
    response = convolution_matrix(rng.normal(size=(3, 3)), side, side) @ image
    return image, noise, response


@given(
    seed=SEEDS,
    size=st.sampled_from([1, 3, 5]),
    height=st.integers(5, 8),
    width=st.integers(5, 8),
)
def test_the_circulant_matrix_convolves_with_wrap_around(
    seed: int, size: int, height: int, width: int
) -> None:
    rng = np.random.default_rng(seed)
    image, weights = rng.normal(size=(height, width)), rng.normal(size=(size, size))
    response = (convolution_matrix(weights, height, width) @ image.ravel()).reshape(image.shape)
    assert_allclose(response, ndimage.convolve(image, weights, mode="wrap"), atol=1e-12)
    assert_allclose(response, signal.convolve2d(image, weights, "same", "wrap"), atol=1e-12)


def test_the_matrix_is_doubly_block_circulant() -> None:
    height, width = 4, 6
    matrix = convolution_matrix(np.arange(9.0).reshape(3, 3), height, width)
    blocks = matrix.reshape(height, width, height, width)
    assert_allclose(np.roll(blocks, (1, 1), axis=(0, 2)), blocks)
    assert_allclose(np.roll(blocks, (1, 1), axis=(1, 3)), blocks)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((2, 2), r"\(2, 2\) must be \[k, k\] with k odd"),
        ((3, 1), r"\(3, 1\) must be"),
        ((7, 7), "7×7 filter does not fit into a 6×9 image"),
    ],
)
def test_a_filter_that_cannot_be_placed_is_refused(shape: tuple[int, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        convolution_matrix(np.ones(shape), 6, 9)


@given(SEEDS)
def test_as_many_masks_as_pixels_match_one_input_exactly(seed: int) -> None:
    image, noise, response = drawn(seed, masks=25)
    weights = exact_weights(image, noise, response)
    assert_allclose(perturbed(image, noise) @ weights, response, atol=1e-6)


@given(SEEDS)
def test_sherman_morrison_gives_the_same_weights_as_the_direct_solution(seed: int) -> None:
    image, noise, response = drawn(seed, masks=25)
    # Far from singular, so that no rare draw fails on rounding.
    noise = noise + 3 * np.eye(25)
    assert_allclose(
        sherman_morrison_weights(image, noise, response),
        exact_weights(image, noise, response),
        rtol=1e-6,
        atol=1e-8,
    )


def test_an_image_can_make_an_invertible_noise_useless() -> None:
    _, noise, response = drawn(0, masks=25)
    image = -noise @ np.full(25, 1 / 25)
    with pytest.raises(ValueError, match="no inverse for this image"):
        sherman_morrison_weights(image, noise, response)
    assert np.linalg.matrix_rank(noise) == 25
    assert np.linalg.matrix_rank(perturbed(image, noise)) == 24


@given(SEEDS, st.integers(1, 24))
def test_fewer_masks_give_the_printed_least_squares_solution(seed: int, masks: int) -> None:
    image, noise, response = drawn(seed, masks=masks)
    maps = perturbed(image, noise)
    weights = least_squares_weights(maps, response)
    # Eq. 8 is the solution of X̂ᵀX̂v = X̂ᵀy: the residual is orthogonal to every map.
    assert_allclose(maps.T @ (maps @ weights - response), 0, atol=1e-8)


def test_the_error_on_one_input_falls_to_zero_as_masks_reach_the_pixels() -> None:
    image, noise, response = drawn(0, masks=25)
    errors = []
    for masks in (1, 5, 15, 24, 25):
        maps = perturbed(image, noise[:, :masks])
        errors.append(np.linalg.norm(maps @ least_squares_weights(maps, response) - response))
    assert errors == sorted(errors, reverse=True)
    assert errors[-2] > 1e-3
    assert errors[-1] < 1e-9


@pytest.mark.parametrize("solve", [exact_weights, sherman_morrison_weights])
def test_exact_weights_need_as_many_masks_as_pixels(solve) -> None:
    image, noise, response = drawn(0, masks=24)
    with pytest.raises(ValueError, match=r"noise of shape \(25, 24\) must hold as many masks"):
        solve(image, noise, response)


def test_masks_of_another_size_are_refused() -> None:
    with pytest.raises(ValueError, match="masks of 9 pixels do not fit 4 pixels"):
        perturbed(np.zeros(4), np.zeros((9, 2)))
