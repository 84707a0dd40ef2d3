"""What was handed over for MLflow and is not written yet."""

import threading

from pnn_core.config import EpochResult
from study.results.mlflow.run_content import ConfirmedUpdate, TrialUpdate
from study.results.run_record import RunKey, RunRecord
from study.results.timestamps import now_ms

_Event = tuple[RunRecord | EpochResult, int]
"""What happened to a trial, and when, in milliseconds since 1970."""


class Backlog:
    """Trials and confirmation runs of which something is to be written, the oldest first.

    A record's own times win over the clock. Nothing is taken out before it was written.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._events: dict[int, list[_Event]] = {}
        self._confirmed: dict[RunKey, ConfirmedUpdate] = {}
        self._started_ms: dict[int | RunKey, int] = {}

    @property
    def trials(self) -> tuple[int, ...]:
        """Numbers of the trials that wait."""
        with self._lock:
            return tuple(self._events)

    @property
    def confirmed(self) -> tuple[RunKey, ...]:
        """Which confirmation runs wait."""
        with self._lock:
            return tuple(self._confirmed)

    def add_record(self, record: RunRecord) -> None:
        """Add the newest record of a trial."""
        now = now_ms()
        own = now if record.started_ms is None else record.started_ms
        with self._lock:
            self._started_ms.setdefault(record.number, own)
            self._events.setdefault(record.number, []).append((record, now))

    def add_epoch(self, number: int, result: EpochResult) -> None:
        """Add an epoch of a trial.

        Raises:
            ValueError: No record of the trial was ever added.
        """
        with self._lock:
            if number not in self._started_ms:
                raise ValueError(f"trial {number} has not started")
            self._events.setdefault(number, []).append((result, now_ms()))

    def add_confirmed(self, run: RunRecord) -> None:
        """Add the newest state of a confirmation run, in the place of an older one."""
        now = now_ms()
        own = now if run.started_ms is None else run.started_ms
        ended_ms = now if run.ended_ms is None else run.ended_ms
        key = run.key
        with self._lock:
            started_ms = self._started_ms.setdefault(key, own)
            ended = ended_ms if run.state.is_final else None
            self._confirmed[key] = ConfirmedUpdate(run=run, started_ms=started_ms, ended_ms=ended)

    def trial(self, number: int) -> tuple[TrialUpdate, int]:
        """All that waits of a trial put together, and of how many events."""
        with self._lock:
            events = tuple(self._events[number])
            started_ms = self._started_ms[number]
        records = [(what, ms) for what, ms in events if isinstance(what, RunRecord)]
        record, ended_ms = records[-1] if records else (None, None)
        if record is not None and record.ended_ms is not None:
            ended_ms = record.ended_ms
        update = TrialUpdate(
            number=number,
            record=record,
            epochs=tuple((what, ms) for what, ms in events if isinstance(what, EpochResult)),
            started_ms=started_ms,
            ended_ms=ended_ms if record and record.state.is_final else None,
        )
        return update, len(events)

    def trial_written(self, number: int, events: int) -> None:
        """Take out a trial's oldest events."""
        with self._lock:
            del self._events[number][:events]
            if not self._events[number]:
                del self._events[number]

    def confirmed_run(self, key: RunKey) -> ConfirmedUpdate:
        """What waits of a confirmation run."""
        with self._lock:
            return self._confirmed[key]

    def confirmed_written(self, key: RunKey, update: ConfirmedUpdate) -> None:
        """Take out a confirmation run, unless there is something newer of it."""
        with self._lock:
            if self._confirmed[key] is update:
                del self._confirmed[key]
