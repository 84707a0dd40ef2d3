"""Weights that make a perturbation layer equal a convolution on one input (paper, Section 3.3)."""

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from pnn_core.theory.filters import require_odd_square

RANK_TOLERANCE = 1e-10
"""Singular values below this fraction of the largest are taken for 0. They are rounding errors, and
weights that depend on them would be huge and mean nothing."""


def convolution_matrix(
    weights: NDArray[np.float64], height: int, width: int
) -> NDArray[np.float64]:
    """Build A of y = Ax, the doubly block circulant matrix of a convolution (paper, Eq. 9).

    The image wraps around at its borders; without that the matrix would not be circulant. Each
    filter weight adds one shift of rows times one shift of columns.

    Args:
        weights: The filter, [k, k] with k odd; it is flipped, as in a mathematical convolution.
        height: Image height in pixels, at least k.
        width: Image width in pixels, at least k.

    Returns:
        [d, d] with d = height · width.

    Raises:
        ValueError: The filter has no centre, or does not fit into the image.
    """
    require_odd_square(weights)
    size = len(weights)
    if size > min(height, width):
        raise ValueError(f"a {size}×{size} filter does not fit into a {height}×{width} image")
    matrix = np.zeros((height * width, height * width))
    for (row, column), weight in np.ndenumerate(weights):
        down, right = row - size // 2, column - size // 2
        shift = np.kron(
            np.roll(np.eye(height), down, axis=0), np.roll(np.eye(width), right, axis=0)
        )
        matrix += weight * shift
    return matrix


def perturbed(image: NDArray[np.float64], noise: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute X̂ = x1ᵀ + N, the image under each mask (paper, Eq. 5).

    Args:
        image: x, [d].
        noise: N, one mask a column, [d, masks].

    Returns:
        [d, masks].

    Raises:
        ValueError: The masks have another size than the image.
    """
    if noise.shape[0] != image.shape[0]:
        raise ValueError(f"masks of {noise.shape[0]} pixels do not fit {image.shape[0]} pixels")
    return image[:, np.newaxis] + noise


def exact_weights(
    image: NDArray[np.float64], noise: NDArray[np.float64], response: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Compute v* = (x1ᵀ + N)⁻¹y for as many masks as pixels (paper, Eq. 6).

    Args:
        image: x, [d].
        noise: N, [d, d].
        response: y, the convolution's response to this image, [d].

    Returns:
        v*, [d]: the layer of Eq. 4 then gives y for x. It is a function of x: see `second_input`.

    Raises:
        ValueError: There are not as many masks as pixels.
        scipy.linalg.LinAlgError: x1ᵀ + N is singular.
    """
    _require_square(noise)
    return np.asarray(linalg.solve(perturbed(image, noise), response))


def sherman_morrison_weights(
    image: NDArray[np.float64], noise: NDArray[np.float64], response: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Compute `exact_weights` of an invertible N from N⁻¹ alone (paper, Eq. 7, Sherman-Morrison).

    Raises:
        ValueError: There are not as many masks as pixels, or 1 + 1ᵀN⁻¹x is 0, so that x1ᵀ + N has
            no inverse although N has one: the paper's "full rank" needs this too.
        scipy.linalg.LinAlgError: N is singular.
    """
    _require_square(noise)
    solved = linalg.solve(noise, np.column_stack([image, response]))
    solved_image, solved_response = solved[:, 0], solved[:, 1]
    denominator = 1 + solved_image.sum()
    if np.isclose(denominator, 0, atol=1e-12):
        raise ValueError(f"1 + 1ᵀN⁻¹x is {denominator:.1e}: x1ᵀ + N has no inverse for this image")
    return np.asarray(solved_response - solved_image * (solved_response.sum() / denominator))


def least_squares_weights(
    maps: NDArray[np.float64], response: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Compute the weights that come nearest to a response (paper, Eq. 8).

    Uses an orthogonal decomposition and not the printed normal equations, which square the
    condition number. If several weights come equally near, the smallest of them is returned.

    Args:
        maps: X̂, one perturbed image a column; several images stacked below each other are matched
            at once, [images · d, masks].
        response: y, stacked in the same way, [images · d].

    Returns:
        v*, [masks].
    """
    return np.asarray(linalg.lstsq(maps, response, cond=RANK_TOLERANCE)[0])


def _require_square(noise: NDArray[np.float64]) -> None:
    if noise.ndim != 2 or noise.shape[0] != noise.shape[1]:
        raise ValueError(
            f"noise of shape {noise.shape} must hold as many masks as pixels; for other counts "
            "there is least_squares_weights"
        )
