"""Optuna's journal file, with several changes to an append."""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any

from optuna.storages.journal import JournalFileBackend, JournalFileSymlinkLock


class StudyJournal(JournalFileBackend):
    """Journal that can hold changes back for a moment and write them with one wait for the disk.

    Each append of Optuna's own takes the file's lock and waits until the disk has the change, eight
    times a trial. What is written together stays in order: a crash may leave the first of it.

    Args:
        path: Path of the file.
    """

    def __init__(self, path: str) -> None:
        self._own_lock = _ReentrantLock(path)
        super().__init__(path, lock_obj=self._own_lock)
        self._held: list[dict[str, Any]] | None = None
        self._read = 0
        self._first: int | None = None

    @contextmanager
    def together(self) -> Iterator[None]:
        """Write whatever is changed within the block at its end, also if it is left by an error.

        Nobody else writes meanwhile, so that changes keep the numbers under which they were read.
        """
        if self._held is not None:
            raise RuntimeError("changes are being held back already")
        self._own_lock.acquire()
        try:
            self._held, self._read, self._first = [], 0, None
            try:
                yield
            finally:
                held, self._held = self._held, None
                if held:
                    self.append_logs(held)
                    self._learn_places()
        finally:
            self._own_lock.release()

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Write changes, or hold them back."""
        if self._held is None:
            super().append_logs(logs)
        else:
            self._held += logs

    def read_logs(self, log_number_from: int) -> Generator[dict[str, Any], None, None]:
        """Yield the changes from a number on; what is held back counts as written."""
        if self._held is None:
            yield from super().read_logs(log_number_from)
            return
        if self._first is None:
            in_file = [*super().read_logs(log_number_from)]
            self._first = log_number_from + len(in_file)
            yield from in_file
        while self._read < len(self._held):
            self._read += 1
            yield self._held[self._read - 1]

    def _learn_places(self) -> None:
        """Have Optuna's own class see the new lines: it looks for others from there on."""
        if self._first is not None:
            for _ in super().read_logs(self._first):
                pass


class _ReentrantLock(JournalFileSymlinkLock):
    """Optuna's lock, which its holder may take again; for one thread."""

    _depth = 0

    def acquire(self) -> bool:
        if self._depth == 0:
            super().acquire()
        self._depth += 1
        return True

    def release(self) -> None:
        self._depth -= 1
        if self._depth == 0:
            super().release()
