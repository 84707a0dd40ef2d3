"""Queue of what was handed over for MLflow and is not written yet."""

import threading

from pnn_core.config import EpochResult
from study.results.mlflow.run_content import Files, RunUpdate
from study.results.run_record import RunKey, RunRecord
from study.results.timestamps import now_ms

_Event = tuple[RunRecord | EpochResult | Files, int]
"""Event in the life of a run, and when it happened, in milliseconds since 1970."""


class WriteQueue:
    """Runs of which something is to be written.

    A record's own times win over the clock. Nothing is taken out before it was written.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._events: dict[RunKey, list[_Event]] = {}
        self._started_ms: dict[RunKey, int] = {}

    @property
    def waiting(self) -> tuple[RunKey, ...]:
        """Keys of the runs that wait: trials, the oldest first, then what confirms them."""
        with self._lock:
            return tuple(sorted(self._events, key=lambda key: key.is_confirmation))

    def add_record(self, record: RunRecord) -> None:
        """Add the newest record of a run."""
        now = now_ms()
        own = now if record.started_ms is None else record.started_ms
        with self._lock:
            self._started_ms.setdefault(record.key, own)
            self._events.setdefault(record.key, []).append((record, now))

    def add_epoch(self, key: RunKey, result: EpochResult) -> None:
        """Add an epoch of a run.

        Raises:
            ValueError: No record of the run was ever added.
        """
        self._add(key, result)

    def add_files(self, key: RunKey, files: Files) -> None:
        """Add files of a run, of which a record was added.

        Raises:
            ValueError: No record of the run was ever added.
        """
        self._add(key, files)

    def update(self, key: RunKey) -> tuple[RunUpdate, int]:
        """Put together all that waits of a run, and tell of how many events."""
        with self._lock:
            events = tuple(self._events[key])
            started_ms = self._started_ms[key]
        records = [(what, ms) for what, ms in events if isinstance(what, RunRecord)]
        record, ended_ms = records[-1] if records else (None, None)
        if record is not None and record.ended_ms is not None:
            ended_ms = record.ended_ms
        update = RunUpdate(
            key=key,
            record=record,
            epochs=tuple((what, ms) for what, ms in events if isinstance(what, EpochResult)),
            files=next((what for what, _ in reversed(events) if isinstance(what, tuple)), ()),
            started_ms=started_ms,
            ended_ms=ended_ms if record and record.state.is_final else None,
        )
        return update, len(events)

    def _add(self, key: RunKey, what: EpochResult | Files) -> None:
        with self._lock:
            if key not in self._started_ms:
                raise ValueError(f"{key} has not started")
            self._events.setdefault(key, []).append((what, now_ms()))

    def written(self, key: RunKey, events: int) -> None:
        """Take out a run's oldest events."""
        with self._lock:
            del self._events[key][:events]
            if not self._events[key]:
                del self._events[key]
