"""Downloads that leave either a whole data set or nothing."""

import contextlib
import io
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from http.client import HTTPException
from pathlib import Path

from pnn_core.data.dataset import DatasetError

_SILENCE_SECONDS = 30.0


def download(fetch: Callable[[Path], object], data_dir: Path, missing: str, advice: str) -> None:
    """Fetch a data set into a temporary folder and move it to `data_dir` when it is whole.

    When this fails or is interrupted, nothing of it remains, `data_dir` included if it was not
    there before.

    Args:
        fetch: Function that downloads into the folder that it is given, and verifies the files.
        data_dir: Folder that the files go to, under the same relative paths; archives stay behind.
        missing: Files that were looked for and where, for the error.
        advice: Files that the user may put and where, for the error.

    Raises:
        DatasetError: The download failed.
    """
    try:
        # In the nearest folder that exists: on the same disk as `data_dir`, so that moving is
        # renaming, and without making `data_dir` for a download that may fail.
        beside = next(path for path in (data_dir, *data_dir.absolute().parents) if path.exists())
        with tempfile.TemporaryDirectory(prefix=".download-", dir=beside) as temporary:
            with _impatient_sockets(), _no_progress_bar_in_logs():
                fetch(Path(temporary))
            _move_files(Path(temporary), data_dir)
    except (OSError, RuntimeError, ImportError, HTTPException) as error:
        # torchvision lists every mirror it tried, each with its error: the last line says it all.
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise DatasetError(
            f"{missing}, and the download failed ({lines[-1].strip()}): {advice}"
        ) from error


def _move_files(source: Path, target: Path) -> None:
    """Move all but archives; file by file, since a folder cannot be renamed onto another."""
    for path in sorted(source.rglob("*")):
        if path.is_file() and path.suffix not in (".gz", ".zip", ".tar"):
            place = target / path.relative_to(source)
            place.parent.mkdir(parents=True, exist_ok=True)
            path.replace(place)


@contextlib.contextmanager
def _impatient_sockets() -> Iterator[None]:
    """Give up on a silent server: torchvision sets no time limit and would wait for ever."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_SILENCE_SECONDS)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


@contextlib.contextmanager
def _no_progress_bar_in_logs() -> Iterator[None]:
    """Swallow standard error unless someone watches it: torchvision's bar has no switch."""
    if sys.stderr.isatty():
        yield
    else:
        with contextlib.redirect_stderr(io.StringIO()):
            yield
