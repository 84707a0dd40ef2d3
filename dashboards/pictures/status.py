"""Where a study stands: what is done, what went wrong, and how long it will take."""

import heapq
import math
import shlex
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from dashboards.pictures.caption import complete, describe_trials
from dashboards.pictures.hypervolume import describe_duration
from study.results.comparison import LAYER_NAMES
from study.results.counted import counted
from study.results.front_table import format_metric
from study.results.mlflow.loaded_study import LoadedStudy
from study.results.pareto import front
from study.results.record import TrialRecord, TrialState, mean_result

_RECENT = 50
"""Ended trials that tell how long the next ones will take."""
_PATIENCE = 10
"""Epochs' times without a word after which a trial is suspicious."""
_PATIENCE_SECONDS = 60.0
_PATIENCE_AT_FIRST_SECONDS = 600.0
"""While no epoch of any trial has ended."""


class ReasonGroup(NamedTuple):
    """Trials that ended, or were tried again, for one reason.

    Attributes:
        what: `failed`, `pruned` or `tried again`.
        reason: As recorded.
        times: How often; a trial can be tried again for one reason several times.
        trials: Their numbers, each once.
        text: All of it for people.
    """

    what: str
    reason: str
    times: int
    trials: tuple[int, ...]
    text: str


class SilentTrial(NamedTuple):
    """A running trial of which nothing was heard for longer than its epochs explain.

    Attributes:
        number: Of the trial.
        seconds: Since its last known epoch, or since it was proposed.
        text: For people.
    """

    number: int
    seconds: float
    text: str


class Pace(NamedTuple):
    """How fast a study goes.

    Attributes:
        per_second: Trials that end in a second; None when it cannot be said.
        seconds_left: Until all trials have ended; None when it cannot be said, or when they have.
        text: For people, whatever can be said.
    """

    per_second: float | None
    seconds_left: float | None
    text: str


class ConfirmationStatus(NamedTuple):
    """Where the confirmation stands.

    Attributes:
        planned: Runs in all; None before the search has ended, as the front is not known before.
        complete: Runs with a result.
        failed: Runs that ended without one.
        running: Runs that train, or wait to go on.
        text: For people.
    """

    planned: int | None
    complete: int
    failed: int
    running: int
    text: str


class BestTrial(NamedTuple):
    """The complete trial of the largest final validation accuracy.

    Attributes:
        number: Of the trial.
        val_accuracy: In [0, 1]; a maximum over trials, so biased upwards.
    """

    number: int
    val_accuracy: float


class StatusInfo(NamedTuple):
    """Where a study stands.

    Attributes:
        title: Whose status it is.
        caption: Data set, trials by state and budget.
        description: All of it in a few sentences.
        asked: Trials that the study is to have.
        complete: Trials that ran their full budget.
        pruned: Trials stopped early.
        failed: Trials that ended without their full budget.
        running: Trials that train, or have been proposed to.
        paused: Trials that go on when the study is resumed.
        waiting: Trials not proposed yet.
        reasons: Why trials failed, then why they were pruned, the most frequent first.
        retried: Why attempts broke off that were followed by another, the most frequent first.
        pace: Rate and time left.
        silent: Trials that may hang, the longest silent first.
        confirmation: Where it stands.
        best: None while there is none.
        best_text: For people.
        unreadable: Runs in the tracker that could not be read, as sentences.
    """

    title: str
    caption: str
    description: str
    asked: int
    complete: int
    pruned: int
    failed: int
    running: int
    paused: int
    waiting: int
    reasons: tuple[ReasonGroup, ...]
    retried: tuple[ReasonGroup, ...]
    pace: Pace
    silent: tuple[SilentTrial, ...]
    confirmation: ConfirmationStatus
    best: BestTrial | None
    best_text: str
    unreadable: tuple[str, ...]


def get_status_info(study: LoadedStudy, *, now_ms: int) -> StatusInfo:
    """Collect where a study stands.

    Args:
        study: As last read.
        now_ms: The clock, in milliseconds since 1970.
    """
    states = Counter(record.state for record in study.records)
    waiting = max(0, study.info.trials - len(study.records))
    silent = silent_trials(study.records, now_ms=now_ms)
    best = _best(study.records)
    pace = _pace(study, waiting, silent)
    confirmation = _confirmation(study, waiting)
    best_text = _describe_best(best)
    caption = describe_trials(study.info, study.records)
    return StatusInfo(
        title=f"Progress: {study.info.name}",
        caption=caption,
        description=" ".join((caption, pace.text, best_text, confirmation.text)),
        asked=study.info.trials,
        complete=states[TrialState.COMPLETE],
        pruned=states[TrialState.PRUNED],
        failed=states[TrialState.FAILED],
        running=states[TrialState.RUNNING],
        paused=states[TrialState.PAUSED],
        waiting=waiting,
        reasons=tuple(
            group
            for state in (TrialState.FAILED, TrialState.PRUNED)
            for group in _grouped(
                str(state), ((r.reason, r.number) for r in study.records if r.state is state)
            )
        ),
        retried=_grouped(
            "tried again", ((reason, r.number) for r in study.records for reason in r.retried)
        ),
        pace=pace,
        silent=silent,
        confirmation=confirmation,
        best=best,
        best_text=best_text,
        unreadable=tuple(f"Run {run.run_id}: {run.reason}." for run in study.undecodable),
    )


def silent_trials(records: Sequence[TrialRecord], *, now_ms: int) -> tuple[SilentTrial, ...]:
    """Running trials that have told nothing for suspiciously long, the longest silent first.

    That is ten times what the longest epoch of the study took and what trials usually need beside
    their epochs. Epochs carry no time of day: a trial's last one is taken to have ended as long
    after its start as all its epochs took, so that a trial that lay paused counts as silent.
    """
    running = [r for r in records if r.state is TrialState.RUNNING and r.started_ms is not None]
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


def duration_seconds(record: TrialRecord) -> float | None:
    """From the proposal of a trial to its end; None where one of them is not known."""
    if record.started_ms is None or record.ended_ms is None:
        return None
    return max(0.0, (record.ended_ms - record.started_ms) / 1000)


def epochs_done(record: TrialRecord) -> int:
    """Epochs that all seeds of a trial have finished."""
    return len(record.replicates[0]) if record.replicates else 0


def work_seconds(record: TrialRecord) -> float:
    """What the epochs of a trial took, seed after seed."""
    epochs = (epoch for curve in record.replicates for epoch in curve)
    return sum(epoch.train_seconds + epoch.val_seconds for epoch in epochs)


def _patience_seconds(records: Iterable[TrialRecord], running: Iterable[TrialRecord]) -> float:
    """From the trials that run and those that ended last."""
    longest, beside = 0.0, []
    for record in (*running, *_ended_last(records)):
        work = work_seconds(record)
        longest = max(longest, work / max(1, epochs_done(record)))
        seconds = duration_seconds(record)
        if seconds is not None:
            beside.append(seconds - work)
    if not longest:
        return _PATIENCE_AT_FIRST_SECONDS
    usually_beside = max(0.0, statistics.median(beside)) if beside else 0.0
    return _PATIENCE_SECONDS + _PATIENCE * (longest + usually_beside)


def _ended_last(records: Iterable[TrialRecord]) -> list[TrialRecord]:
    """Trials of known times."""
    ended = [r for r in records if r.started_ms is not None and r.ended_ms is not None]
    return heapq.nlargest(_RECENT, ended, key=lambda record: (record.ended_ms, record.number))


def _grouped(what: str, found: Iterable[tuple[str, int]]) -> tuple[ReasonGroup, ...]:
    trials: defaultdict[str, list[int]] = defaultdict(list)
    for reason, number in found:
        trials[reason].append(number)
    groups = []
    for reason, numbers in trials.items():
        unique = tuple(dict.fromkeys(numbers))
        why = reason or "no reason recorded"
        shown = ", ".join(map(str, unique[:10])) + (", …" if len(unique) > 10 else "")
        noun = "trial" if len(unique) == 1 else "trials"
        text = f"{len(numbers)} {what}: {why} ({noun} {shown})"
        groups.append(ReasonGroup(what, reason, len(numbers), unique, text))
    return tuple(sorted(groups, key=lambda group: (-group.times, group.trials)))


def _pace(study: LoadedStudy, waiting: int, silent: Sequence[SilentTrial]) -> Pace:
    """From how long trials took, and how many run at present."""
    running = [r for r in study.records if r.state is TrialState.RUNNING]
    paused = [r for r in study.records if r.state is TrialState.PAUSED]
    if not (running or paused or waiting):
        return Pace(None, None, f"All {counted(len(study.records), 'trial')} have ended.")
    resume = f"python -m study.run --resume --name {shlex.quote(study.info.name)}"
    if not running:
        left = len(paused) + waiting
        return Pace(None, None, f"No trial is running and {left} are left. To go on: {resume}")
    if len(silent) == len(running):
        since = describe_duration(silent[-1].seconds)
        return Pace(
            None,
            None,
            f"Nothing was heard for {since}. Where the study has died, go on by: {resume}",
        )
    took = _expected_seconds(study.records)
    if not took:
        return Pace(None, None, "The time left cannot be said before a trial has ended.")
    left_of = (1 - min(1, epochs_done(r) / study.info.epochs) for r in (*running, *paused))
    per_second = (len(running) - len(silent)) / took
    seconds_left = (waiting + sum(left_of)) / per_second
    return Pace(
        per_second,
        seconds_left,
        f"About {describe_duration(seconds_left)} left at {_describe_rate(per_second)}.",
    )


def _expected_seconds(records: Iterable[TrialRecord]) -> float | None:
    """How long a trial takes, from those that ended last; those that lay paused count nothing."""
    durations = map(duration_seconds, _ended_last(records))
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


def _confirmation(study: LoadedStudy, waiting: int) -> ConfirmationStatus:
    states = Counter(run.state for run in study.confirmed)
    done, failed = states[TrialState.COMPLETE], states[TrialState.FAILED]
    running = states[TrialState.RUNNING] + states[TrialState.PAUSED]
    if not study.info.confirm and not study.confirmed:
        text = "No confirmation was asked for: the test set is not read (--confirm)."
        return ConfirmationStatus(0, done, failed, running, text)
    planned = None
    if not waiting and all(record.state.is_final for record in study.records):
        on_front = len(front(study.records, study.info.objectives))
        # A study that was extended also has runs of trials that the new front has not.
        planned = max(on_front * len(LAYER_NAMES) * study.info.confirm, len(study.confirmed))
    runs = f"{done} of {planned}" if planned is not None else f"{done}"
    parts = [f"{runs} confirmation runs complete"]
    parts += [f"{failed} failed"] if failed else []
    parts += [f"{running} running or paused"] if running else []
    later = "" if planned is not None else "; how many there will be depends on the final front"
    return ConfirmationStatus(planned, done, failed, running, f"{', '.join(parts)}{later}.")


def _best(records: Sequence[TrialRecord]) -> BestTrial | None:
    accuracies = [
        BestTrial(record.number, mean_result([c[-1] for c in record.replicates]).val_accuracy)
        for record in complete(records)
        if epochs_done(record)
    ]
    finite = [best for best in accuracies if math.isfinite(best.val_accuracy)]
    return max(finite, key=lambda best: (best.val_accuracy, -best.number), default=None)


def _describe_best(best: BestTrial | None) -> str:
    if best is None:
        return "No trial has completed its full budget yet."
    accuracy = format_metric("val_accuracy", best.val_accuracy)
    return (
        f"Best validation accuracy so far: {accuracy}, of trial {best.number}; the largest of many "
        "flatters."
    )
