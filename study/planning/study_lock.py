"""Lock of a study's folder: one process at a time runs a study."""

import contextlib
import errno
import json
import os
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from study.results.bounded_json import parse_json

FILE = "lock"
"""Name of the file within the study's folder."""

_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}


class StudyLockedError(ValueError):
    """Another process runs the study; the message is one sentence."""


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a study for as long as the context lasts.

    The kernel frees the lock when its holder dies, however that happens, so that a file that was
    left behind is no obstacle. What the file says is for people and for the refusal alone.

    Args:
        folder: Folder of the study; it exists.

    Raises:
        StudyLockedError: On entering: another process holds it.
        OSError: On entering: the file cannot be written, or its file system has no locks.
    """
    path = folder / FILE
    lock = FileLock(path, timeout=0, mode=0o600, fallback_to_soft=False, on_acquired=_write_holder)
    try:
        lock.acquire()
    except Timeout as error:
        name = folder.absolute().name
        raise StudyLockedError(
            f"study {name} is being run by {_describe_holder(path)}: wait for it or end it first"
        ) from error
    except OSError as error:
        if error.errno in _NO_LOCKS:
            raise OSError(
                f"{path} cannot be locked: its file system has no locks; choose a folder on "
                "another one with --output"
            ) from error
        # A write that finds the disk full does not say where.
        raise OSError(error.errno, f"cannot write: {error.strerror}", str(path)) from error
    try:
        yield
    finally:
        lock.release()


def _write_holder(descriptor: int) -> None:
    """Write who holds the lock into its file, which the library neither reads nor empties."""
    holder = {
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    os.ftruncate(descriptor, 0)
    os.write(descriptor, json.dumps(holder).encode() + b"\n")


def _describe_holder(path: Path) -> str:
    """Name the holder; it may have locked the file and not written it yet."""
    try:
        holder = parse_json(path.read_text(encoding="utf-8"))
        return f"process {holder['pid']} on host {holder['host']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"
