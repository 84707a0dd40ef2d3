"""A small disk of its own for a study's folder, which can be filled and made read-only."""

import contextlib
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

SIZE = "32m"
BUSY_SECONDS = 10.0
CHUNK = b"\0" * 65536


class Disk:
    """A mounted tmpfs.

    Args:
        folder: Where it is mounted.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._filler = folder / "filler"
        self._covered = False

    def fill(self) -> None:
        """Leave not a byte."""
        with self._filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(CHUNK)

    def free(self) -> None:
        """Give the space back."""
        self._filler.unlink(missing_ok=True)

    def make_read_only(self) -> None:
        """Have every file that is opened from now on refuse to be written.

        A second mount on top, because the first one cannot be made read-only while a file on it is
        open for writing.
        """
        _mount("--bind", str(self.folder), str(self.folder))
        self._covered = True
        deadline = time.monotonic() + BUSY_SECONDS
        while True:
            try:
                return _mount("-o", "remount,bind,ro", str(self.folder))
            except subprocess.CalledProcessError:
                # A file on the second one was opened for writing meanwhile.
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)

    def make_writable(self) -> None:
        """Undo `make_read_only`."""
        if self._covered:
            _unmount(self.folder)
            self._covered = False


@contextlib.contextmanager
def mounted(folder: Path) -> Iterator[Disk | None]:
    """A disk for as long as the context lasts; None where this process may not mount."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        _mount("-t", "tmpfs", "-o", f"size={SIZE}", "pnn-faults", str(folder))
    except subprocess.CalledProcessError:
        yield None
        return
    try:
        yield Disk(folder)
    finally:
        _unmount(folder)


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True, capture_output=True, timeout=30)


def _unmount(folder: Path) -> None:
    # Lazily: a process of the round that still has a file open there must not keep it.
    subprocess.run(["umount", "--lazy", str(folder)], check=True, timeout=30)
