"""The idx file format of MNIST and its relatives."""

import gzip
import math
import struct
import zlib
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from pnn_core.data.dataset import DatasetError
from pnn_core.data.memory import fits_in_memory

_UNSIGNED_BYTE = 0x08

_LARGEST_RATIO = 1032
"""Largest ratio of deflate: two bits for 258 bytes (zlib's technical details)."""


def read_idx(path: Path, dimensions: int) -> NDArray[np.uint8]:
    """Read an idx file of unsigned bytes.

    Layout: two zero bytes, the type (8: unsigned byte), the number of dimensions, each dimension
    as a big-endian 32-bit number, then the values in C order.
    Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits".

    Args:
        path: File to read; compressed when its name ends in `.gz`.
        dimensions: Number of dimensions that the array must have.

    Returns:
        The array, read-only.

    Raises:
        DatasetError: The file cannot be read, is none of these, or is cut short or too long.
    """
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as stream:
            shape = _read_shape(path, cast("BinaryIO", stream), dimensions)
            _require_room(path, shape)
            content = stream.read(math.prod(shape) + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise DatasetError(f"{path} cannot be read: {error}") from error
    if len(content) != math.prod(shape):
        more = "at least " if len(content) > math.prod(shape) else ""
        raise DatasetError(f"{path} holds {more}{len(content)} values, {_announced(shape)}")
    return np.frombuffer(content, dtype=np.uint8).reshape(shape)


def _read_shape(path: Path, stream: BinaryIO, dimensions: int) -> tuple[int, ...]:
    header = 4 + 4 * dimensions
    content = stream.read(header)
    magic = bytes([0, 0, _UNSIGNED_BYTE, dimensions])
    if content[:4] != magic:
        raise DatasetError(
            f"{path} starts with the bytes {content[:4].hex(' ') or '(none)'}: an idx file of "
            f"unsigned bytes with {dimensions} dimension(s) starts with {magic.hex(' ')}"
        )
    if len(content) < header:
        raise DatasetError(f"{path} ends within its header, after {len(content)} of {header} bytes")
    return struct.unpack(f">{dimensions}I", content[4:header])


def _require_room(path: Path, shape: tuple[int, ...]) -> None:
    """Refuse what the file cannot hold, or the memory, before any is taken."""
    size = path.stat().st_size * (_LARGEST_RATIO if path.suffix == ".gz" else 1)
    if math.prod(shape) > size:
        raise DatasetError(f"{path} holds at most {size} values, {_announced(shape)}")
    if not fits_in_memory(math.prod(shape)):
        raise DatasetError(
            f"{path} holds more than a quarter of this machine's memory: its header announces "
            f"{math.prod(shape)} bytes"
        )


def _announced(shape: tuple[int, ...]) -> str:
    return f"but its header announces {' x '.join(map(str, shape))} = {math.prod(shape)}"
