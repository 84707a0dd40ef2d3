"""An image file that is to be classified, read as those of data sets are."""

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pnn_core.config import DatasetShape
from pnn_core.data.dataset import DatasetError
from pnn_core.data.decode import decode
from pnn_core.data.image_file import opened
from pnn_core.data.images import ImageFiles


def read_image(path: Path, shape: DatasetShape, shorter_edge: int | None) -> NDArray[np.uint8]:
    """Read an image for a network.

    Args:
        path: Path of the file.
        shape: Shape of the images that the network takes: 1 channel is grey, 3 are RGB.
        shorter_edge: Pixels to which the shorter edge is resized before the centre is cropped; None
            where the image must have exactly the network's size.

    Returns:
        Pixel values 0 to 255, `[channels, height, width]`.

    Raises:
        DatasetError: Names the file that is damaged or of another size, or the number of channels
            that no image file has.
    """
    if shape.channels not in (1, 3):
        raise DatasetError(
            f"{path} cannot be read for a network of {shape.channels} channels: accepted are 1, "
            "grey, and 3, RGB"
        )
    pixels = _exact(path, shape) if shorter_edge is None else _cropped(path, shape, shorter_edge)
    if shape.channels == 1:
        return np.array(Image.fromarray(pixels).convert("L"), dtype=np.uint8)[None]
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))


def _exact(path: Path, shape: DatasetShape) -> NDArray[np.uint8]:
    with opened(path) as image:
        if image.size != (shape.width, shape.height):
            raise DatasetError(
                f"{path} has {image.size[0]} x {image.size[1]} pixels: the network takes "
                f"{shape.width} x {shape.height}"
            )
        return np.asarray(image.rgb())


def _cropped(path: Path, shape: DatasetShape, shorter_edge: int) -> NDArray[np.uint8]:
    file = ImageFiles(
        folder=path.parent,
        names=np.array([os.fsencode(path.name)]),
        labels=np.zeros(1, dtype=np.int64),
        height=shape.height,
        width=shape.width,
        shorter_edge=shorter_edge,
    )
    pixels: NDArray[np.uint8] = decode(file)[0].transpose(1, 2, 0)
    return pixels
