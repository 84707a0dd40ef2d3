"""Running trials that may hang: nothing was heard of them for long."""

import statistics
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from dashboards.measures.duration import describe_duration
from dashboards.measures.trial_times import (
    duration_seconds,
    ended_last,
    epochs_done,
    work_seconds,
)
from study.results.run_record import RunRecord, RunState

_PATIENCE = 10
"""Epochs' times without a word after which a trial is suspicious."""
_PATIENCE_SECONDS = 60.0
_PATIENCE_AT_FIRST_SECONDS = 600.0
"""While no epoch of any trial has ended."""


class SilentTrial(NamedTuple):
    """A running trial of which nothing was heard for longer than its epochs explain.

    Attributes:
        number: Number of the trial.
        seconds: Since its last known epoch, or since it was proposed.
        text: For people.
    """

    number: int
    seconds: float
    text: str


def silent_trials(records: Sequence[RunRecord], *, now_ms: int) -> tuple[SilentTrial, ...]:
    """Running trials that have told nothing for suspiciously long, the longest silent first.

    That is ten times what the longest epoch of the study took and what trials usually need beside
    their epochs. Epochs carry no time of day: a trial's last one is taken to have ended as long
    after its start as all its epochs took, so that a trial that lay paused counts as silent.
    """
    running = [r for r in records if r.state is RunState.RUNNING and r.started_ms is not None]
    if not running:
        return ()
    patience = _patience_seconds(records, running)
    silences = [
        ((now_ms - (record.started_ms or 0)) / 1000 - work_seconds(record), record.number)
        for record in running
    ]
    return tuple(
        SilentTrial(
            number=number,
            seconds=seconds,
            text=f"Nothing was heard of trial {number} for {describe_duration(seconds)}: it may "
            "hang, or have been paused in between.",
        )
        for seconds, number in sorted(silences, key=lambda silence: (-silence[0], silence[1]))
        if seconds > patience
    )


def _patience_seconds(records: Iterable[RunRecord], running: Iterable[RunRecord]) -> float:
    """Return the patience, from the trials that run and those that ended last."""
    longest, beside = 0.0, []
    for record in (*running, *ended_last(records)):
        work = work_seconds(record)
        longest = max(longest, work / max(1, epochs_done(record)))
        seconds = duration_seconds(record)
        if seconds is not None:
            beside.append(seconds - work)
    if not longest:
        return _PATIENCE_AT_FIRST_SECONDS
    usually_beside = max(0.0, statistics.median(beside)) if beside else 0.0
    return _PATIENCE_SECONDS + _PATIENCE * (longest + usually_beside)
