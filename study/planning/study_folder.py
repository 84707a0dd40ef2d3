"""Folder of a study: free, begun, or in other use; there is no state between the first two.

A study has begun once `study.json` is in its folder, which is written whole and before anything
else but the lock. So a process that is killed at any moment leaves a folder in which the study can
be begun again, or one that can be resumed.
"""

import contextlib
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from pnn_core.config.checks import nearest
from study.command_line import blaming
from study.config import JOURNAL
from study.planning.study_file import FILE, StudyFile
from study.planning.study_lock import FILE as LOCK
from study.planning.study_lock import StudyLockedError, locked
from study.results.whole_file import is_part_of

CHECKPOINTS = "checkpoints"
"""Name of the folder of checkpoints that no other place was named for."""


OWN_FILES = "own"
"""Name of the folder of files of one's own that the study uses."""

STUDIES = Path("studies")
"""Folder of all studies, each in a folder of its name."""


class FolderTakenError(ValueError):
    """Another study has the folder; the message is one sentence."""


def is_free(folder: Path) -> bool:
    """Return True if a study can be begun there: nothing of any value is in it."""
    if not folder.exists():
        return True
    return folder.is_dir() and all(_is_worthless(path) for path in folder.iterdir())


def describe_lost_file(folder: Path) -> str:
    """Describe a folder that has trials and no `study.json`; empty for any other.

    The journal cannot take the file's place: it does not hold the data set, the seed, the sampler
    or the space that its trials are of.
    """
    journal = folder / JOURNAL
    if (folder / FILE).is_file() or not journal.is_file() or _is_worthless(journal):
        return ""
    return (
        f"{folder} holds trials ({JOURNAL}) and no {FILE}, which alone says how they were asked "
        f"for: bring {FILE} back to resume the study, or choose another name"
    )


@contextlib.contextmanager
def begun(output: Path, file: StudyFile, prepare: Callable[[], None]) -> Iterator[None]:
    """Begin a study in its folder, and hold it; leaves nothing behind that was not begun.

    Args:
        output: Folder of the study.
        file: Settings to write into it.
        prepare: Makes what else the study needs, and raises where it cannot.

    Raises:
        FolderTakenError: On entering: another study has been begun there meanwhile.
        BadInputError: On entering: the folder cannot be made.
        OSError: On entering: it cannot be locked or written.
    """
    made = [folder for folder in (output, *output.parents) if not folder.exists()]
    with blaming("--output", output):
        output.parent.mkdir(parents=True, exist_ok=True)
        output.mkdir(mode=0o700, exist_ok=True)  # records and pages name hosts
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(locked(output))
            _require_free(output)
            file.write(output)
            prepare()
        except FolderTakenError:
            raise
        except StudyLockedError as error:
            raise FolderTakenError(str(error)) from error
        except BaseException:
            _clear(output, made)
            raise
        yield


def study_names(root: Path = STUDIES) -> tuple[str, ...]:
    """Return the studies in a folder, the latest first."""
    files = [folder / FILE for folder in root.iterdir()] if root.is_dir() else []
    begun = [(file.stat().st_mtime, file.parent.name) for file in files if file.is_file()]
    return tuple(name for _, name in sorted(begun, reverse=True))


def nearest_study(name: str, names: Sequence[str]) -> str:
    """Suggest the study that may have been meant."""
    near = nearest(name, names)
    return f"did you mean {near}?" if near else f"{STUDIES} holds no study yet"


def _require_free(output: Path) -> None:
    if not is_free(output):
        raise FolderTakenError("exists: choose a new folder")


def _is_worthless(path: Path) -> bool:
    """Return True for what a process leaves that is killed before the study has begun."""
    if path.name == CHECKPOINTS and path.is_dir():
        return not any(inner.is_file() for inner in path.rglob("*"))
    if path.name == JOURNAL and path.is_file():
        return path.stat().st_size == 0
    return path.name == LOCK or is_part_of(path, FILE)


def _clear(output: Path, made: list[Path]) -> None:
    """Remove what is in the folder of a study that did not begin, and the folders made for it."""
    for name in (CHECKPOINTS, OWN_FILES):
        shutil.rmtree(output / name, ignore_errors=True)
    with contextlib.suppress(OSError):
        for name in (FILE, LOCK):
            (output / name).unlink(missing_ok=True)
        for folder in made:  # another study may lie beside it by now
            folder.rmdir()
