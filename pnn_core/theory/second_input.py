"""The objection to Section 3.3: weights that match a convolution on some inputs, tried on others.

Eq. 4 rewritten is (x1ᵀ + N)v = (1ᵀv)·x + Nv: the input times one number, plus a map that does not
depend on the input. So without the ReLU of Eq. 2 a layer has d + 1 degrees of freedom however many
masks it has, enough to match one input and not two. With the ReLU an output pixel is a
piecewise-linear function of the same input pixel, and still sees none of its neighbours.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pnn_core.theory.filters import require_odd_square
from pnn_core.theory.macro_view import least_squares_weights


@dataclass(frozen=True, kw_only=True)
class MatchErrors:
    """Relative errors of a layer against a convolution: ‖ŷ − y‖ / ‖y‖ over all images and pixels.

    Attributes:
        fitted: Error on the inputs that its weights were fitted on.
        held_out: Error on other inputs.
    """

    fitted: float
    held_out: float


def perturbation_errors(
    fitted: NDArray[np.float64],
    held_out: NDArray[np.float64],
    weights: NDArray[np.float64],
    masks: NDArray[np.float64],
    *,
    relu: bool,
) -> MatchErrors:
    """Compute errors of the perturbation layer that comes nearest to a convolution on some inputs.

    Args:
        fitted: Inputs matched at once by least squares (paper, Eq. 8), [inputs, height, width].
        held_out: Inputs that the weights are then tested on, [others, height, width].
        weights: The convolution's filter, [k, k] with k odd; images wrap around.
        masks: The layer's noise, [masks, height, width].
        relu: True if the perturbed inputs pass a ReLU (Eq. 2), False if not (Eq. 4).

    Raises:
        ValueError: The filter has no centre.
    """
    require_odd_square(weights)
    combination = least_squares_weights(
        _perturbed(fitted, masks, relu=relu), _convolved(fitted, weights)
    )

    def error(images: NDArray[np.float64]) -> float:
        output = _perturbed(images, masks, relu=relu) @ combination
        return _relative_error(output, _convolved(images, weights))

    return MatchErrors(fitted=error(fitted), held_out=error(held_out))


def pointwise_errors(
    fitted: NDArray[np.float64], held_out: NDArray[np.float64], weights: NDArray[np.float64]
) -> MatchErrors:
    """Compute errors of the nearest s·x + b: a 1×1 convolution of the inputs and a constant map.

    A perturbation layer without ReLU amounts to this, with no noise in it.

    Args:
        fitted: Inputs that s and b are fitted on, [inputs, height, width].
        held_out: Inputs that they are then tested on, [others, height, width].
        weights: The convolution's filter, [k, k] with k odd; images wrap around.

    Raises:
        ValueError: The filter has no centre.
    """
    require_odd_square(weights)
    shape = fitted.shape
    response = _convolved(fitted, weights).reshape(shape)
    centred = fitted - fitted.mean(axis=0)
    energy = float((centred**2).sum())
    scale = float((centred * response).sum()) / energy if energy > 0 else 0.0
    constant = response.mean(axis=0) - scale * fitted.mean(axis=0)

    def error(images: NDArray[np.float64]) -> float:
        return _relative_error((scale * images + constant).ravel(), _convolved(images, weights))

    return MatchErrors(fitted=error(fitted), held_out=error(held_out))


def _convolved(images: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the responses of all images, stacked, [images · d]."""
    return np.asarray(ndimage.convolve(images, weights[np.newaxis], mode="wrap")).ravel()


def _perturbed(
    images: NDArray[np.float64], masks: NDArray[np.float64], *, relu: bool
) -> NDArray[np.float64]:
    """Return the images under each mask, stacked, [images · d, masks]."""
    pixels = images.reshape(-1, 1) + np.tile(masks.reshape(len(masks), -1).T, (len(images), 1))
    return np.maximum(pixels, 0) if relu else pixels


def _relative_error(output: NDArray[np.float64], response: NDArray[np.float64]) -> float:
    return float(np.linalg.norm(output - response) / np.linalg.norm(response))
