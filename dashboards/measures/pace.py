"""Pace of a study, and its time left."""

import shlex
import statistics
from collections.abc import Iterable, Sequence

from dashboards.measures.duration import describe_duration
from dashboards.measures.silent_trials import SilentTrial
from dashboards.measures.trial_times import duration_seconds, ended_last, epochs_done
from study.results.mlflow.loaded_study import LoadedStudy
from study.results.plural import counted
from study.results.run_record import RunRecord, RunState


def describe_pace(study: LoadedStudy, *, waiting: int, silent: Sequence[SilentTrial]) -> str:
    """Tell the time left from how long trials took, and how many run at present.

    Args:
        study: Study as last read.
        waiting: Trials not proposed yet.
        silent: Those of its running trials that may hang, the longest silent first.
    """
    running = [r for r in study.records if r.state is RunState.RUNNING]
    paused = [r for r in study.records if r.state is RunState.PAUSED]
    if not (running or paused or waiting):
        ended = len(study.records)
        return f"All {counted(ended, 'trial')} have ended." if ended > 1 else "Its trial has ended."
    resume = f"python -m study.run --resume --name {shlex.quote(study.info.name)}"
    if not running:
        left = len(paused) + waiting
        are = "is" if left == 1 else "are"
        return f"No trial is running and {left} {are} left. To go on: {resume}"
    if len(silent) == len(running):
        since = describe_duration(silent[-1].seconds)
        return f"Nothing was heard for {since}. Where the study has died, go on by: {resume}"
    took = _expected_seconds(study.records)
    if not took:
        return "The time left cannot be said before a trial has ended."
    left_of = (1 - min(1, epochs_done(r) / study.info.epochs) for r in (*running, *paused))
    per_second = (len(running) - len(silent)) / took
    seconds_left = (waiting + sum(left_of)) / per_second
    return f"About {describe_duration(seconds_left)} left at {_describe_rate(per_second)}."


def _expected_seconds(records: Iterable[RunRecord]) -> float | None:
    """Seconds that a trial takes, from those that ended last; paused ones count nothing."""
    durations = map(duration_seconds, ended_last(records))
    recent = [seconds for seconds in durations if seconds is not None]
    if not recent:
        return None
    usual = statistics.median(recent)
    return statistics.fmean(s for s in recent if s <= 10 * usual)


def _describe_rate(per_second: float) -> str:
    units = ((1, "second"), (60, "minute"), (3600, "hour"), (86400, "day"))
    size, unit = next((unit for unit in units if per_second * unit[0] >= 1), units[-1])
    count = per_second * size
    text = f"{count:.2g}" if count < 9.95 else f"{count:.0f}"
    return f"{text} trial{'' if text == '1' else 's'} {'an' if unit == 'hour' else 'a'} {unit}"
