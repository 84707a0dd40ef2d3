"""wandb without an account, apart from that of whoever runs the tests, and its files read back."""

import os
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from wandb.proto.wandb_internal_pb2 import Record

ReadRecords = Callable[[Path], list[Record]]

_HEADER, _BLOCK, _BEFORE = 7, 32768, struct.Struct("<IHB")
_FULL, _LAST = 1, 4


@pytest.fixture(autouse=True)
def own_wandb(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("WANDB_")]:
        monkeypatch.delenv(name)
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("NETRC", str(home / "netrc"))
    for name in ("CONFIG", "CACHE", "DATA"):
        monkeypatch.setenv(f"WANDB_{name}_DIR", str(home))
    monkeypatch.setenv("WANDB_MODE", "offline")


@pytest.fixture
def wandb_records() -> ReadRecords:
    """Read a run's file: wandb has no reader of it in Python, but the records' schema.

    The file is a LevelDB log after a header of 7 bytes: blocks of 32 KiB, in which each piece of a
    record has its checksum, length and kind before it.
    """

    def pieces(content: bytes) -> Iterator[tuple[int, bytes]]:
        at = _HEADER
        while at < len(content):
            if _BLOCK - at % _BLOCK < _BEFORE.size:
                at += _BLOCK - at % _BLOCK
                continue
            _, length, kind = _BEFORE.unpack_from(content, at)
            at += _BEFORE.size
            yield kind, content[at : at + length]
            at += length

    def read(file: Path) -> list[Record]:
        records, parts = [], b""
        for kind, piece in pieces(file.read_bytes()):
            parts += piece
            if kind in (_FULL, _LAST):
                records.append(Record.FromString(parts))
                parts = b""
        return records

    return read
