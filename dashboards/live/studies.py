"""Studies kept up to date in the background, so that no page waits for the tracker."""

import math
import threading
import time
from dataclasses import dataclass
from typing import NamedTuple

from study.results.mlflow.live_reader import FollowedStudy, StudyFeed
from study.results.mlflow.overview import StudyOverview
from study.results.mlflow.store import MlflowStore
from study.results.precision_recall import PrecisionRecall, decode_precision_recall
from study.results.run_record import RunRecord
from study.results.weight_files import picture_files, precision_recall_file

POLL_SECONDS = 3.0
"""Time between two readings of a study that somebody looks at."""

FORGET_SECONDS = 600.0
"""Seconds that a study is kept without a reader: one of ten thousand trials takes 300 MB."""

MOST_KEPT = 64
"""Number of studies that are kept at once, also of names that the tracker does not have."""

_IDLE_SECONDS = 30.0
"""Time without a reader after which the tracker is left in peace."""


class StudyState(NamedTuple):
    """State of a study at one moment.

    Attributes:
        followed: Study as last read; None before the first reading is whole.
        runs_read: Number of runs of the first reading, so far.
        error: Reason why the last attempt failed; empty where it did not.
        version: Grows with every change of the rest. It begins with the time, so that a study that
            was forgotten, or is read by a server begun anew, is not taken for what a page shows.
    """

    followed: FollowedStudy | None = None
    runs_read: int = 0
    error: str = ""
    version: int = 0


class StudyNames(NamedTuple):
    """Studies that the tracker holds.

    Attributes:
        names: The latest first; None before the tracker has answered.
        error: Reason why the last attempt failed; empty where it did not.
    """

    names: tuple[str, ...] | None = None
    error: str = ""


class Overviews(NamedTuple):
    """All studies in a line each.

    Attributes:
        studies: The latest first; None before the tracker has answered.
        error: Reason why the last attempt failed; empty where it did not.
    """

    studies: tuple[StudyOverview, ...] | None = None
    error: str = ""


@dataclass
class _Kept:
    feed: StudyFeed
    state: StudyState
    wanted_at: float


def _unread() -> StudyState:
    return StudyState(version=time.time_ns())


class Studies:
    """The studies of one tracker.

    Args:
        store: The tracker.
    """

    def __init__(self, store: MlflowStore) -> None:
        self.store = store
        self._names = StudyNames()
        self._overviews = Overviews()
        self._overviews_wanted_at = -math.inf
        self._kept: dict[str, _Kept] = {}
        self._curves: dict[tuple[str, int, int | None], tuple[PrecisionRecall, ...]] = {}
        self._lock = threading.Lock()
        self._wanted = threading.Event()
        self._asked_at = time.monotonic()

    def start(self) -> None:
        """Begin to read, in a thread that ends with the process."""
        threading.Thread(target=self._run, name="reads studies", daemon=True).start()

    def names(self) -> StudyNames:
        """Return the names as last read."""
        now = time.monotonic()
        was_idle = now - self._asked_at >= _IDLE_SECONDS
        self._asked_at = now
        if was_idle:  # not at each tick of a page, or no time would pass between two readings
            self._wanted.set()
        return self._names

    def overviews(self) -> Overviews:
        """Return all studies as last read; from now on they are kept up to date."""
        now = time.monotonic()
        was_idle = now - self._overviews_wanted_at >= _IDLE_SECONDS
        self._asked_at = self._overviews_wanted_at = now
        if was_idle:
            self._wanted.set()
        return self._overviews

    def state(self, name: str) -> StudyState:
        """Return a study as last read; from now on it is kept up to date."""
        self._asked_at = now = time.monotonic()
        with self._lock:
            kept = self._kept.get(name)
            is_read = kept is not None and now - kept.wanted_at < _IDLE_SECONDS
            if kept is None:
                if len(self._kept) >= MOST_KEPT:
                    del self._kept[min(self._kept, key=lambda each: self._kept[each].wanted_at)]
                kept = self._kept[name] = _Kept(self._feed(name), _unread(), now)
            kept.wanted_at = now
        if not is_read:
            self._wanted.set()
        return kept.state

    def curves(self, name: str, record: RunRecord) -> tuple[PrecisionRecall, ...] | None:
        """Return the precision-recall curves of a trial's detector; None where none were kept.

        The tracker is asked until it has them.

        Args:
            name: Name of the study.
            record: The trial.
        """
        if not picture_files(record):
            return None
        place = (name, record.number, record.ended_ms)
        if place not in self._curves:
            try:
                file = precision_recall_file(record.key)
                content = self.store.fetch_file(name, record.key, file)
                if content is None:
                    return None
                found = decode_precision_recall(content)
            except (OSError, ValueError):
                return None  # the panel says that there are none
            if len(self._curves) >= MOST_KEPT:
                self._curves.clear()
            self._curves[place] = found
        return self._curves[place]

    def poll(self) -> None:
        """Read everything once that somebody looks at."""
        try:
            self._names = StudyNames(self.store.study_names())
        except (OSError, ValueError) as error:
            self._names = StudyNames(self._names.names, str(error))
        now = time.monotonic()
        if now - self._overviews_wanted_at < _IDLE_SECONDS:
            self._read_overviews()
        with self._lock:
            wanted = [
                (name, kept)
                for name, kept in self._kept.items()
                if now - kept.wanted_at < _IDLE_SECONDS
            ]
        for name, kept in wanted:
            self._read(name, kept)

    def forget(self) -> None:
        """Let go of the studies that nobody has looked at for long."""
        now = time.monotonic()
        with self._lock:
            self._kept = {
                name: kept
                for name, kept in self._kept.items()
                if now - kept.wanted_at < FORGET_SECONDS
            }

    def _run(self) -> None:
        while True:
            # Before reading: a study that is first asked for in the meantime has its turn next.
            self._wanted.clear()
            began = time.monotonic()
            self.forget()
            if began - self._asked_at < _IDLE_SECONDS:
                self.poll()
            # A study that takes long to read is read less often.
            took = time.monotonic() - began
            self._wanted.wait(max(POLL_SECONDS, took))

    def _read_overviews(self) -> None:
        try:
            self._overviews = Overviews(self.store.overviews())
        except (OSError, ValueError) as error:
            self._overviews = Overviews(self._overviews.studies, str(error))

    def _read(self, name: str, kept: _Kept) -> None:
        followed, error = kept.state.followed, ""
        try:
            followed = kept.feed.read()
        except (OSError, ValueError) as failure:
            error = str(failure)
        if (followed, error) != (kept.state.followed, kept.state.error):
            self._note(name, followed=followed, error=error)

    def _feed(self, name: str) -> StudyFeed:
        return self.store.follow_study(name, lambda runs: self._note_progress(name, runs))

    def _note_progress(self, name: str, runs_read: int) -> None:
        """Note the first reading's progress: later ones change nothing before they are whole."""
        kept = self._kept.get(name)
        if kept is not None and kept.state.followed is None:
            self._note(name, runs_read=runs_read)

    def _note(self, name: str, **changes: object) -> None:
        with self._lock:
            kept = self._kept.get(name)
            if kept is not None:
                version = kept.state.version + 1
                kept.state = kept.state._replace(version=version, **changes)  # type: ignore[arg-type]
