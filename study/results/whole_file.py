"""Files that are replaced whole or not at all: the one way in which anything is written to a name.

What a user's bytes hold can be written: of a file name that is no UTF-8, an escape stands there.
"""

import contextlib
import os
from pathlib import Path
from uuid import uuid4

PART = ".part"
"""Ending of a file while it is being written."""


def write_whole(path: Path, content: str | bytes, *, private: bool = False) -> None:
    r"""Write a file in the place of an earlier one, which is intact until the new one is on disk.

    Args:
        path: Path of the file; of a link, the file that it leads to is replaced.
        content: Bytes, or a text that is written as UTF-8; what UTF-8 has no bytes for, such as
            half of a file name that is none, is written as `\udcff`, which JSON reads back.
        private: True for a file that its owner alone may read. One that is there keeps its mode.

    Raises:
        OSError: It cannot be written; the message names the file, also where a disk is full.
    """
    if isinstance(content, str):
        content = content.encode("utf-8", "backslashreplace")
    target = Path(os.path.realpath(path))
    part = target.with_name(f"{target.name}.{uuid4().hex}{PART}")
    try:
        try:
            _write(part, content, _mode(target, private=private))
            part.replace(target)
        except BaseException:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)
            raise
        _flush(target.parent)
    except OSError as error:
        # A write that finds the disk full does not say where.
        raise OSError(error.errno, f"cannot write: {error.strerror}", str(path)) from error


def is_part_of(path: Path, name: str) -> bool:
    """Return True for what a killed process left of writing a file of some name."""
    return path.name.startswith(f"{name}.") and path.name.endswith(PART)


def _write(part: Path, content: bytes, mode: int | None) -> None:
    descriptor = os.open(
        part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666 if mode is None else mode
    )
    with os.fdopen(descriptor, "wb") as file:
        if mode is not None:
            os.fchmod(descriptor, mode)
        file.write(content)
        file.flush()
        os.fsync(descriptor)


def _mode(target: Path, *, private: bool) -> int | None:
    """Return the mode of a file; None for that of the user's `umask`."""
    try:
        return target.stat().st_mode & 0o777
    except FileNotFoundError:
        return 0o600 if private else None


def _flush(folder: Path) -> None:
    """Make a new name in a folder outlast a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
