"""State of a study: what is done, what went wrong, and how long it will take."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from dashboards.elements.caption import complete, describe_trials
from dashboards.measures.pace import Pace, pace_of
from dashboards.measures.silent_trials import SilentTrial, silent_trials
from dashboards.measures.trial_times import epochs_done
from study.results.front_table import format_metric
from study.results.mlflow.loaded_study import LoadedStudy
from study.results.paired_comparison import LAYER_NAMES
from study.results.pareto import front
from study.results.run_record import RunRecord, RunState, mean_result
from study.results.stop_reasons import stop_epoch


class ReasonGroup(NamedTuple):
    """Trials that ended, or were tried again, for one reason.

    Attributes:
        what: `failed`, `stopped early` or `tried again`.
        reason: Recorded reason; of stopped trials, the epoch.
        times: Number of times; a trial can be tried again for one reason several times.
        trials: Their numbers, each once.
        text: All of it for people.
    """

    what: str
    reason: str
    times: int
    trials: tuple[int, ...]
    text: str


class ConfirmationStatus(NamedTuple):
    """State of the confirmation.

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
        number: Number of the trial.
        val_accuracy: Accuracy in [0, 1]; a maximum over trials, so biased upwards.
    """

    number: int
    val_accuracy: float


class StatusInfo(NamedTuple):
    """State of a study.

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
        reasons: Reasons why trials failed, then epochs of stops, the most frequent first.
        retried: Reasons why attempts broke off that others followed, the most frequent first.
        pace: Rate and time left.
        silent: Trials that may hang, the longest silent first.
        confirmation: State of the confirmation.
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
        study: Study as last read.
        now_ms: The clock, in milliseconds since 1970.
    """
    states = Counter(record.state for record in study.records)
    waiting = max(0, study.info.trials - len(study.records))
    silent = silent_trials(study.records, now_ms=now_ms)
    best = _best(study.records)
    pace = pace_of(study, waiting=waiting, silent=silent)
    confirmation = _confirmation(study, waiting)
    best_text = _describe_best(best)
    caption = describe_trials(study.info, study.records)
    return StatusInfo(
        title=f"Progress: {study.info.name}",
        caption=caption,
        description=" ".join((caption, pace.text, best_text, confirmation.text)),
        asked=study.info.trials,
        complete=states[RunState.COMPLETE],
        pruned=states[RunState.PRUNED],
        failed=states[RunState.FAILED],
        running=states[RunState.RUNNING],
        paused=states[RunState.PAUSED],
        waiting=waiting,
        reasons=(
            *_why_failed(study.records),
            *_where_stopped(study.records),
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


def _why_failed(records: Iterable[RunRecord]) -> tuple[ReasonGroup, ...]:
    failed = (record for record in records if record.state is RunState.FAILED)
    return _grouped("failed", ((record.reason, record.number) for record in failed))


def _where_stopped(records: Iterable[RunRecord]) -> tuple[ReasonGroup, ...]:
    """By epoch: hardly two trials have the same rank, and `stops` tells each trial's."""
    stops = ((stop_epoch(record), record.number) for record in records)
    return _grouped(
        "stopped early",
        ((f"at epoch {epoch}", number) for epoch, number in stops if epoch is not None),
    )


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


def _confirmation(study: LoadedStudy, waiting: int) -> ConfirmationStatus:
    states = Counter(run.state for run in study.confirmed)
    done, failed = states[RunState.COMPLETE], states[RunState.FAILED]
    running = states[RunState.RUNNING] + states[RunState.PAUSED]
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


def _best(records: Sequence[RunRecord]) -> BestTrial | None:
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
