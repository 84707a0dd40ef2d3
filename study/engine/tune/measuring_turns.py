"""Turns of a machine's workers, so that one times its network while the others hold still."""

import contextlib
import fcntl
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path


class MeasuringTurns:
    """Locks that all workers of a user on a machine share whose studies time networks.

    A worker that trains holds the room in common with others and looks after each step if somebody
    waits at the gate. Who measures takes the gate, waits until the room is empty, and has it alone.
    The system lets go of the locks of a process that dies. Other programs on the machine, other
    users' workers and those of studies that time nothing are not held up.

    Args:
        folder: Folder of the lock files; None for the machine's temporary one.
    """

    def __init__(self, folder: Path | None = None) -> None:
        place = folder or Path(tempfile.gettempdir())
        self._gate = _open(place / f"pnn-study-{os.getuid()}.gate")
        self._room = _open(place / f"pnn-study-{os.getuid()}.room")

    @contextlib.contextmanager
    def training(self) -> Iterator[None]:
        """Train within the context, in common with others."""
        self._enter()
        try:
            yield
        finally:
            fcntl.flock(self._room, fcntl.LOCK_UN)

    def hold_still(self) -> None:
        """Leave the room while somebody measures; to be called between steps."""
        fcntl.flock(self._room, fcntl.LOCK_UN)
        self._enter()

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Have the machine without the other workers within the context."""
        fcntl.flock(self._gate, fcntl.LOCK_EX)
        try:
            fcntl.flock(self._room, fcntl.LOCK_EX)
            yield
        finally:
            fcntl.flock(self._room, fcntl.LOCK_UN)
            fcntl.flock(self._gate, fcntl.LOCK_UN)

    def __del__(self) -> None:
        for descriptor in (self._gate, self._room):
            os.close(descriptor)

    def _enter(self) -> None:
        fcntl.flock(self._gate, fcntl.LOCK_SH)
        fcntl.flock(self._room, fcntl.LOCK_SH)
        fcntl.flock(self._gate, fcntl.LOCK_UN)


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
