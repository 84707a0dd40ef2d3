"""Decoding of image files to pixels, with Pillow."""

import os
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from pnn_core.data.dataset import DatasetError
from pnn_core.data.images import ImageFiles

FORMATS = ("PNG", "JPEG", "BMP", "WEBP")
"""Formats that are read, whatever the ending of a file's name says."""

_WIDE_MODES = ("I", "F", "I;16", "I;16B", "I;16L", "I;16N")
"""Pillow's pixel types of more than 8 bits, which it would clip to 255 on the way to RGB."""

_DAMAGE = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)
"""Errors that Pillow raises on a damaged file, according to its format and the place of the damage;
the warning where warnings are errors."""

_FILES_PER_TASK = 64
_MAX_THREADS = 8
_PIXELS_WORTH_THREADS = 96 * 96
"""Decoding frees Python's lock, the steps around it hold it. Measured on two cores, two threads
take twice as long as one for 32×32, as long for 96×96, and 0.6 of the time for 224×224."""


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


def image_size(path: Path) -> tuple[int, int]:
    """Read width and height of an image from its header: decodes nothing.

    Raises:
        DatasetError: The file is damaged.
    """
    try:
        with Image.open(path, formats=FORMATS) as image:
            return image.size
    except _DAMAGE as error:
        raise _damaged(path, error) from error


def decode(files: ImageFiles, crops: RandomCrops | None = None) -> NDArray[np.uint8]:
    """Decode images one after the other.

    Images of any size are resized, antialiased and bilinear, until their shorter edge has
    `files.shorter_edge` pixels, then cropped. The paper (Section 5.1) writes "the long edge", which
    would leave most photographs too narrow for its crop: its baselines, and the field since
    Krizhevsky et al. (2012), mean the shorter one.

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
        path = files.path(index)
        if files.shorter_edge is None:
            pixels = _decode_exact(path, (files.width, files.height))
        else:
            pixels = _decode_cropped(path, files, files.shorter_edge, index, crops)
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


def _decode_exact(path: Path, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Decode an image that must have a size, width and height, to RGB, [H, W, 3]."""
    try:
        with Image.open(path, formats=FORMATS) as image:
            complaint = _complaint_about_size(image, size) or _complaint_about_depth(image)
            if complaint is None:
                return np.asarray(_rgb(image))
    except _DAMAGE as error:
        raise _damaged(path, error) from error
    raise DatasetError(f"{path} {complaint}")


def _decode_cropped(
    path: Path, files: ImageFiles, shorter_edge: int, index: int, crops: RandomCrops | None
) -> NDArray[np.uint8]:
    """Decode an image of any size, resize and crop it, to RGB, [H, W, 3]."""
    try:
        with Image.open(path, formats=FORMATS) as image:
            complaint = _complaint_about_depth(image)
            if complaint is None:
                size = _resized(image.size, shorter_edge)
                # A large JPEG is decoded at a half, a quarter or an eighth of its size.
                image.draft(None, size)
                resized = _rgb(image).resize(size, Image.Resampling.BILINEAR)
                return _crop(resized, files, index, crops)
    except _DAMAGE as error:
        raise _damaged(path, error) from error
    raise DatasetError(f"{path} {complaint}")


def _resized(size: tuple[int, int], shorter_edge: int) -> tuple[int, int]:
    """Compute both edges once the shorter one is `shorter_edge`; rounded down, as torchvision's."""
    shorter = min(size)
    return (size[0] * shorter_edge // shorter, size[1] * shorter_edge // shorter)


def _crop(
    image: Image.Image, files: ImageFiles, index: int, crops: RandomCrops | None
) -> NDArray[np.uint8]:
    room_across, room_down = image.width - files.width, image.height - files.height
    if crops is None:
        left, top = round(room_across / 2), round(room_down / 2)
    else:
        left = int(crops.columns[index] * (room_across + 1))
        top = int(crops.rows[index] * (room_down + 1))
    pixels = np.asarray(image.crop((left, top, left + files.width, top + files.height)))
    return pixels[:, ::-1] if crops is not None and crops.flipped[index] else pixels


def _rgb(image: Image.Image) -> Image.Image:
    # A palette goes by way of RGBA: some with transparency warn on the way to RGB.
    direct = image.convert("RGBA") if image.mode == "P" else image
    return direct.convert("RGB")


def _damaged(path: Path, error: Exception) -> DatasetError:
    if isinstance(error, UnidentifiedImageError):
        reason = f"it is no {', '.join(FORMATS[:-1])} or {FORMATS[-1]}".lower()
    else:
        # An error of the system would name the path once more.
        reason = getattr(error, "strerror", None) or str(error)
    return DatasetError(f"{path} cannot be read as an image: {reason}")


def _complaint_about_size(image: Image.Image, size: tuple[int, int]) -> str | None:
    if image.size == size:
        return None
    return (
        f"has {image.width} x {image.height} pixels: the first image has "
        f"{size[0]} x {size[1]}, and all must be of one size"
    )


def _complaint_about_depth(image: Image.Image) -> str | None:
    return "has pixels of more than 8 bits: 8 are accepted" if image.mode in _WIDE_MODES else None
