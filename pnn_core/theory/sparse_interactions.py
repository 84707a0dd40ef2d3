"""Claim that each output of a perturbation layer sees one input pixel (paper, Section 3.5, Fig. 3).

"It only needs a single element in the input to contribute to one element in the output"; combined
by a 1×1, "only one element contributes to the one output elements, as opposed to a 3×3 convolution
which involve 9 elements of the input. Therefore, 1×1 convolution provides the sparsest interactions
possible." Measured by counting what is not 0 in the Jacobian of a layer.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch


@dataclass(frozen=True, kw_only=True)
class Interactions:
    """Non-zero entries of a Jacobian, [outputs, inputs].

    Attributes:
        pixels_per_output: Largest number of input pixels that any one output depends on.
        entries_per_output: Largest number of inputs, channels counted apart, that any one output
            depends on.
        density: Share of all entries that are not 0, in [0, 1].
    """

    pixels_per_output: int
    entries_per_output: int
    density: float


def interactions(
    layer: Callable[[torch.Tensor], torch.Tensor], images: torch.Tensor
) -> Interactions:
    """Count the inputs that a layer's outputs depend on.

    A ReLU hides an interaction wherever it is off; an entry counts if it is not 0 for any image.

    Args:
        layer: Function of images, each alone: a batch normalisation must be in evaluation mode.
        images: Images, `[n, channels, height, width]`; n of 16 or more find nearly all entries.

    Raises:
        ValueError: There are no images, or they are no `[n, channels, height, width]`.
    """
    if images.ndim != 4 or not len(images):
        raise ValueError(
            f"images of shape {tuple(images.shape)} must be [n, channels, height, width], n ≥ 1"
        )
    found = _found(layer, images)
    pixels = found.any(dim=1).flatten(1).sum(dim=1)
    return Interactions(
        pixels_per_output=int(pixels.max()),
        entries_per_output=int(found.flatten(1).sum(dim=1).max()),
        density=float(found.float().mean()),
    )


def _found(layer: Callable[[torch.Tensor], torch.Tensor], images: torch.Tensor) -> torch.Tensor:
    """Return the entries that are not 0 for any image, `[outputs, channels, height, width]`."""
    images = images.detach().requires_grad_()
    with torch.enable_grad():
        # Each image's outputs depend on it alone, so one backward pass serves all images.
        outputs = layer(images).flatten(1).sum(dim=0)
        rows = [
            torch.autograd.grad(output, images, retain_graph=True)[0].ne(0).any(dim=0)
            for output in outputs
        ]
    return torch.stack(rows)
