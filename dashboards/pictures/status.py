"""State of a study: what is done, what went wrong, and how long it will take."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from dashboards.elements.caption import complete, describe_trials
from dashboards.elements.picture import PictureInfo
from dashboards.measures.pace import describe_pace
from dashboards.measures.silent_trials import SilentTrial, silent_trials
from dashboards.measures.trial_times import epochs_done
from study.results.confirmed_trials import planned_confirmations
from study.results.mlflow.loaded_study import LoadedStudy
from study.results.run_record import RunRecord, RunState, mean_result
from study.results.seal import describe_sealed
from study.results.stop_reasons import stop_epoch


@dataclass(frozen=True, kw_only=True)
class StatusInfo(PictureInfo):
    """State of a study.

    Attributes:
        asked: Trials that the study is to have.
        complete: Trials that ran their full budget.
        pruned: Trials stopped early.
        failed: Trials that ended without their full budget.
        running: Trials that train, or have been proposed to.
        paused: Trials that go on when the study is resumed.
        waiting: Trials not proposed yet.
        reasons: Reasons why trials failed, then epochs of stops, the most frequent first, each with
            its trials.
        retried: Reasons why attempts broke off that others followed, the most frequent first.
        fallbacks: Sentences on what a fast path was left out for, the most frequent first.
        pace: Rate and time left, in words.
        silent: Trials that may hang, the longest silent first.
        confirmation: State of the confirmation.
        best: Complete trial of the largest final validation accuracy, which is biased upwards.
        unreadable: Runs in the tracker that could not be read, as sentences.
    """

    asked: int
    complete: int
    pruned: int
    failed: int
    running: int
    paused: int
    waiting: int
    reasons: tuple[str, ...]
    retried: tuple[str, ...]
    fallbacks: tuple[str, ...]
    pace: str
    silent: tuple[SilentTrial, ...]
    confirmation: str
    best: str
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
    best = _describe_best(study.records)
    pace = describe_pace(study, waiting=waiting, silent=silent)
    confirmation = _confirmation(study, waiting)
    caption = describe_trials(study.info, study.records)
    return StatusInfo(
        title=f"Progress: {study.info.name}",
        common=(caption,),
        description=" ".join((caption, pace, best, confirmation)),
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
        fallbacks=_grouped(
            "took the slower path",
            ((reason, r.number) for r in study.records for reason in r.fallbacks),
        ),
        pace=pace,
        silent=silent,
        confirmation=confirmation,
        best=best,
        unreadable=tuple(f"Run {run.run_id}: {run.reason}." for run in study.undecodable),
    )


def _why_failed(records: Iterable[RunRecord]) -> tuple[str, ...]:
    failed = (record for record in records if record.state is RunState.FAILED)
    return _grouped("failed", ((record.reason, record.number) for record in failed))


def _where_stopped(records: Iterable[RunRecord]) -> tuple[str, ...]:
    """By epoch: hardly two trials have the same rank, and `stops` tells each trial's."""
    stops = ((stop_epoch(record), record.number) for record in records)
    return _grouped(
        "stopped early",
        ((f"at epoch {epoch}", number) for epoch, number in stops if epoch is not None),
    )


def _grouped(what: str, found: Iterable[tuple[str, int]]) -> tuple[str, ...]:
    """Describe each reason with the number of times and its trials, the most frequent first."""
    trials: defaultdict[str, list[int]] = defaultdict(list)
    for reason, number in found:
        trials[reason].append(number)
    texts = []
    groups = [
        (reason, len(numbers), tuple(dict.fromkeys(numbers))) for reason, numbers in trials.items()
    ]
    for reason, times, unique in sorted(groups, key=lambda group: (-group[1], group[2])):
        why = reason or "no reason recorded"
        shown = ", ".join(map(str, unique[:10])) + (", …" if len(unique) > 10 else "")
        noun = "trial" if len(unique) == 1 else "trials"
        texts.append(f"{times} {what}: {why} ({noun} {shown})")
    return tuple(texts)


def _confirmation(study: LoadedStudy, waiting: int) -> str:
    states = Counter(run.state for run in study.confirmed)
    done, failed = states[RunState.COMPLETE], states[RunState.FAILED]
    running = states[RunState.RUNNING] + states[RunState.PAUSED]
    if not study.info.confirm and not study.confirmed:
        return "No confirmation was asked for: the test set is not read (--confirm)."
    if study.info.experiment is not None and not study.confirmed:
        return describe_sealed(study.info)
    planned = None
    if not waiting and all(record.state.is_final for record in study.records):
        # A study that was extended also has runs of trials that the new front has not.
        planned = max(planned_confirmations(study.info, study.records), len(study.confirmed))
    runs = f"{done} of {planned}" if planned is not None else f"{done}"
    parts = [f"{runs} confirmation runs complete"]
    parts += [f"{failed} failed"] if failed else []
    parts += [f"{running} running or paused"] if running else []
    later = "" if planned is not None else "; how many there will be depends on the final front"
    return f"{', '.join(parts)}{later}."


def _describe_best(records: Sequence[RunRecord]) -> str:
    means = (
        (mean_result([curve[-1] for curve in record.replicates]).merit, -record.number)
        for record in complete(records)
        if epochs_done(record)
    )
    best = max((pair for pair in means if math.isfinite(pair[0])), default=None)
    if best is None:
        return "No trial has completed its full budget yet."
    return (
        f"Best validation {records[0].task.label} so far: {best[0]:.4f}, of trial "
        f"{-best[1]}; the largest of many flatters."
    )
