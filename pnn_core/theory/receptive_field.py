"""Claim that pools give a perturbation network a receptive field (paper, Section 3.5).

"While a perturbation layer by itself has a receptive field of one pixel, the receptive field of a
PNN would typically cover the entire image with an appropriate size and number of pooling layers."
Measured twice: which pixels a unit of the last stage depends on (`gradient_support`), and how much
of a network's accuracy needs the order of the pixels within a pool's cell
(`shuffled_within_cells`). A perturbation network can tell that order by its fixed noise, a stem
of 3×3 and strided shortcuts, not by a perturbation layer's weights.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch


@dataclass(frozen=True, kw_only=True, eq=False)
class GradientSupport:
    """Pixels that one unit of a feature map depends on.

    Attributes:
        pixels: True for each such pixel, bool, `[height, width]`.
    """

    pixels: torch.Tensor

    @property
    def share(self) -> float:
        """Share of the image, in [0, 1]."""
        return float(self.pixels.float().mean())

    @property
    def extent(self) -> tuple[int, int]:
        """Height and width of the smallest box around them, in pixels; 0 if there are none."""
        rows, columns = self.pixels.any(dim=1).nonzero(), self.pixels.any(dim=0).nonzero()
        if not len(rows):
            return 0, 0
        return int(rows[-1] - rows[0]) + 1, int(columns[-1] - columns[0]) + 1


def gradient_support(
    features: Callable[[torch.Tensor], torch.Tensor],
    images: torch.Tensor,
    generator: torch.Generator,
) -> GradientSupport:
    """Find the pixels that the middle unit of a feature map depends on, for any of the images.

    A max-pool passes the gradient to one pixel of a cell and a ReLU to none where it is off, so
    that one image shows a part of the field: many images show all of it.

    Args:
        features: Function from images, each alone, to maps `[n, maps, rows, columns]`: a batch
            normalisation must be in evaluation mode.
        images: Images, `[n, channels, height, width]`.
        generator: CPU source of the weights by which a unit's maps are summed. Gradients of equal
            size and opposite sign would cancel in a plain sum.
    """
    images = images.detach().requires_grad_()
    with torch.enable_grad():
        maps = features(images)
        middle = maps[:, :, maps.shape[2] // 2, maps.shape[3] // 2]
        weights = torch.randn(middle.shape[1], generator=generator).to(middle)
        (gradient,) = torch.autograd.grad((middle @ weights).sum(), images)
    return GradientSupport(pixels=gradient.ne(0).any(dim=1).any(dim=0))


def shuffled_within_cells(
    images: torch.Tensor, cell: int, generator: torch.Generator
) -> torch.Tensor:
    """Put the pixels of each cell in random order, of their own for each cell of each image.

    Args:
        images: Images, `[n, channels, height, width]`; a pixel's channels stay together.
        cell: Height and width of the cells in pixels: 2 for those of one 2×2 pool, 4 for those of
            two. 1 changes nothing.
        generator: CPU source of the orders.

    Returns:
        Images of the same shape.

    Raises:
        ValueError: The cell does not divide the images' height and width.
    """
    count, channels, height, width = images.shape
    if cell < 1 or height % cell or width % cell:
        raise ValueError(
            f"cell (={cell}) must divide the images' height {height} and width {width}"
        )
    rows, columns = height // cell, width // cell
    cells = images.reshape(count, channels, rows, cell, columns, cell).permute(0, 1, 2, 4, 3, 5)
    pixels = cells.reshape(count, channels, rows, columns, cell * cell)
    order = torch.rand(count, 1, rows, columns, cell * cell, generator=generator).argsort(dim=-1)
    shuffled = pixels.gather(-1, order.to(images.device).expand_as(pixels))
    cells = shuffled.reshape(count, channels, rows, columns, cell, cell).permute(0, 1, 2, 4, 3, 5)
    return cells.reshape(images.shape)
