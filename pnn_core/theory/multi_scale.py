"""Claim that noise acts as a filter whose size grows with the level (paper, Section 3.5).

"Adding small noise corresponds to applying a small-sized convolutional filter, and adding larger
noise corresponds to convolving with a larger filter." The paper gives no equation for it. Measured
in both directions, on images that nothing was fitted on:

- `layer_to_filter_errors` fits the layer's weights to the responses of k×k filters
- `filter_to_layer_errors` fits k×k filters to the responses of a layer

The claim needs the best k to grow with the level, in one of them at least.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pnn_core.theory.macro_view import least_squares_weights
from pnn_core.theory.second_input import perturbation_errors

NO_BETTER = 0.01
"""Relative error that a larger filter must gain over a smaller one to count as better."""


@dataclass(frozen=True, kw_only=True)
class SizeErrors:
    """Relative errors on held-out images, by the size of the filter.

    Attributes:
        sizes: k of each k×k filter, ascending and odd.
        errors: Error for each size.
    """

    sizes: tuple[int, ...]
    errors: tuple[float, ...]

    @property
    def best_size(self) -> int:
        """Smallest k whose error is at most `NO_BETTER` above the least."""
        enough = min(self.errors) + NO_BETTER
        return next(k for k, error in zip(self.sizes, self.errors, strict=True) if error <= enough)


def layer_to_filter_errors(
    fitted: NDArray[np.float64],
    held_out: NDArray[np.float64],
    masks: NDArray[np.float64],
    filters: Sequence[NDArray[np.float64]],
) -> SizeErrors:
    """Compute errors of the perturbation layer that comes nearest to each filter (paper, Eq. 2, 8).

    Args:
        fitted: Images that the layer's weights are fitted on, [images, height, width].
        held_out: Images that they are then tested on, [others, height, width].
        masks: The layer's noise, [masks, height, width].
        filters: One k×k filter of each size, k odd and ascending; images wrap around.

    Returns:
        ‖ŷ − y‖ / ‖y‖ over all held-out images and pixels, y being the filter's response.

    Raises:
        ValueError: A filter has no centre, or the sizes do not ascend.
    """
    sizes = _ascending([len(weights) for weights in filters])
    errors = [
        perturbation_errors(fitted, held_out, weights, masks, relu=True).held_out
        for weights in filters
    ]
    return SizeErrors(sizes=sizes, errors=tuple(errors))


def filter_to_layer_errors(
    fitted: NDArray[np.float64],
    held_out: NDArray[np.float64],
    masks: NDArray[np.float64],
    combination: NDArray[np.float64],
    sizes: Sequence[int],
) -> SizeErrors:
    """Compute errors of the k×k filter and constant map that come nearest to a layer (Eq. 2).

    The constant map takes what the noise adds to every image alike, which no filter could.

    Args:
        fitted: Images that filter and map are fitted on, [images, height, width].
        held_out: Images that they are then tested on, [others, height, width].
        masks: The layer's noise, [masks, height, width].
        combination: The layer's weights v, [masks].
        sizes: Each k to fit, odd and ascending, at most the images' sides, which wrap around.

    Returns:
        ‖ŷ − y‖ / ‖y − ȳ‖ over all held-out images and pixels, y being the layer's response and ȳ
        its mean map over the fitted images: 1 if the filter tells nothing.

    Raises:
        ValueError: A size is even or larger than the images, the sizes do not ascend, or the
            layer's response does not depend on the image.
    """
    for size in _ascending(sizes):
        if size % 2 == 0 or size > min(fitted.shape[1:]):
            raise ValueError(
                f"size (={size}) must be odd and at most the images' sides, {fitted.shape[1:]}"
            )
    target = _layer(fitted, masks, combination)
    mean_map = target.mean(axis=0)
    wanted = (_layer(held_out, masks, combination) - mean_map).ravel()
    if np.allclose(wanted, 0, atol=1e-12 * np.abs(mean_map).max()):
        raise ValueError("the layer gives every image the same response: no filter to compare with")

    def error(size: int) -> float:
        learned = _shifted(fitted - fitted.mean(axis=0), size)
        weights = least_squares_weights(learned, (target - mean_map).ravel())
        output = _shifted(held_out - fitted.mean(axis=0), size) @ weights
        return float(np.linalg.norm(output - wanted) / np.linalg.norm(wanted))

    return SizeErrors(sizes=tuple(sizes), errors=tuple(map(error, sizes)))


def _ascending(sizes: Sequence[int]) -> tuple[int, ...]:
    if list(sizes) != sorted(set(sizes)) or not sizes:
        raise ValueError(f"sizes (={tuple(sizes)}) must ascend, one at least")
    return tuple(sizes)


def _layer(
    images: NDArray[np.float64], masks: NDArray[np.float64], combination: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return y = Σᵢ vᵢ·relu(x + nᵢ), [images, height, width]."""
    maps = np.maximum(images[:, np.newaxis] + masks, 0)
    return np.asarray(np.tensordot(combination, maps, axes=(0, 1)))


def _shifted(images: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """Return each pixel's k×k neighbourhood, [images · d, k²]."""
    reach = range(-(size // 2), size // 2 + 1)
    shifts = [np.roll(images, (down, right), axis=(1, 2)) for down in reach for right in reach]
    return np.stack([shift.ravel() for shift in shifts], axis=1)
