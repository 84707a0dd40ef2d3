"""Evaluation batches of images moved by one pixel, which show what a network knows of position."""

from collections.abc import Iterator

import torch

from pnn_core.dataloader.batches import Batch, OrderedImages

DIRECTIONS = ((-1, 0), (1, 0), (0, -1), (0, 1))
"""Rows and columns that images are moved by: up, down, left and right."""


class MovedImages:
    """Images moved by one pixel, in each of the four directions; the free row or column is black.

    Black before normalisation, as the border of random crops is. Images are decoded once for all
    directions.

    Args:
        images: The images as they are.
        black: Normalised value of a black pixel, `[channels, 1, 1]`.
    """

    def __init__(self, images: OrderedImages, black: torch.Tensor) -> None:
        self._images = images
        self._black = black

    def in_order(self, batch_size: int) -> Iterator[Batch]:
        """Yield every batch four times, moved in the order of `DIRECTIONS`."""
        for images, labels in self._images.in_order(batch_size):
            for rows, columns in DIRECTIONS:
                yield move_images(images, rows, columns, self._black), labels


def move_images(images: torch.Tensor, rows: int, columns: int, fill: torch.Tensor) -> torch.Tensor:
    """Move images by one pixel.

    Args:
        images: Images `[n, channels, height, width]`.
        rows: Rows down: -1, 0 or 1.
        columns: Columns to the right: -1, 0 or 1.
        fill: Value of the pixels that become free, `[channels, 1, 1]`.
    """
    moved = images.roll((rows, columns), (2, 3))
    if rows:
        moved[:, :, 0 if rows > 0 else -1] = fill[:, :, 0]
    if columns:
        moved[:, :, :, 0 if columns > 0 else -1] = fill[:, :, 0]
    return moved.contiguous(memory_format=torch.channels_last)
