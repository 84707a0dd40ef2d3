"""Requirements of a convolution's filter."""

import numpy as np
from numpy.typing import NDArray


def require_odd_square(weights: NDArray[np.float64]) -> None:
    """Check that a filter has a centre pixel.

    Raises:
        ValueError: Names the shape of the filter.
    """
    if weights.ndim != 2 or weights.shape[0] != weights.shape[1] or weights.shape[0] % 2 == 0:
        raise ValueError(f"weights of shape {weights.shape} must be [k, k] with k odd")
