"""The idx file format of MNIST and its relatives."""

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pnn_core.data.dataset import DatasetError

_UNSIGNED_BYTE = 0x08


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
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise DatasetError(f"{path} cannot be read: {error}") from error
    magic = bytes([0, 0, _UNSIGNED_BYTE, dimensions])
    if content[:4] != magic:
        raise DatasetError(
            f"{path} starts with the bytes {content[:4].hex(' ') or '(none)'}: an idx file of "
            f"unsigned bytes with {dimensions} dimension(s) starts with {magic.hex(' ')}"
        )
    header = 4 + 4 * dimensions
    if len(content) < header:
        raise DatasetError(f"{path} ends within its header, after {len(content)} of {header} bytes")
    shape = struct.unpack(f">{dimensions}I", content[4:header])
    expected, found = math.prod(shape), len(content) - header
    if found != expected:
        raise DatasetError(
            f"{path} holds {found} values, but its header announces "
            f"{' x '.join(map(str, shape))} = {expected}"
        )
    return np.frombuffer(content, dtype=np.uint8, offset=header).reshape(shape)
