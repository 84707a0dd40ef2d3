"""A convolution as its centre pixel plus noise, and that noise's variance (paper, Section 3.4)."""

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from pnn_core.theory.filters import require_odd_square


@dataclass(frozen=True, kw_only=True)
class NoiseVariance:
    """E(n_c²) of Eq. 26's n_c, measured and by formula, in squared pixel values.

    Attributes:
        measured: Measured over every whole patch of the images.
        predicted: Predicted by Eq. 27 over the neighbours of the centre pixel.
        printed: Predicted by Eq. 27 as printed: its sums include the centre's weight, although
            ε_c is 0.
        pixel_variance: σ², of the pixels about their mean over all images.
        correlation: ρ = E(x_i·x_c)/σ², averaged over the neighbours i.
        patches: Number of patches measured.
    """

    measured: float
    predicted: float
    printed: float
    pixel_variance: float
    correlation: float
    patches: int


def noise_variance(images: NDArray[np.float64], weights: NDArray[np.float64]) -> NoiseVariance:
    """Compare the variance of n_c = Σ ε_i·w'_i, ε_i = x_i − x_c, with the formula (Eq. 20, 21, 27).

    The paper assumes that pixels have mean 0 and one variance σ², that every neighbour's
    correlation with the centre is the same ρ, and that two neighbours' correlation is ρ as well.
    Images have their mean taken off; the other assumptions are left to hold or not: neighbours on
    opposite sides of a patch are further apart than either is from the centre, so Eq. 21 counts
    too much for them.

    w' are the filter's weights over their sum. The paper divides by the sum of the neighbours'
    weights alone (Eq. 25), having dropped the centre's in Eq. 22; from its Eq. 24 follows the sum
    of all.

    Args:
        images: Images, [n, height, width]; patches that cross a border are left out.
        weights: The filter, [k, k] with k odd, not flipped.

    Raises:
        ValueError: The filter has no centre, its weights sum to 0 (as an edge detector's do: Eq. 25
            cannot be written for it), no patch fits into an image, or all pixels are equal.
    """
    require_odd_square(weights)
    total = float(weights.sum())
    if np.isclose(total, 0, atol=1e-9 * np.abs(weights).max()):
        raise ValueError(f"the weights sum to {total:.1e}, and Eq. 25 divides by their sum")
    size, centre = len(weights), weights.size // 2
    if size > min(images.shape[1:]):
        raise ValueError(f"a {size}×{size} patch does not fit into images of {images.shape[1:]}")
    patches = sliding_window_view(images - images.mean(), weights.shape, axis=(1, 2))
    pixels = patches.reshape(-1, weights.size)
    variance = float((pixels**2).mean())
    if variance == 0:
        raise ValueError(f"all {images.size} pixels are equal: they have no variance to compare")
    products = (pixels * pixels[:, [centre]]).mean(axis=0)
    correlation = float(np.delete(products, centre).mean()) / variance
    normalised = weights.ravel() / total
    noise = (pixels - pixels[:, [centre]]) @ normalised
    return NoiseVariance(
        measured=float((noise**2).mean()),
        predicted=_equation_27(variance, correlation, np.delete(normalised, centre)),
        printed=_equation_27(variance, correlation, normalised),
        pixel_variance=variance,
        correlation=correlation,
        patches=len(pixels),
    )


def _equation_27(variance: float, correlation: float, weights: NDArray[np.float64]) -> float:
    """Compute 2σ²δ·[‖w'‖² + ½·Σᵢ Σⱼ≠ᵢ w'ᵢw'ⱼ] with δ = 1 − ρ."""
    squares = float((weights**2).sum())
    cross = float(weights.sum()) ** 2 - squares
    return 2 * variance * (1 - correlation) * (squares + cross / 2)
