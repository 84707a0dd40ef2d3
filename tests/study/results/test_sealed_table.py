"""A sealed table that promises too much, or was tampered with, is refused in one sentence."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from study.results.sealed_table import METADATA, VERSION, read_sealed_table


def write(path, metadata: str, record: str = "{}") -> None:
    table = pa.table({"record": [record]}).replace_schema_metadata({METADATA: metadata})
    pq.write_table(table, path)


@pytest.mark.parametrize(
    ("metadata", "record", "said"),
    [
        ("[" * 100_000, "{}", "it is nested too deeply"),
        (json.dumps({"version": VERSION}), "[" * 100_000, "it is nested too deeply"),
        (json.dumps({"version": 10**400}), "{}", "the number 10000000... has 401 digits"),
        (json.dumps({"version": VERSION}), f'{{"trial": {10**400}}}', "has 401 digits"),
    ],
)
def test_numbers_and_depths_that_no_study_writes_are_refused(tmp_path, metadata, record, said):
    path = tmp_path / "a.parquet"
    write(path, metadata, record)
    with pytest.raises(ValueError, match=rf"a\.parquet cannot be used: .*{said}"):
        read_sealed_table(path)
