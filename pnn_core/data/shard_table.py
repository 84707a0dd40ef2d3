"""Columns of a shard: encoded images, and the class of each."""

import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from pnn_core.data.dataset import DatasetError, Part
from pnn_core.data.memory import fits_in_memory
from pnn_core.data.shard_place import Shard, ShardPlace

if TYPE_CHECKING:
    import pyarrow as pa
    from pyarrow.parquet import ParquetFile

_T = TypeVar("_T")

IMAGE, LABEL = "image", "label"
_BYTES = "bytes"
"""Field of an image that is a structure, beside the path that it once had."""

_LONGEST_NAME = 255
"""Largest number of letters of a class's name."""

_READERS = 16
"""Number of shards whose labels are read at once: each waits for its place to answer."""

_HUB = b"huggingface"
"""Key of a schema's metadata under which the hub's libraries keep the names of classes."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ShardLabels:
    """Classes of the images of a part, shard after shard.

    Attributes:
        shards: Shards, in their order.
        counts: Number of images of each shard.
        values: Label of each image: whole numbers, or names.
        names: Names of the classes as the shards tell them; empty where they tell none.
    """

    shards: tuple[Shard, ...]
    counts: tuple[int, ...]
    values: NDArray[np.generic]
    names: tuple[str, ...]


def read_labels(place: ShardPlace, part: Part) -> ShardLabels:
    """Read the labels of a part; no image is read.

    Raises:
        DatasetError: A shard is no Parquet file with columns `image` and `label`.
    """
    return _read_labels(place, place.shards(part))


def count_images(place: ShardPlace, part: Part) -> int:
    """Count the images of a part by what its shards tell; no label and no image is read.

    Raises:
        DatasetError: A shard is no Parquet file.
    """

    def count(shard: Shard) -> int:
        with opened_shard(place, shard) as file:
            return int(file.metadata.num_rows)

    return sum(_of_each(count, place.shards(part)))


@contextmanager
def opened_shard(place: ShardPlace, shard: Shard) -> "Iterator[ParquetFile]":
    """Open a shard where it lies; what the context reads of it is refused as this is.

    Raises:
        DatasetError: It is no Parquet file, is damaged, or cannot be had.
    """
    from pyarrow import ArrowException
    from pyarrow.parquet import ParquetFile

    files, root = place.open()
    try:
        with files.open_input_file(f"{root}/{shard.name}") as source:
            yield ParquetFile(source)
    except (OSError, ArrowException) as error:
        reason = " ".join(str(error).split())
        raise DatasetError(f"{place.shown}/{shard.name} cannot be read: {reason}") from error


def image_batches(
    place: ShardPlace, shard: Shard, file: "ParquetFile", rows: int
) -> "Iterator[pa.Array]":
    """Yield the encoded images of an open shard in arrays of some rows, the last one of the rest.

    Raises:
        DatasetError: The images are not of the types that are read, or claim too much memory.
    """
    import pyarrow as pa

    _require_small(f"{place.shown}/{shard.name}", file, IMAGE)
    kind = _require_images(place, shard, file.schema_arrow)
    column = f"{IMAGE}.{_BYTES}" if pa.types.is_struct(kind) else IMAGE
    for batch in file.iter_batches(batch_size=rows, columns=[column]):
        images = batch.column(0)
        encoded = images.field(_BYTES) if pa.types.is_struct(images.type) else images
        if encoded.null_count:
            raise DatasetError(f"{place.shown}/{shard.name} has a row without an image")
        yield encoded.cast(pa.large_binary())


@cache
def _read_labels(place: ShardPlace, shards: tuple[Shard, ...]) -> ShardLabels:
    def read(shard: Shard) -> tuple[NDArray[np.generic], tuple[str, ...]]:
        with opened_shard(place, shard) as file:
            _require_images(place, shard, file.schema_arrow)
            return _labels(place, shard, file), _class_names(file.schema_arrow)

    found = _of_each(read, shards)
    kinds = {values.dtype.kind for values, _ in found}
    if len(kinds) > 1:
        raise DatasetError(f"{place.shown} has shards with labels that are numbers and with names")
    return ShardLabels(
        shards=shards,
        counts=tuple(len(values) for values, _ in found),
        values=np.concatenate([values for values, _ in found]),
        names=found[0][1],
    )


def _of_each(function: Callable[[Shard], _T], shards: Sequence[Shard]) -> list[_T]:
    with ThreadPoolExecutor(_READERS) as pool:
        return list(pool.map(function, shards))


def _require_images(place: ShardPlace, shard: Shard, schema: "pa.Schema") -> "pa.DataType":
    import pyarrow as pa

    def is_binary(kind: pa.DataType) -> bool:
        return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))

    if IMAGE in schema.names and LABEL in schema.names:
        kind = schema.field(IMAGE).type
        is_structure = pa.types.is_struct(kind) and kind.get_field_index(_BYTES) >= 0
        if is_binary(kind) or (is_structure and is_binary(kind.field(_BYTES).type)):
            return kind
    raise DatasetError(
        f"{place.shown}/{shard.name} has the columns {', '.join(schema.names)}: needed are "
        f"{IMAGE!r}, encoded images as bytes, and {LABEL!r}, a whole number or a name"
    )


def _require_small(where: str, file: "ParquetFile", column: str) -> None:
    """Check what a shard claims of a column before memory is taken for it."""
    for number in range(file.metadata.num_row_groups):
        group = file.metadata.row_group(number)
        chunks = map(group.column, range(group.num_columns))
        claimed = sum(
            chunk.total_uncompressed_size
            for chunk in chunks
            if chunk.path_in_schema.partition(".")[0] == column
        )
        if not fits_in_memory(claimed):
            raise DatasetError(
                f"{where} has a row group whose {column}s take {claimed / 1e9:,.1f} GB, more than "
                "a quarter of the memory: write it with smaller row groups"
            )


def _labels(place: ShardPlace, shard: Shard, file: "ParquetFile") -> NDArray[np.generic]:
    import pyarrow as pa

    where = f"{place.shown}/{shard.name}"
    _require_small(where, file, LABEL)
    column = file.read(columns=[LABEL]).column(0)
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if column.null_count:
        raise DatasetError(f"{where} has a row without a label")
    if pa.types.is_integer(column.type):
        numbers: NDArray[np.int64] = column.to_numpy().astype(np.int64)
        if len(numbers) and numbers.min() < 0:
            raise DatasetError(
                f"{where} has the label {numbers.min()}, which stands for an unknown class: leave "
                "such images out"
            )
        return numbers
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        names = column.to_pylist()
        longest = max(names, key=len, default="")
        if len(longest) > _LONGEST_NAME:
            raise DatasetError(f"{where} has the label {longest[:20]!r}...: it is no class's name")
        return np.array(names, dtype=np.str_)
    raise DatasetError(
        f"{where} has labels of type {column.type}: accepted are whole numbers and names"
    )


def _class_names(schema: "pa.Schema") -> tuple[str, ...]:
    """Return the names that the hub's libraries have written, if they have."""
    try:
        told = json.loads((schema.metadata or {})[_HUB])
        names = told["info"]["features"][LABEL]["names"]
    except (KeyError, TypeError, ValueError):
        return ()
    return tuple(map(str, names)) if isinstance(names, list) else ()
