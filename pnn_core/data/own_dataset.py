"""Data sets of one's own: a file with classes, a shape, and functions that give the images."""

import hashlib
import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pnn_core.config import DatasetShape
from pnn_core.data.dataset import DatasetError, Part, TrainingData
from pnn_core.data.images import LabelledImages
from pnn_core.data.memory import fits_in_memory
from pnn_core.data.registry import DATASETS
from pnn_core.data.spec import DatasetSpec
from pnn_core.parts.own_code import OwnCode, describe

_PER_CHUNK = 1024


def add_dataset(code: OwnCode) -> None:
    """Add a data set of one's own to `DATASETS`; none of its images is read.

    Args:
        code: File or entry point with `CLASSES`, `SHAPE`, `train` and, to be confirmed, `test`.

    Raises:
        ValueError: It lacks one of them, or one is not as it must be; says so in one sentence.
    """
    module = code.load()
    classes, shape = _classes(module), _shape(module)
    size = DatasetShape(channels=shape[0], height=shape[1], width=shape[2], classes=len(classes))
    if not callable(getattr(module, "train", None)):
        raise ValueError(
            f"{code.name} defines no function train(), which returns (images, labels) or a torch "
            "Dataset of such pairs"
        )
    spec = DatasetSpec(
        description=f"images of {code.name}",
        shape=size,
        augment=False,
        read=partial(_read, module, classes, shape),
        require_test=partial(_require_test, code.name, module),
    )
    DATASETS.add(code.name, spec)


def images_digest(data: TrainingData) -> str:
    """Return the SHA-256 of what is known of all images to learn from and to validate on.

    That is shape, classes and labels, the pixels of images in memory, the names of images in files,
    with their sizes and boxes where there are any, and the places of images in shards: no file is
    opened for it.
    """
    digest = hashlib.sha256(repr((data.shape, data.classes)).encode())
    for images in (data.train, data.validation):
        for field in fields(images):
            value = getattr(images, field.name)
            if isinstance(value, np.ndarray):
                digest.update(np.ascontiguousarray(value).data)
    digest.update(np.ascontiguousarray(data.held_out).data)
    return digest.hexdigest()


def _classes(module: object) -> tuple[str, ...]:
    found = getattr(module, "CLASSES", None)
    accepted = 'a list of at least two class names, such as ["cat", "dog"]'
    if isinstance(found, str) or not isinstance(found, Sequence):
        raise ValueError(f"CLASSES (={found!r}) must be {accepted}")
    names = tuple(map(str, found))
    if len(names) < 2 or len(set(names)) < len(names):
        raise ValueError(f"CLASSES (={list(names)}) must be {accepted}, each once")
    return names


def _shape(module: object) -> tuple[int, int, int]:
    found = getattr(module, "SHAPE", None)
    is_shape = isinstance(found, Sequence) and not isinstance(found, str) and len(found) == 3
    if not is_shape or not all(type(side) is int and side > 0 for side in found or ()):
        raise ValueError(
            f"SHAPE (={found!r}) must be channels, height and width of an image, such as (3, 32, "
            "32)"
        )
    channels, height, width = found or (0, 0, 0)
    return channels, height, width


def _require_test(name: str, module: object, _data_dir: Path) -> None:
    """Look for the function without calling it: only the confirm step reads test images."""
    if not callable(getattr(module, "test", None)):
        raise DatasetError(
            f"{name} defines no function test(), whose images confirm a front: add it, or leave "
            "--confirm out"
        )


def _read(
    module: Any,  # noqa: ANN401  # whatever somebody wrote
    classes: tuple[str, ...],
    shape: tuple[int, int, int],
    data_dir: Path,
    part: Part,
) -> tuple[LabelledImages, tuple[str, ...]]:
    """Call the function of one part and check what it gives.

    Raises:
        DatasetError: The function raises, or its images or labels are not as they must be.
    """
    function: Callable[..., object] = getattr(module, part)
    takes_folder = "data_dir" in inspect.signature(function).parameters
    try:
        given = function(data_dir=data_dir) if takes_folder else function()
        pixels, labels = _arrays(given, shape)
        images = LabelledImages(
            images=_pixels(pixels, shape), labels=_labels(labels, len(pixels), len(classes))
        )
    except DatasetError as error:
        raise DatasetError(f"its {part}() {error}") from error
    except Exception as error:  # whatever somebody's function raises
        raise DatasetError(f"its {part}() raised {describe(error)}") from error
    absent = [name for label, name in enumerate(classes) if label not in images.labels]
    if part == "train" and absent:
        raise DatasetError(f"its train() gives no image of class {absent[0]!r} of CLASSES")
    return images, classes


def _arrays(given: object, shape: tuple[int, int, int]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the images and labels of either form that a function may give."""
    if isinstance(given, tuple) and len(given) == 2:
        return _as_array(given[0]), _as_array(given[1])
    if hasattr(given, "__len__") and hasattr(given, "__getitem__"):
        return _collect(given, shape)
    raise DatasetError(
        f"returned a {type(given).__name__}: accepted are (images, labels) and a torch Dataset of "
        "such pairs"
    )


def _as_array(values: Any) -> NDArray[Any]:  # noqa: ANN401  # an array, a tensor, a list
    return np.asarray(values.detach().cpu() if hasattr(values, "detach") else values)


def _collect(dataset: Any, shape: tuple[int, int, int]) -> tuple[NDArray[Any], NDArray[Any]]:  # noqa: ANN401  # a torch Dataset
    """Read every pair of a map-style data set once."""
    count, size = len(dataset), int(np.prod(shape))
    if not fits_in_memory(count * size):
        raise DatasetError(
            f"has {count:,} images, {count * size / 2**30:.1f} GiB as bytes, more than a quarter "
            "of this machine's memory: put them into folders and use --dataset imagefolder"
        )
    images = np.empty((count, *shape), dtype=np.uint8)
    labels = []
    for index in range(count):
        pair = dataset[index]
        if not isinstance(pair, (tuple, list)) or len(pair) != 2:
            raise DatasetError(f"gives no pair of an image and its label at index {index}")
        pixels = _as_array(pair[0])
        if hasattr(pair[0], "getbands") and pixels.ndim == 3:  # Pillow has the channels last
            pixels = pixels.transpose(2, 0, 1)
        images[index] = _pixels(pixels[None], shape, index)[0]
        labels.append(int(pair[1]) if _is_whole(pair[1]) else pair[1])
    return images, np.asarray(labels)


def _is_whole(label: object) -> bool:
    values = np.asarray(label)
    return values.ndim == 0 and values.dtype.kind in "iu"


def _pixels(pixels: NDArray[Any], shape: tuple[int, int, int], first: int = 0) -> NDArray[np.uint8]:
    """Return images as bytes, `[N, C, H, W]`.

    Args:
        pixels: Images, `[N, C, H, W]`, or `[N, H, W]` of one channel.
        shape: Shape that the file says.
        first: Index of the first one.
    """
    if shape[0] == 1 and pixels.ndim == 3:
        pixels = pixels[:, None]
    if pixels.ndim != 4 or pixels.shape[1:] != shape:
        last = (*shape[1:], shape[0])
        hint = ""
        if pixels.shape[1:] == last:
            hint = "; move the channels to the front, as by images.transpose(0, 3, 1, 2)"
        found = "×".join(map(str, pixels.shape[1:])) or "no pixels"
        said = "×".join(map(str, shape))
        raise DatasetError(f"gives images of {found}, and SHAPE says {said}{hint}")
    if pixels.dtype == np.uint8:
        return pixels
    if pixels.dtype.kind not in "fiu":
        raise DatasetError(f"gives pixels of type {pixels.dtype}: accepted are numbers")
    converted = np.empty(pixels.shape, dtype=np.uint8)
    for start, chunk in _chunks(pixels):
        converted[start : start + len(chunk)] = _as_bytes(chunk, first + start)
    return converted


def _chunks(pixels: NDArray[Any]) -> Iterator[tuple[int, NDArray[Any]]]:
    for start in range(0, len(pixels), _PER_CHUNK):
        yield start, pixels[start : start + _PER_CHUNK]


def _as_bytes(pixels: NDArray[Any], first: int) -> NDArray[np.uint8]:
    is_float = pixels.dtype.kind == "f"
    finite = np.isfinite(pixels).reshape(len(pixels), -1).all(axis=1)
    if not finite.all():
        raise DatasetError(
            f"gives pixels that are NaN or infinite, the first in image {first + finite.argmin()}"
        )
    least, most = pixels.min(), pixels.max()
    if least < 0 or most > (1 if is_float else 255):
        raise DatasetError(
            f"gives pixels from {least:g} to {most:g}: accepted are floats from 0 to 1 and whole "
            "numbers from 0 to 255 (the platform normalises them itself)"
        )
    return np.rint(pixels * 255.0 if is_float else pixels).astype(np.uint8)


def _labels(labels: NDArray[Any], images: int, classes: int) -> NDArray[np.int64]:
    if labels.dtype.kind not in "iu" or labels.ndim != 1:
        raise DatasetError(
            f"gives labels of type {labels.dtype} and shape {list(labels.shape)}: accepted is one "
            "whole number for each image"
        )
    if len(labels) != images:
        raise DatasetError(f"gives {images} images and {len(labels)} labels: both must be as many")
    if images == 0:
        raise DatasetError("gives no image")
    least, most = int(labels.min()), int(labels.max())
    if least < 0 or most >= classes:
        raise DatasetError(
            f"gives labels from {least} to {most}, and CLASSES names {classes} (0 to {classes - 1})"
        )
    return labels.astype(np.int64)
