"""A table is read back as it was written, and anything else is refused in one sentence."""

import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from study.recording.parquet import METADATA, read_table, write_table
from study.recording.table import LICENCE


@pytest.fixture
def path(tmp_path, make_table):
    path = tmp_path / "table.parquet"
    write_table(make_table(), path)
    return path


def rewrite(path, change=lambda rows: rows, **changed):
    """Write the file again with other rows, or other entries of its metadata."""
    rows = pq.read_table(path)
    document = json.loads(rows.schema.metadata[METADATA]) | changed
    pq.write_table(change(rows).replace_schema_metadata({METADATA: json.dumps(document)}), path)


def test_a_table_is_read_back_equal(path, make_table) -> None:
    assert read_table(path) == make_table()


def test_rows_in_another_order_are_the_same_table(path, make_table) -> None:
    rewrite(path, lambda rows: rows.take(list(reversed(range(rows.num_rows)))))
    assert read_table(path) == make_table()


def test_any_reader_finds_a_row_an_epoch_with_settings_costs_and_results(path) -> None:
    rows = pq.read_table(path).to_pylist()
    # 3 mask counts, times 3 noise levels where there is noise; 2 seeds, 4 epochs.
    assert len(rows) == (3 * 3 + 3) * 2 * 4
    last = rows[-1]
    assert (last["layer"], last["noise_level"]) == ("conv3x3", None)
    assert (last["configuration"], last["replicate"], last["seed"], last["epoch"]) == (11, 1, 23, 4)
    assert (last["learnable_params"], last["mask_values"], last["macs"]) == (1200, 12, 12000)
    assert last["train_seconds"] + last["val_seconds"] == 3.0


def test_licence_and_provenance_travel_in_the_file(path) -> None:
    document = json.loads(pq.read_schema(path).metadata[METADATA])
    assert document["provenance"]["licence"] == LICENCE
    assert document["provenance"]["command"] == "python -m study.run --space small"
    assert document["space"]["name"] == "small"


def test_a_failed_write_leaves_the_old_table(path, make_table, monkeypatch) -> None:
    def fail(*_args, **_settings):
        raise OSError("disk full")

    monkeypatch.setattr("study.recording.parquet.pyarrow.parquet.write_table", fail)
    with pytest.raises(OSError, match="disk full"):
        write_table(make_table(epochs=2), path)
    assert read_table(path) == make_table()


def test_what_is_no_parquet_file_is_refused_by_name(tmp_path) -> None:
    path = tmp_path / "table.parquet"
    path.write_text("configuration,epoch\n")
    with pytest.raises(ValueError, match=r"table\.parquet is no Parquet file"):
        read_table(path)


def test_another_parquet_file_is_no_recorded_table(tmp_path) -> None:
    path = tmp_path / "other.parquet"
    pq.write_table(pa.table({"epoch": [1]}), path)
    with pytest.raises(ValueError, match=r"other\.parquet cannot be used.*no recorded table"):
        read_table(path)


def drop(name):
    return lambda rows: rows.drop_columns([name])


def with_column(name, values):
    def change(rows):
        rows = rows.drop_columns([name]) if name in rows.schema.names else rows
        return rows.append_column(name, values(rows.num_rows))

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (drop("val_accuracy"), "column 'val_accuracy' is missing"),
        (drop("macs"), "column 'macs' is missing"),
        (
            with_column("val_loss", lambda n: pa.array(["low"] * n)),
            "'val_loss' must be double, not string",
        ),
        (
            with_column("val_loss", lambda n: pa.array([None] * n, pa.float64())),
            "column 'val_loss' must have a value in every row",
        ),
        (
            with_column("mood", lambda n: pa.array(["fine"] * n)),
            "column 'mood' is unknown",
        ),
        (
            with_column("macs", lambda n: pa.array(range(n), pa.int64())),
            "rows of configuration 0 disagree",
        ),
        (lambda rows: rows.slice(1), "configuration 0 must have 2 curves of the epochs 1 to 4"),
        (
            lambda rows: pa.concat_tables([rows, rows.slice(0, 1)]),
            "configuration 0 has epoch 1 of a seed twice",
        ),
        (lambda rows: rows.slice(0, 0), "at least one"),
    ],
)
def test_malformed_rows_are_refused_by_what_is_wrong(path, change, said) -> None:
    rewrite(path, change)
    with pytest.raises(ValueError, match=rf"table\.parquet cannot be used: .*{said}"):
        read_table(path)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"version": 2}, "its version is 2: this program reads version 1"),
        ({"space": {}}, "the space cannot be read"),
        ({"shape": {"channels": 1}}, "height"),
        ({"shape": {"channels": 0, "height": 8, "width": 8, "classes": 10}}, "channels"),
        ({"provenance": {}}, "its metadata lack 'study'"),
        ({"epochs": 10**9}, "announce 2 seeds of 1000000000 epochs, but it holds 96 rows"),
        ({"replicates": 10**9}, "announce 1000000000 seeds of 4 epochs, but it holds 96 rows"),
        ({"epochs": 10**400}, "the number 10000000... has 401 digits"),
        ({"shape": {"channels": 1, "height": 0, "width": 8, "classes": 10}}, "height"),
        ({"epochs": "many"}, "epochs .='many'. must be a whole number"),
    ],
)
def test_malformed_metadata_are_refused_by_what_is_wrong(path, changed, said) -> None:
    rewrite(path, **changed)
    with pytest.raises(ValueError, match=rf"table\.parquet cannot be used: .*{said}"):
        read_table(path)


def test_metadata_that_are_nested_too_deeply_are_refused(path) -> None:
    rows = pq.read_table(path)
    pq.write_table(rows.replace_schema_metadata({METADATA: "[" * 100_000}), path)
    with pytest.raises(ValueError, match=r"table\.parquet cannot be used: it is nested too deeply"):
        read_table(path)


def test_a_small_file_of_many_equal_rows_is_refused_unread(path, monkeypatch) -> None:
    names = pq.read_schema(path).names
    zeros = pa.array(np.zeros(1_000_000, dtype=np.int64))
    schema = pa.schema(
        [(name, pa.int64()) for name in names], metadata=pq.read_schema(path).metadata
    )
    with pq.ParquetWriter(path, schema, compression="zstd") as file:
        for _ in range(3):
            file.write_table(pa.table([zeros] * len(names), schema=schema))
    assert path.stat().st_size < 1_000_000
    monkeypatch.setattr(pq.ParquetFile, "read", lambda file: pytest.fail("it was read"))
    message = rf"it announces 3000000 rows of {len(names)} columns .*at most 50000000 values"
    with pytest.raises(ValueError, match=message):
        read_table(path)


def test_a_table_holds_all_epochs_of_all_seeds_or_is_none(make_table) -> None:
    table = make_table()
    first, *rest = table.configurations
    short = replace(first, curves=(first.curves[0], first.curves[1][:-1]))
    with pytest.raises(ValueError, match="configuration 0 must have 2 curves"):
        replace(table, configurations=(short, *rest))
