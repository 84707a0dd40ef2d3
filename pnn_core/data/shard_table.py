"""Columns of a shard: encoded images, and the class of each."""

import json
import unicodedata
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
    from pyarrow.parquet import FileMetaData, ParquetFile

_T = TypeVar("_T")

IMAGE, LABEL = "image", "label"
_BYTES = "bytes"
"""Field of an image that is a structure, beside the path that it once had."""

_IMAGES_AT_ONCE = 64
"""Number of images that are held while a shard is read."""

_BYTES_PER_LABEL = 8

_LONGEST_NAME = 255
"""Largest number of letters of a class's name."""

_READERS = 16
"""Number of shards whose labels are read at once: each waits for its place to answer."""

_HUB = b"huggingface"
"""Key of a schema's metadata under which the hub's libraries keep the names of classes."""

_LARGEST_METADATA = 10_000_000
"""Number of bytes above which metadata are not looked at."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ShardLabels:
    """Classes of the images of a part, shard after shard.

    Attributes:
        shards: Shards, in their order.
        counts: Number of images of each shard.
        values: Label of each image, int64, [N]; an index into `names` where the shards name classes
            instead of numbering them.
        names: Names of the classes, sorted where each image has its own; as the shards tell them
            where images have numbers, empty where nothing tells.
        are_names: True if images have names.
    """

    shards: tuple[Shard, ...]
    counts: tuple[int, ...]
    values: NDArray[np.int64]
    names: tuple[str, ...]
    are_names: bool


def read_labels(place: ShardPlace, part: Part) -> ShardLabels:
    """Read the labels of a part; no image is read.

    Raises:
        DatasetError: A shard is no Parquet file with columns `image` and `label`, or there are more
            rows than memory for their labels.
    """
    return _read_labels(place, place.shards(part))


def count_images(place: ShardPlace, part: Part) -> int:
    """Count the images of a part by what its shards tell of themselves; no row is read.

    Raises:
        DatasetError: A shard is not as it must be, or has labels that stand for no class.
    """

    def count(shard: Shard) -> int:
        with opened_shard(place, shard) as file:
            _require_images(place, shard, file.schema_arrow)
            _require_known_classes(place, shard, file.metadata)
            return int(file.metadata.num_rows)

    return sum(_of_each(count, place.shards(part)))


@contextmanager
def opened_shard(
    place: ShardPlace, shard: Shard, encoded: Sequence[str] = ()
) -> "Iterator[ParquetFile]":
    """Open a shard where it lies; what the context reads of it is refused as this is.

    Args:
        place: Where it lies.
        shard: Shard to open.
        encoded: Columns of text whose values are each read once, as a dictionary.

    Raises:
        DatasetError: It is no Parquet file, is damaged, or cannot be had.
    """
    from pyarrow import ArrowException
    from pyarrow.parquet import ParquetFile

    files, root = place.open()
    try:
        with files.open_input_file(f"{root}/{shard.name}") as source:
            yield ParquetFile(source, read_dictionary=[*encoded])
    except DatasetError:
        raise
    except (OSError, ArrowException, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise DatasetError(f"{place.shown}/{shard.name} cannot be read: {reason}") from error


def encoded_images(place: ShardPlace, shard: Shard, file: "ParquetFile") -> "Iterator[pa.Array]":
    """Yield the encoded images of an open shard, an array of one after the other.

    Raises:
        DatasetError: The images are not of the types that are read, or claim too much memory.
    """
    import pyarrow as pa

    _require_small(place, shard, file.metadata)
    kind = _require_images(place, shard, file.schema_arrow)
    column = f"{IMAGE}.{_BYTES}" if pa.types.is_struct(kind) else IMAGE
    for batch in file.iter_batches(batch_size=_IMAGES_AT_ONCE, columns=[column]):
        images = batch.column(0)
        encoded = images.field(_BYTES) if pa.types.is_struct(images.type) else images
        if encoded.null_count or images.null_count:
            raise DatasetError(f"{place.shown}/{shard.name} has a row without an image")
        large = encoded.cast(pa.large_binary())
        yield from (large[row : row + 1] for row in range(len(large)))


@cache
def _read_labels(place: ShardPlace, shards: tuple[Shard, ...]) -> ShardLabels:
    def rows(shard: Shard) -> int:
        with opened_shard(place, shard) as file:
            _require_images(place, shard, file.schema_arrow)
            return int(file.metadata.num_rows)

    def read(shard: Shard) -> tuple[NDArray[np.int64], tuple[str, ...] | None, tuple[str, ...]]:
        with opened_shard(place, shard, [LABEL]) as file:
            return *_labels(place, shard, file), _hub_names(file.schema_arrow)

    claimed = sum(_of_each(rows, shards))
    if not fits_in_memory(_BYTES_PER_LABEL * claimed):
        raise DatasetError(
            f"{place.shown} claims {claimed:,} rows, whose labels take more than a quarter of the "
            "memory"
        )
    found = _of_each(read, shards)
    named = [own for _, own, _ in found if own is not None]
    if len(named) not in (0, len(found)):
        raise DatasetError(f"{place.shown} has shards with labels that are numbers and with names")
    names = tuple(sorted({name for own in named for name in own})) if named else found[0][2]
    index = {name: number for number, name in enumerate(names)}
    values = [
        v if own is None else np.array([index[name] for name in own], dtype=np.int64)[v]
        for v, own, _ in found
    ]
    return ShardLabels(
        shards=shards,
        counts=tuple(map(len, values)),
        values=np.concatenate(values),
        names=names,
        are_names=bool(named),
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
    columns = ", ".join(ascii(name)[1:-1] for name in schema.names[:10])
    raise DatasetError(
        f"{place.shown}/{shard.name} has the columns {columns}: needed are {IMAGE!r}, encoded "
        f"images as bytes, and {LABEL!r}, a whole number or a name"
    )


def _require_small(place: ShardPlace, shard: Shard, metadata: "FileMetaData") -> None:
    """Check what the images of a shard claim before memory is taken for them."""
    for number in range(metadata.num_row_groups):
        claimed = sum(
            chunk.total_uncompressed_size
            for chunk in map(metadata.row_group(number).column, range(metadata.num_columns))
            if chunk.path_in_schema.partition(".")[0] == IMAGE
        )
        if not fits_in_memory(claimed):
            raise DatasetError(
                f"{place.shown}/{shard.name} has a row group whose images take "
                f"{claimed / 1e9:,.1f} GB, more than a quarter of the memory: write it with "
                "smaller row groups"
            )


def _require_known_classes(place: ShardPlace, shard: Shard, metadata: "FileMetaData") -> None:
    """Check the smallest label, as far as a shard tells it of itself."""
    for number in range(metadata.num_row_groups):
        for chunk in map(metadata.row_group(number).column, range(metadata.num_columns)):
            told = chunk.statistics
            if chunk.path_in_schema == LABEL and told is not None and told.has_min_max:
                _require_class(place, shard, told.min)


def _require_class(place: ShardPlace, shard: Shard, smallest: object) -> None:
    if isinstance(smallest, int) and smallest < 0:
        raise DatasetError(
            f"{place.shown}/{shard.name} has the label {smallest}, which stands for an unknown "
            "class: leave such images out"
        )


def _labels(
    place: ShardPlace, shard: Shard, file: "ParquetFile"
) -> tuple[NDArray[np.int64], tuple[str, ...] | None]:
    """Return the label of each row, and the names that they stand for; None for mere numbers."""
    import pyarrow as pa

    where = f"{place.shown}/{shard.name}"
    column = file.read(columns=[LABEL]).column(0).combine_chunks()
    if column.null_count:
        raise DatasetError(f"{where} has a row without a label")
    kind = column.type
    if pa.types.is_integer(kind):
        numbers = column.to_numpy()
        if len(numbers):
            _require_class(place, shard, int(numbers.min()))
        if len(numbers) and int(numbers.max()) > np.iinfo(np.int64).max:
            raise DatasetError(f"{where} has the label {numbers.max()}: it is no class's number")
        return numbers.astype(np.int64), None
    if pa.types.is_dictionary(kind):
        value = kind.value_type
        if pa.types.is_string(value) or pa.types.is_large_string(value):
            names = tuple(map(str, column.dictionary.to_pylist()))
            for name in names:
                _require_name(where, name)
            return column.indices.to_numpy().astype(np.int64), names
    raise DatasetError(f"{where} has labels of type {kind}: accepted are whole numbers and names")


def _require_name(where: str, name: str) -> None:
    if not 0 < len(name) <= _LONGEST_NAME or not name.isprintable():
        raise DatasetError(f"{where} has the label {name[:20]!a}: it is no class's name")
    if unicodedata.normalize("NFC", name) != name:
        raise DatasetError(
            f"{where} has the label {name!a}, in another Unicode form than NFC, in which it could "
            "look like another class"
        )


def _hub_names(schema: "pa.Schema") -> tuple[str, ...]:
    """Return the names that the hub's libraries have written, if they have."""
    written = (schema.metadata or {}).get(_HUB, b"")
    if len(written) > _LARGEST_METADATA:
        return ()
    try:
        names = json.loads(written)["info"]["features"][LABEL]["names"]
    except (KeyError, TypeError, ValueError, RecursionError):
        return ()
    is_list = isinstance(names, list) and all(isinstance(name, str) for name in names)
    return tuple(names) if is_list and all(map(str.isprintable, names)) else ()
