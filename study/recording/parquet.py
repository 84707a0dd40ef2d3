"""Recorded tables as Parquet files, with schema, provenance and licence in its own metadata."""

import io
import json
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet

from pnn_core.config import DatasetShape
from search_spaces.space_json import space_from_json, space_to_json
from study.recording.columns import from_arrow, to_arrow
from study.recording.table import Provenance, RecordedTable
from study.results.bounded_json import parse_json
from study.results.bounded_parquet import read_parquet
from study.results.whole_file import write_whole

METADATA = b"pnn_bench"
"""Key under which the file's metadata hold a JSON document on the table."""

VERSION = 1
"""Version of the file format."""


def write_table(table: RecordedTable, path: Path) -> None:
    """Write a table; an existing file is replaced once the new one is whole.

    Raises:
        OSError: The file cannot be written.
    """
    document = {
        "version": VERSION,
        "space": space_to_json(table.space),
        "dataset": table.dataset,
        "shape": table.shape.document(),
        "epochs": table.epochs,
        "replicates": table.replicates,
        "provenance": asdict(table.provenance),
    }
    rows = to_arrow(table.configurations).replace_schema_metadata({METADATA: json.dumps(document)})
    content = io.BytesIO()
    pyarrow.parquet.write_table(rows, content, compression="zstd")
    write_whole(path, content.getvalue())


def read_table(path: Path) -> RecordedTable:
    """Read what `write_table` wrote.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is no recorded table, or a malformed one; one sentence that names the file.
    """
    try:
        rows = read_parquet(path, _require_rows)
        document = _document(rows.schema.metadata)
        return RecordedTable(
            space=space_from_json(document["space"]),
            dataset=document["dataset"],
            shape=DatasetShape(**document["shape"]),
            epochs=document["epochs"],
            replicates=document["replicates"],
            provenance=_provenance(document["provenance"]),
            configurations=from_arrow(rows.replace_schema_metadata()),
        )
    except pa.ArrowInvalid as error:
        raise ValueError(f"{path} is no Parquet file: {error}") from error
    except KeyError as error:
        raise ValueError(f"{path} cannot be used: its metadata lack {error}") from error
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path} cannot be used: {error}") from error


def _require_rows(metadata: dict[bytes, bytes], rows: int) -> None:
    """Refuse metadata that announce more than the rows hold."""
    document = _document(metadata)
    curve, curves = document["epochs"], document["replicates"]
    if isinstance(curve, int) and isinstance(curves, int) and 0 < rows < curve * curves:
        raise ValueError(
            f"its metadata announce {curves} seeds of {curve} epochs, but it holds {rows} rows"
        )


def _document(metadata: dict[bytes, bytes]) -> dict[str, Any]:
    if METADATA not in metadata:
        raise ValueError(f"its metadata have no {METADATA.decode()!r}: it is no recorded table")
    document = parse_json(metadata[METADATA].decode())
    version = document.get("version") if isinstance(document, dict) else None
    if version != VERSION:
        raise ValueError(f"its version is {version!r}: this program reads version {VERSION}")
    return dict(document)


def _provenance(document: dict[str, Any]) -> Provenance:
    known = {field.name: document[field.name] for field in fields(Provenance)}
    return Provenance(**known | {"recorded": tuple(known["recorded"])})
