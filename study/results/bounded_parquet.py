"""Parquet files from others, judged before they are read by what they say of themselves.

A few kilobytes can hold a billion equal rows.
"""

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet

MOST_VALUES = 50_000_000
"""Number of values, rows times columns, that are read: some gigabytes as Python's objects."""

_MOST_BYTES = 1 << 30
"""Number of bytes of all columns, uncompressed."""


def read_parquet(path: Path, check: Callable[[dict[bytes, bytes], int], object]) -> pa.Table:
    """Read a table once its metadata show that it is one of ours and fits in memory.

    Args:
        path: File.
        check: Function that refuses, by a ValueError, metadata of the schema and a number of rows.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is no Parquet file, is refused by `check`, or is too large.
    """
    with path.open("rb") as stream, pyarrow.parquet.ParquetFile(stream) as file:
        found = file.metadata
        check(file.schema_arrow.metadata or {}, found.num_rows)
        size = sum(found.row_group(i).total_byte_size for i in range(found.num_row_groups))
        values = found.num_rows * found.num_columns
        if values > MOST_VALUES or size > _MOST_BYTES:
            raise ValueError(
                f"it announces {found.num_rows} rows of {found.num_columns} columns and {size} "
                f"bytes: at most {MOST_VALUES} values and {_MOST_BYTES} bytes are read"
            )
        return file.read()
