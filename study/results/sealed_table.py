"""Sealed table: the runs of one block of an experiment as a small Parquet file.

It can be committed while the experiment goes on, and read back with the other blocks at its end.
Every run is a row with the whole document of its record.
"""

import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet

from study.results.bounded_json import parse_json
from study.results.bounded_parquet import read_parquet
from study.results.mlflow.loaded_study import LoadedStudy
from study.results.mlflow.study_format import decode_study, study_params, study_tags
from study.results.record_codec import record_from_json, record_to_json
from study.results.whole_file import write_whole

METADATA = b"pnn_sealed_experiment"
"""Key under which the file's metadata hold a JSON document on the study."""

VERSION = 1
"""Version of the file format."""

NOTE = (
    "Confirmed runs of one block of a planned experiment, with test figures: to be read by "
    "dashboards.report together with all other blocks, and not before the last run has ended."
)
"""Sentence in the metadata for whoever opens the file by another program."""


def sealed_table_name(study: str) -> str:
    """Return the name of a block's file within the study's folder."""
    return f"{study}-sealed.parquet"


def write_sealed_table(path: Path, study: LoadedStudy) -> None:
    """Write a block's runs; an existing file is replaced once the new one is whole.

    Raises:
        OSError: The file cannot be written.
    """
    runs = (*study.records, *study.confirmed)
    document = {
        "version": VERSION,
        "note": NOTE,
        "name": study.info.name,
        "params": study_params(study.info),
        "tags": study_tags(study.info),
    }
    table = pa.table(
        {
            "trial": pa.array([run.trial for run in runs], pa.int32()),
            "layer": pa.array([run.layer for run in runs], pa.string()),
            "seed": pa.array([run.seed for run in runs], pa.int64()),
            "state": pa.array([run.state.value for run in runs], pa.string()),
            "record": pa.array([json.dumps(record_to_json(run)) for run in runs], pa.string()),
        }
    ).replace_schema_metadata({METADATA: json.dumps(document)})
    content = io.BytesIO()
    pyarrow.parquet.write_table(table, content, compression="zstd")
    write_whole(path, content.getvalue())


def read_sealed_table(path: Path) -> LoadedStudy:
    """Read what `write_sealed_table` wrote; what may be shown of it is for `seal` to say.

    Raises:
        ValueError: It is no such file, or cannot be read; one sentence that names it.
    """
    try:
        table = read_parquet(path, lambda metadata, _rows: _require_document(metadata))
        document = _require_document(table.schema.metadata)
        runs = [record_from_json(parse_json(text)) for text in table["record"].to_pylist()]
        return LoadedStudy(
            info=decode_study(document["name"], document["params"], document["tags"]),
            records=tuple(run for run in runs if not run.key.is_confirmation),
            confirmed=tuple(run for run in runs if run.key.is_confirmation),
            undecodable=(),
        )
    except KeyError as error:
        raise ValueError(f"{path} cannot be used: it lacks {error}") from error
    except (OSError, ValueError, TypeError, pa.ArrowException) as error:
        raise ValueError(f"{path} cannot be used: {error}") from error


def _require_document(metadata: dict[bytes, bytes]) -> dict[str, Any]:
    if METADATA not in metadata:
        raise ValueError(f"its metadata have no {METADATA.decode()!r}: it is no sealed table")
    document: dict[str, Any] = parse_json(metadata[METADATA].decode())
    if document["version"] != VERSION:
        raise ValueError(
            f"its version is {document['version']!r}: this program reads version {VERSION}"
        )
    return document
