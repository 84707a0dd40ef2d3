"""Leftovers of a killed driver: processes of Ray's that outlive it, and its scratch folder.

The kernel ends most of Ray's processes with the driver that started them. Its agents are children
of one of them, and go on for minutes. So all of them inherit a mark that names the driver, and the
next start ends those whose driver is gone.
"""

import contextlib
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

MARK = "PNN_STUDY_DRIVER"
"""Name of the environment variable that names the driver."""

SCRATCH = "pnn-study-tune-"
"""Prefix of a scratch folder's name, in the temporary directory."""

_LOCK = "lock"
_PROCESSES = Path("/proc")


@contextlib.contextmanager
def marked() -> Iterator[None]:
    """Mark the processes that are started within the context."""
    before = os.environ.get(MARK)
    os.environ[MARK] = _identity(os.getpid())
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(MARK)
        else:
            os.environ[MARK] = before


@contextlib.contextmanager
def scratch_folder() -> Iterator[Path]:
    """Make a folder that is removed at the end; after a kill, by the next start."""
    with (
        tempfile.TemporaryDirectory(prefix=SCRATCH) as folder,
        FileLock(Path(folder, _LOCK), fallback_to_soft=False),
    ):
        yield Path(folder)


def sweep() -> None:
    """End the processes and remove the folders of drivers that are gone."""
    for pid, driver in _marked_processes():
        number = driver.partition(":")[0]
        if not number.isdigit() or _identity(int(number)) != driver:
            _end(pid)
    for lock in Path(tempfile.gettempdir()).glob(f"{SCRATCH}*/{_LOCK}"):
        held = FileLock(lock, timeout=0, fallback_to_soft=False)
        with contextlib.suppress(Timeout, OSError), held:
            shutil.rmtree(lock.parent, ignore_errors=True)


def end_own() -> None:
    """End the processes that this process has started within `marked`.

    All of them are found before the first is ended: Ray's own threads in this process abort it when
    they see one gone, and it is to end by its caller's hand.
    """
    own = _identity(os.getpid())
    found = [pid for pid, driver in _marked_processes() if driver == own and pid != os.getpid()]
    for pid in found:
        _end(pid)


def _identity(pid: int) -> str:
    """Return a process's number and start time: numbers are used again."""
    try:
        # The name in parentheses may hold anything.
        fields = (_PROCESSES / str(pid) / "stat").read_text("utf-8", "replace").rpartition(")")[2]
    except OSError:
        return f"{pid}:gone"
    return f"{pid}:{fields.split()[19]}"


def _marked_processes() -> Iterator[tuple[int, str]]:
    """Yield the processes of this user that bear a mark; none on a system without `/proc`."""
    mark = f"{MARK}=".encode()
    for file in _PROCESSES.glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):  # somebody else's, or ended meanwhile
            for variable in file.read_bytes().split(b"\0"):
                if variable.startswith(mark):
                    yield (
                        int(file.parent.name),
                        variable.removeprefix(mark).decode("ascii", "replace"),
                    )


def _end(pid: int) -> None:
    with contextlib.suppress(OSError):
        os.kill(pid, signal.SIGKILL)
