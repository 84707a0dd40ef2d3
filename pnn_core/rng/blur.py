"""Blur of noise that leaves its variance as it is. Needs no torch."""

import numpy as np
from numpy.typing import NDArray


def blur_matrix(side: int, deviation: float) -> NDArray[np.float64]:
    """Return the matrix B of a Gaussian blur along an axis: noise N becomes B N Bᵀ.

    Each row has a Euclidean norm of 1, so that independent values of one variance keep it, at the
    border too, on axes of any length.

    Args:
        side: Number of pixels of the axis.
        deviation: Standard deviation of the Gaussian, in pixels.

    Returns:
        `[side, side]`.
    """
    steps = np.subtract.outer(np.arange(side), np.arange(side)) / deviation
    weights = np.exp(-0.5 * steps**2)
    matrix: NDArray[np.float64] = weights / np.linalg.norm(weights, axis=1, keepdims=True)
    return matrix
