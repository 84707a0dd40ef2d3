"""Pixels of annotated images, scaled to their canvas and padded."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pnn_core.data.annotated_images import AnnotatedImages
from pnn_core.data.dataset import DatasetError
from pnn_core.data.image_file import opened


def decode_on_canvas(files: AnnotatedImages) -> NDArray[np.uint8]:
    """Decode images one after the other, each in its place on the canvas and black around.

    Args:
        files: Files to decode, N of them.

    Returns:
        RGB, [N, *padded_shape].

    Raises:
        DatasetError: Names the first file that is damaged, or was replaced by one of another size.
    """
    images = np.zeros((len(files), *files.padded_shape), dtype=np.uint8)
    for index in range(len(files)):
        place = files.letterbox(index)
        images[index, :, place.rows, place.columns] = decode_content(files, index)
    return images


def decode_content(files: AnnotatedImages, index: int) -> NDArray[np.uint8]:
    """Decode an image as large as it is on its canvas, antialiased and bilinear, without padding.

    Returns:
        RGB, [3, height, width] of its letterbox.

    Raises:
        DatasetError: The file is damaged, or was replaced by one of another size.
    """
    path, place = files.path(index), files.letterbox(index)
    width, height = files.sizes[index].tolist()
    size = (place.width, place.height)
    with opened(path) as image:
        if image.size != (width, height):
            raise DatasetError(
                f"{path} has {image.size[0]} x {image.size[1]} pixels: it had {width} x {height} "
                "when the study began, and its boxes are of that size"
            )
        resized = image.rgb(size).resize(size, Image.Resampling.BILINEAR)
        return np.asarray(resized).transpose(2, 0, 1)
