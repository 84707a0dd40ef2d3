"""A few images of Fashion-MNIST, as files that any program for it reads."""

import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pnn_core.data.mnist import read_fashion_mnist

UNSIGNED_BYTE = 8


def write_fashion_subset(source: Path, folder: Path, *, train: int, test: int) -> None:
    """Write the first images of each part.

    They are shuffled as published, so that the first ones are a fair sample of the classes.

    Args:
        source: Holds the idx files, or they are downloaded to it.
        folder: Exists; gets four idx files of the usual names.
        train: Images to learn from and to validate with.
        test: Images to test with.

    Raises:
        DatasetError: There are no files and the download failed, or a file is damaged.
    """
    images, _ = read_fashion_mnist(source, "train")
    _write(folder / "train-images-idx3-ubyte", images.images[:train, 0])
    _write(folder / "train-labels-idx1-ubyte", images.labels[:train])
    images, _ = read_fashion_mnist(source, "test")
    _write(folder / "t10k-images-idx3-ubyte", images.images[:test, 0])
    _write(folder / "t10k-labels-idx1-ubyte", images.labels[:test])


def _write(path: Path, values: NDArray[np.uint8] | NDArray[np.int64]) -> None:
    header = struct.pack(">HBB", 0, UNSIGNED_BYTE, values.ndim)
    shape = struct.pack(f">{values.ndim}I", *values.shape)
    path.write_bytes(header + shape + values.astype(np.uint8).tobytes())
