"""Decoding of image files to pixels, with Pillow."""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pnn_core.data.dataset import DatasetError
from pnn_core.data.image_file import opened
from pnn_core.data.images import ImageFiles

_FILES_PER_TASK = 64
_MAX_THREADS = 8
_PIXELS_WORTH_THREADS = 96 * 96
"""Decoding frees Python's lock, the steps around it hold it. Measured on two cores, two threads
take twice as long as one for 32×32, as long for 96×96, and 0.6 of the time for 224×224."""

_LONGEST_EDGE = 16
"""Longer edge, in shorter ones, up to which an image is resized as a whole and then cropped."""


@dataclass(frozen=True, kw_only=True, eq=False)
class RandomCrops:
    """One draw for each image whose size is not known before it is decoded.

    Attributes:
        rows: Place where the crop begins, from 0, at the top, to 1, as far down as it fits: below
            1, [N].
        columns: Place where the crop begins, from left to right, [N].
        flipped: True where left and right change places, [N].
    """

    rows: NDArray[np.float64]
    columns: NDArray[np.float64]
    flipped: NDArray[np.bool_]

    def take(self, batch: slice) -> "RandomCrops":
        """Return the draws of one batch."""
        return RandomCrops(
            rows=self.rows[batch], columns=self.columns[batch], flipped=self.flipped[batch]
        )


def decode(files: ImageFiles, crops: RandomCrops | None = None) -> NDArray[np.uint8]:
    """Decode images one after the other.

    Images of any size are resized, antialiased and bilinear, until their shorter edge has
    `files.shorter_edge` pixels, then cropped. The paper (Section 5.1) writes "the long edge", which
    would leave most photographs too narrow for its crop: its baselines, and the field since
    Krizhevsky et al. (2012), mean the shorter one. Images are read as `OpenImage` shows them.

    Args:
        files: Files to decode, N of them.
        crops: Places to crop resized images at; None for the centre. Not for files of one size.

    Returns:
        RGB, [N, 3, height, width].

    Raises:
        DatasetError: Names the first file that is damaged or not as the others must be.
    """
    images = np.empty((len(files), *files.image_shape), dtype=np.uint8)
    for index in range(len(files)):
        if files.shorter_edge is None:
            pixels = _decode_exact(files, index)
        else:
            pixels = _decode_cropped(files, files.shorter_edge, index, crops)
        images[index] = pixels.transpose(2, 0, 1)
    return images


def decode_all(files: ImageFiles) -> NDArray[np.uint8]:
    """Decode as `decode` does, with threads where that is faster.

    Raises:
        DatasetError: Names the first file that is damaged or not as the others must be.
    """
    images = np.empty((len(files), *files.image_shape), dtype=np.uint8)

    # Many files a task: handing over a single small image costs as much as decoding it.
    def decode_from(start: int) -> None:
        part = slice(start, start + _FILES_PER_TASK)
        images[part] = decode(files.take(np.arange(len(files))[part]))

    small = files.width * files.height < _PIXELS_WORTH_THREADS
    with ThreadPoolExecutor(1 if small else min(os.cpu_count() or 1, _MAX_THREADS)) as pool:
        try:
            # In order, so that the first damaged file is the one reported, every time.
            for _ in pool.map(decode_from, range(0, len(files), _FILES_PER_TASK)):
                pass
        except DatasetError:
            pool.shutdown(cancel_futures=True)
            raise
    return images


def _encoded(files: ImageFiles, index: int) -> tuple[Path | str, bytes | None]:
    """Return what `opened` takes: a file, or words and content."""
    if files.shards is None:
        return files.path(index), None
    place = files.row(index)
    return files.shards.describe(*place), files.shards.read(*place)


def _decode_exact(files: ImageFiles, index: int) -> NDArray[np.uint8]:
    """Decode an image that must have the size of all, to RGB, [H, W, 3]."""
    path, content = _encoded(files, index)
    with opened(path, content) as image:
        if image.size == (files.width, files.height):
            return np.asarray(image.rgb())
        raise DatasetError(
            f"{path} has {image.size[0]} x {image.size[1]} pixels: most images have "
            f"{files.width} x {files.height}, and all must be of one size"
        )


def _decode_cropped(
    files: ImageFiles, shorter_edge: int, index: int, crops: RandomCrops | None
) -> NDArray[np.uint8]:
    """Decode an image of any size, resize and crop it, to RGB, [H, W, 3]."""
    with opened(*_encoded(files, index)) as image:
        size = _resized(image.size, shorter_edge)
        left, top = _corner(size, files, index, crops)
        region = (left, top, left + files.width, top + files.height)
        decoded = image.rgb(size)
        if max(size) > _LONGEST_EDGE * shorter_edge:
            cropped = _resize_region(decoded, size, region)
        else:
            cropped = decoded.resize(size, Image.Resampling.BILINEAR).crop(region)
        pixels = np.asarray(cropped)
        return pixels[:, ::-1] if crops is not None and crops.flipped[index] else pixels


def _resize_region(
    image: Image.Image, size: tuple[int, int], region: tuple[int, int, int, int]
) -> Image.Image:
    """Resize nothing but what is cropped: the whole of a long strip would fill the memory.

    Args:
        image: Image.
        size: Width and height that all of it would be resized to.
        region: Left, top, right and bottom of the crop from that.
    """
    across, down = image.width / size[0], image.height / size[1]
    left, top, right, bottom = region
    box = (
        left * across,
        top * down,
        min(right * across, image.width),
        min(bottom * down, image.height),
    )
    return image.resize((right - left, bottom - top), Image.Resampling.BILINEAR, box=box)


def _resized(size: tuple[int, int], shorter_edge: int) -> tuple[int, int]:
    """Compute both edges once the shorter one is `shorter_edge`; rounded down, as torchvision's."""
    shorter = min(size)
    return (size[0] * shorter_edge // shorter, size[1] * shorter_edge // shorter)


def _corner(
    size: tuple[int, int], files: ImageFiles, index: int, crops: RandomCrops | None
) -> tuple[int, int]:
    """Return where the crop begins, from the left and from the top."""
    room_across, room_down = size[0] - files.width, size[1] - files.height
    if crops is None:
        return round(room_across / 2), round(room_down / 2)
    return (
        int(crops.columns[index] * (room_across + 1)),
        int(crops.rows[index] * (room_down + 1)),
    )
