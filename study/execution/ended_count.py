"""Count in `study.json` of the runs that have ended, by which a lost storage is noticed."""

import contextlib
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from study.planning.study_file import StudyFile
from study.results.run_listener import RunListener
from study.results.run_record import RunKey, RunRecord

WRITE_SECONDS = 1.0
"""Least time between two writes while runs end: the count may lag behind, never be ahead."""


class EndedCount(RunListener):
    """Counts runs as they end, after the storage has them; written once more as it is left.

    Args:
        file: Settings of the study, as its folder has them.
        folder: Folder of the study.
        ended: Keys of the runs that ended in earlier lives.
        clock: Seconds that only ever go on.
    """

    def __init__(
        self,
        file: StudyFile,
        folder: Path,
        ended: frozenset[RunKey],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._file = file
        self._folder = folder
        self._ended = set(ended)
        self._clock = clock
        self._written = clock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # What already ends the study is what its user is to read: an older count is none too high.
        with contextlib.suppress(*() if error is None else (OSError,)):
            self._write()

    def run_ended(self, record: RunRecord) -> None:
        """Count a run.

        Raises:
            OSError: The file cannot be written.
        """
        self._ended.add(record.key)
        if self._clock() - self._written >= WRITE_SECONDS:
            self._write()

    def keep_points(self, enqueue: str | None) -> None:
        """Write which points the study was asked for, all that it ever was.

        Raises:
            OSError: The file cannot be written.
        """
        self._file = replace(self._file, enqueue=enqueue)
        self._file.write(self._folder)

    def _write(self) -> None:
        confirmations = sum(bool(key.layer) for key in self._ended)  # those that tune, too
        trials = len(self._ended) - confirmations
        counted = replace(self._file, trials_ended=trials, confirmations_ended=confirmations)
        if counted != self._file:
            counted.write(self._folder)
            self._file = counted
        self._written = self._clock()
