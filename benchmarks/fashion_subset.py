"""A few images of Fashion-MNIST, in the files of the original."""

import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pnn_core.data import DATASETS, LabelledImages
from pnn_core.data.dataset import Part

UNSIGNED_BYTE = 8


def write_fashion_subset(source: Path, folder: Path, *, train: int, test: int) -> None:
    """Write the first images of each part.

    The images are shuffled as published, so the first ones are a fair sample of the classes.

    Args:
        source: Folder of the idx files, which are downloaded if they are missing.
        folder: Existing folder that gets four idx files of the usual names.
        train: Number of images to train and validate with.
        test: Number of images to test with.

    Raises:
        DatasetError: There are no files and the download failed, or a file is damaged.
    """
    images = _read(source, "train")
    _write(folder / "train-images-idx3-ubyte", images.images[:train, 0])
    _write(folder / "train-labels-idx1-ubyte", images.labels[:train])
    images = _read(source, "test")
    _write(folder / "t10k-images-idx3-ubyte", images.images[:test, 0])
    _write(folder / "t10k-labels-idx1-ubyte", images.labels[:test])


def _read(source: Path, part: Part) -> LabelledImages:
    images, _ = DATASETS["fashion_mnist"].read(source, part)
    assert isinstance(images, LabelledImages)
    return images


def _write(path: Path, values: NDArray[np.uint8] | NDArray[np.int64]) -> None:
    header = struct.pack(">HBB", 0, UNSIGNED_BYTE, values.ndim)
    shape = struct.pack(f">{values.ndim}I", *values.shape)
    path.write_bytes(header + shape + values.astype(np.uint8).tobytes())
