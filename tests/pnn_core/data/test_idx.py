import gzip
import tempfile
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from pnn_core.data.dataset import DatasetError
from pnn_core.data.idx import read_idx

# The example that the format's authors give: two by three bytes.
WHOLE = bytes([0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6])
ZIPPED = gzip.compress(WHOLE, mtime=0)


@pytest.mark.parametrize("suffix", ["", ".gz"])
@given(array=arrays(np.uint8, array_shapes(min_dims=1, max_dims=3)))
def test_what_was_written_is_read(write_idx, suffix, array):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"some-idx{suffix}"
        write_idx(path, array)
        assert np.array_equal(read_idx(path, array.ndim), array)


def test_a_file_spelled_out_by_hand_is_read(tmp_path):
    (tmp_path / "f").write_bytes(WHOLE)
    assert read_idx(tmp_path / "f", 2).tolist() == [[1, 2, 3], [4, 5, 6]]


@given(length=st.integers(0, len(WHOLE) - 1))
def test_a_file_cut_short_anywhere_is_named(length):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cut"
        path.write_bytes(WHOLE[:length])
        with pytest.raises(DatasetError, match=r"/cut "):
            read_idx(path, 2)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (WHOLE + b"x", "holds at least 7 values, but its header announces 2 x 3 = 6"),
        (b"\x00\x00\x08\x03" + WHOLE[4:], "starts with the bytes 00 00 08 03.* 00 00 08 02"),
        (b"\x00\x00\x0d\x02" + WHOLE[4:], "starts with the bytes 00 00 0d 02"),
        (b"<html>Not found</html>", "starts with the bytes 3c 68"),
        (b"", "starts with the bytes .none."),
        (WHOLE[:9], "ends within its header, after 9 of 12 bytes"),
    ],
)
def test_a_wrong_file_is_named_with_what_is_wrong(tmp_path, content, message):
    (tmp_path / "wrong").write_bytes(content)
    with pytest.raises(DatasetError, match=f"wrong {message}"):
        read_idx(tmp_path / "wrong", 2)


@pytest.mark.parametrize(
    "content", [WHOLE, gzip.compress(WHOLE, mtime=0)[:-9], gzip.compress(WHOLE, mtime=0)[:15]]
)
def test_a_damaged_gz_file_is_named(tmp_path, content):
    (tmp_path / "f.gz").write_bytes(content)
    with pytest.raises(DatasetError, match=r"f\.gz cannot be read"):
        read_idx(tmp_path / "f.gz", 2)


@pytest.mark.parametrize(
    ("suffix", "content"),
    [
        ("", WHOLE[:4] + b"\xff" * 8 + WHOLE[12:]),
        (".gz", gzip.compress(WHOLE[:4] + b"\xff" * 8 + WHOLE[12:], mtime=0)),
    ],
)
def test_a_header_that_promises_more_than_the_file_can_hold_costs_no_memory(
    tmp_path, suffix, content
):
    path = tmp_path / f"f{suffix}"
    path.write_bytes(content)
    message = r"holds at most \d+ values, but its header announces 4294967295 x 4294967295 = \d+$"
    with pytest.raises(DatasetError, match=message):
        read_idx(path, 2)


def test_a_file_that_does_not_fit_in_memory_is_refused_unread(tmp_path, monkeypatch):
    (tmp_path / "f").write_bytes(WHOLE)
    monkeypatch.setattr("pnn_core.data.memory.memory_bytes", lambda: 4 * 6 - 1)
    with pytest.raises(DatasetError, match=r"more than a quarter .* announces 6 bytes"):
        read_idx(tmp_path / "f", 2)


def test_no_more_is_unpacked_than_the_header_announces(tmp_path):
    path = tmp_path / "f.gz"
    path.write_bytes(gzip.compress(WHOLE + bytes(50_000_000), mtime=0))
    tracemalloc.start()
    with pytest.raises(DatasetError, match="holds at least 7 values, but its header announces"):
        read_idx(path, 2)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5_000_000
