"""Durations of trials."""

import heapq
from collections.abc import Iterable

from study.results.run_record import RunRecord

_RECENT = 50


def duration_seconds(record: RunRecord) -> float | None:
    """Return the seconds from a trial's proposal to its end; None where one is not known."""
    if record.started_ms is None or record.ended_ms is None:
        return None
    return max(0.0, (record.ended_ms - record.started_ms) / 1000)


def work_seconds(record: RunRecord) -> float:
    """Return the seconds of all epochs of a trial, seed after seed."""
    epochs = (epoch for curve in record.replicates for epoch in curve)
    return sum(epoch.train_seconds + epoch.val_seconds for epoch in epochs)


def epochs_done(record: RunRecord) -> int:
    """Epochs that all seeds of a trial have finished."""
    return len(record.replicates[0]) if record.replicates else 0


def ended_last(records: Iterable[RunRecord]) -> list[RunRecord]:
    """Up to 50 trials of known times, which tell how long the next ones will take."""
    ended = [r for r in records if r.started_ms is not None and r.ended_ms is not None]
    return heapq.nlargest(_RECENT, ended, key=lambda record: (record.ended_ms, record.number))
