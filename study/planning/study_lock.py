"""One process at a time runs a study."""

import errno
import fcntl
import json
import os
import socket
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Self

FILE = "lock"
"""The file's name within the study's folder."""

_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}

_held: set[FileIO] = set()


class StudyLockedError(ValueError):
    """Another process runs the study; the message is one sentence."""


class StudyLock:
    """Holds a study for as long as its context lasts.

    The kernel frees the lock when its holder dies, however that happens, so that a file that was
    left behind is no obstacle. What the file says is for people and for the refusal alone.

    Args:
        folder: The study's; it exists.

    Raises:
        StudyLockedError: On entering: another process holds it.
        OSError: On entering: the file cannot be written, or its file system has no locks.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file: FileIO | None = None

    def __enter__(self) -> Self:
        path = self._folder / FILE
        # Not `w`, which would empty the file of whoever holds it.
        file = path.open("a+b", buffering=0)
        try:
            self._acquire(file)
            _write_holder(file, path)
        except BaseException:
            file.close()
            raise
        self._file = file
        _held.add(file)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._file is not None:
            _held.discard(self._file)
            # Not only closed: a child that was forked a moment ago may hold the same opened file.
            fcntl.flock(self._file, fcntl.LOCK_UN)
            self._file.close()
            self._file = None

    def _acquire(self, file: FileIO) -> None:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            name = self._folder.absolute().name
            raise StudyLockedError(
                f"study {name} is being run by {_describe_holder(file)}: wait for it or end it "
                "first"
            ) from error
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
            raise OSError(
                f"{self._folder / FILE} cannot be locked: its file system has no locks; choose a "
                "folder on another one with --output"
            ) from error


def _write_holder(file: FileIO, path: Path) -> None:
    holder = {
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    try:
        file.truncate(0)
        file.write(json.dumps(holder).encode() + b"\n")
    except OSError as error:
        # A write that finds the disk full does not say where.
        raise OSError(error.errno, f"cannot write: {error.strerror}", str(path)) from error


def _describe_holder(file: FileIO) -> str:
    """In words; a holder may have locked the file and not written it yet."""
    file.seek(0)
    try:
        holder = json.loads(file.read())
        return f"process {holder['pid']} on host {holder['host']}"
    except (ValueError, KeyError, TypeError):
        return "another process"


def _close_inherited() -> None:
    """Close locks in a forked child, else they would outlive a holder that is killed.

    A program that is started by `exec` inherits none: Python opens files so.
    """
    for file in _held:
        file.close()
    _held.clear()


os.register_at_fork(after_in_child=_close_inherited)
