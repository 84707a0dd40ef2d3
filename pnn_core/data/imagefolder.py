"""A folder of images of one's own, one folder for each class."""

import os
import struct
import zlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from pnn_core.config import DatasetShape
from pnn_core.data.dataset import DatasetError, LabelledImages, Part

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".webp")

_FORMATS = ("PNG", "JPEG", "BMP", "WEBP")
_LAYOUT = f"put images ({', '.join(s[1:] for s in SUFFIXES)}) into"
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
)
"""What Pillow raises on a damaged file, according to its format and the place of the damage."""

_FILES_PER_TASK = 64
_MAX_THREADS = 8
_PIXELS_WORTH_THREADS = 96 * 96
"""Decoding frees Python's lock, the steps around it hold it. Measured on two cores, two threads
take twice as long as one for 32×32, as long for 96×96, and 0.6 of the time for 224×224."""


def read_imagefolder(data_dir: Path, part: Part) -> tuple[LabelledImages, tuple[str, ...]]:
    """Read `data_dir/train/CLASS/*` or `data_dir/test/CLASS/*`.

    Classes are the folders of `train`, sorted by name; files are sorted by name within a class.
    Hidden files and files with other endings are ignored. All images are decoded to RGB and must
    have the size of the first training image. To read `train` opens no file of `test`.

    Args:
        data_dir: The folder that holds `train` and `test`.
        part: Which images.

    Returns:
        The images, [N, 3, H, W], and the class names.

    Raises:
        DatasetError: A folder is missing or too small, or an image is damaged or of another size.
    """
    shape = imagefolder_shape(data_dir)
    classes = _class_names(data_dir / "train")
    if part == "test":
        _require_same_classes(data_dir / "test", classes)
    # A split for validation needs two images of a class.
    least = 2 if part == "train" else 1
    files: list[Path] = []
    labels: list[int] = []
    for label, name in enumerate(classes):
        found = _image_files(data_dir / part / name, least)
        files += found
        labels += [label] * len(found)
    images = _decode_all(files, (shape.width, shape.height))
    return LabelledImages(images=images, labels=np.asarray(labels, dtype=np.int64)), classes


def imagefolder_shape(data_dir: Path) -> DatasetShape:
    """Class names and the first image's size: opens one file and decodes none.

    Args:
        data_dir: The folder that holds `train`.

    Raises:
        DatasetError: `train` or its first class is missing or empty, or its first image damaged.
    """
    classes = _class_names(data_dir / "train")
    first = _image_files(data_dir / "train" / classes[0], 1)[0]
    try:
        with Image.open(first, formats=_FORMATS) as image:
            width, height = image.size
    except _DAMAGE as error:
        raise _damaged(first, error) from error
    return DatasetShape(channels=3, height=height, width=width, classes=len(classes))


def _class_names(folder: Path) -> tuple[str, ...]:
    if not folder.is_dir():
        raise DatasetError(f"{folder} is not a folder: {_LAYOUT} {folder / 'CLASS'}")
    with os.scandir(folder) as entries:
        names = sorted(e.name for e in entries if e.is_dir() and not e.name.startswith("."))
    if len(names) < 2:
        raise DatasetError(
            f"{folder} holds {len(names)} class folder(s), at least 2 are needed: "
            f"{_LAYOUT} {folder / 'CLASS'}"
        )
    return tuple(names)


def _require_same_classes(folder: Path, classes: tuple[str, ...]) -> None:
    found = _class_names(folder)
    differing = sorted(set(found).symmetric_difference(classes))
    if differing:
        raise DatasetError(
            f"{folder} must hold the same class folders as {folder.parent / 'train'}: "
            f"{differing[0]!r} is in one of them only"
        )


def _image_files(folder: Path, least: int) -> list[Path]:
    with os.scandir(folder) as entries:
        names = sorted(
            e.name
            for e in entries
            if not e.name.startswith(".")
            and e.name.lower().endswith(SUFFIXES)
            and not e.is_dir()  # and not `is_file`: a broken link must be reported, not skipped
        )
    if len(names) < least:
        raise DatasetError(
            f"{folder} holds {len(names)} image(s), at least {least} needed: {_LAYOUT} {folder}"
        )
    return [folder / name for name in names]


def _decode_all(files: Sequence[Path], size: tuple[int, int]) -> NDArray[np.uint8]:
    width, height = size
    images = np.empty((len(files), 3, height, width), dtype=np.uint8)

    # Many files a task: handing over a single small image costs as much as decoding it.
    def decode_from(start: int) -> None:
        for index in range(start, min(start + _FILES_PER_TASK, len(files))):
            images[index] = _decode(files[index], size).transpose(2, 0, 1)

    small = width * height < _PIXELS_WORTH_THREADS
    with ThreadPoolExecutor(1 if small else min(os.cpu_count() or 1, _MAX_THREADS)) as pool:
        try:
            # In order, so that the first damaged file is the one reported, every time.
            for _ in pool.map(decode_from, range(0, len(files), _FILES_PER_TASK)):
                pass
        except DatasetError:
            pool.shutdown(cancel_futures=True)
            raise
    return images


def _decode(path: Path, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Decode one image to RGB, [H, W, 3]."""
    try:
        with Image.open(path, formats=_FORMATS) as image:
            complaint = _complaint(image, size)
            if complaint is None:
                # A palette goes by way of RGBA: some with transparency warn on the way to RGB.
                direct = image.convert("RGBA") if image.mode == "P" else image
                return np.asarray(direct.convert("RGB"))
    except _DAMAGE as error:
        raise _damaged(path, error) from error
    raise DatasetError(f"{path} {complaint}")


def _damaged(path: Path, error: Exception) -> DatasetError:
    if isinstance(error, UnidentifiedImageError):
        reason = f"it is no {', '.join(_FORMATS[:-1])} or {_FORMATS[-1]}".lower()
    else:
        # An error of the system would name the path once more.
        reason = getattr(error, "strerror", None) or str(error)
    return DatasetError(f"{path} cannot be read as an image: {reason}")


def _complaint(image: Image.Image, size: tuple[int, int]) -> str | None:
    if image.size != size:
        return (
            f"has {image.width} x {image.height} pixels: the first image has "
            f"{size[0]} x {size[1]}, and all must be of one size"
        )
    if image.mode in _WIDE_MODES:
        return "has pixels of more than 8 bits: 8 are accepted"
    return None
