"""A few trials of a study, epoch by epoch: which ones, their means over seeds, and their spread."""

import math
import statistics
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from dashboards.elements.caption import describe_states
from dashboards.elements.complete_trials import complete_trials
from dashboards.elements.picture import Cell
from dashboards.elements.quantity import Quantity, searched_settings
from dashboards.elements.theme import escape
from dashboards.elements.trial_hover import reason_lines
from pnn_core.config import EpochResult
from study.results.mlflow.loaded_study import LoadedStudy
from study.results.plural import counted
from study.results.run_record import RunRecord, RunState

_MOST_SETTINGS = 12  # that fit beside a pointer

_NOT_FINITE = "No epoch of these trials has a finite value."

MEASURED_WHILE_TRAINING = (
    "Training loss is the mean over an epoch's steps: measured while the weights change, with "
    "dropout and with random crops and flips where the training run has them."
)


class TrialCurve(NamedTuple):
    """One trial, epoch by epoch.

    Attributes:
        number: Number of the trial.
        state: State of the trial.
        seeds: Over which the mean is taken.
        final_accuracy: Its last validation accuracy in [0, 1], the mean over seeds.
        rank: By that accuracy among the curves of the picture, from 0 for the highest.
        hover: Settings that tell it from the others, as lines of escaped HTML.
        epochs: Counted from 1; those in which a seed has no finite value are left out.
        mean: Over the seeds.
        low: Lower end of the band: the lower of two seeds, or the mean minus the sample standard
            deviation of three and more. Empty for one seed.
        high: Upper end.
    """

    number: int
    state: RunState
    seeds: int
    final_accuracy: float
    rank: int
    hover: str
    epochs: tuple[int, ...]
    mean: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


class TrialCurves(NamedTuple):
    """The curves of a picture.

    Attributes:
        curves: Each with an epoch at least, the highest last validation accuracy first.
        sentences: Sentences on which trials they are, what is left out and what bands are.
        description: Number of curves and where they end, for those who do not see them.
        instead: Sentence for readers where there are none; empty otherwise.
    """

    curves: tuple[TrialCurve, ...]
    sentences: tuple[str, ...]
    description: str
    instead: str


def get_trial_curves(
    study: LoadedStudy,
    value: Callable[[EpochResult], float],
    *,
    selected: frozenset[int] | None,
    limit: int,
) -> TrialCurves:
    """Collect the curves of a picture.

    Args:
        study: Study as read from the tracker.
        value: Value of one epoch of one seed.
        selected: Numbers of trials, in any state; None for those of the front and those that run.
        limit: Curves at most. Of more trials some are kept, evenly by the rank of their last
            validation accuracy, the first and the last among them.
    """
    wanted = _wanted(study, selected)
    begun = [record for record in wanted if record.replicates and record.replicates[0]]
    kept, curves = _kept_curves(begun, value, limit)
    if not curves:
        instead = _NOT_FINITE if kept else _say_instead(study, selected)
        return TrialCurves((), sentences=(), description="Nothing is drawn yet.", instead=instead)
    unbegun = (len(wanted) if selected is None else len(selected)) - len(begun)
    epochs = sum(len(record.replicates[0]) for record in kept)
    sentences = [
        _which(curves, left_out=len(begun) - len(kept), chosen=selected is not None),
        *_left_out(unbegun, epochs - sum(len(curve.epochs) for curve in curves)),
        _describe_bands(curves),
    ]
    return TrialCurves(
        curves=curves,
        sentences=tuple(filter(None, sentences)),
        description=_describe_ends(curves),
        instead="",
    )


def get_stopped_curves(
    study: LoadedStudy, value: Callable[[EpochResult], float], *, limit: int
) -> tuple[TrialCurve, ...]:
    """The curves of trials that were stopped early, as far as they go.

    Args:
        study: Study as read from the tracker.
        value: Value of one epoch of one seed.
        limit: Curves at most. Of more trials some are kept, as `get_trial_curves` keeps them.
    """
    stopped = [r for r in study.records if r.state is RunState.PRUNED and any(r.replicates)]
    return _kept_curves(stopped, value, limit)[1]


def curve_columns(curves: Sequence[TrialCurve], name: str) -> dict[str, list[Cell]]:
    """Return what is drawn, an epoch of a trial in each row.

    Args:
        curves: All of them.
        name: Name of their values.
    """
    columns: dict[str, list[Cell]] = {
        column: [] for column in ("trial", "state", "seeds", "epoch", name, "low", "high")
    }
    for curve in curves:
        length = len(curve.epochs)
        none: tuple[float | None, ...] = (None,) * length
        columns["trial"] += [curve.number] * length
        columns["state"] += [str(curve.state)] * length
        columns["seeds"] += [curve.seeds] * length
        columns["epoch"] += curve.epochs
        columns[name] += curve.mean
        columns["low"] += curve.low or none
        columns["high"] += curve.high or none
    return columns


def _wanted(study: LoadedStudy, selected: frozenset[int] | None) -> list[RunRecord]:
    if selected is not None:
        return [record for record in study.records if record.number in selected]
    on_front = frozenset(complete_trials(study).front)
    return [
        record
        for record in study.records
        if record.number in on_front or record.state is RunState.RUNNING
    ]


def _kept_curves(
    records: Iterable[RunRecord], value: Callable[[EpochResult], float], limit: int
) -> tuple[list[RunRecord], tuple[TrialCurve, ...]]:
    """Trials that are kept, by rank, and the curves of those with a finite value."""
    ranked = sorted(records, key=_order)
    kept = [ranked[i] for i in _spread(len(ranked), limit)]
    settings = searched_settings(kept)
    found = (_curve(record, value, rank, settings) for rank, record in enumerate(kept))
    return kept, tuple(curve for curve in found if curve.epochs)


def _curve(
    record: RunRecord,
    value: Callable[[EpochResult], float],
    rank: int,
    settings: Sequence[Quantity],
) -> TrialCurve:
    epochs, means, lows, highs = [], [], [], []
    for results in zip(*record.replicates, strict=True):
        values = [value(result) for result in results]
        if all(map(math.isfinite, values)):
            mean, low, high = _mean_and_band(values)
            epochs.append(results[0].epoch)
            means.append(mean)
            lows.append(low)
            highs.append(high)
    seeds = len(record.replicates)
    return TrialCurve(
        number=record.number,
        state=record.state,
        seeds=seeds,
        final_accuracy=_final_accuracy(record),
        rank=rank,
        hover=_hover(record, settings),
        epochs=tuple(epochs),
        mean=tuple(means),
        low=tuple(lows) if seeds > 1 else (),
        high=tuple(highs) if seeds > 1 else (),
    )


def _mean_and_band(values: Sequence[float]) -> tuple[float, float, float]:
    mean = statistics.fmean(values)
    if len(values) < 3:
        # Two values have no spread worth a formula.
        return mean, min(values), max(values)
    deviation = statistics.stdev(values, mean)
    return mean, mean - deviation, mean + deviation


def _final_accuracy(record: RunRecord) -> float:
    return statistics.fmean(curve[-1].merit for curve in record.replicates)


def _order(record: RunRecord) -> tuple[float, int]:
    accuracy = _final_accuracy(record)
    return (-accuracy if math.isfinite(accuracy) else math.inf, record.number)


def _spread(count: int, limit: int) -> list[int]:
    """Indices, evenly spread, the first and the last among them."""
    if count <= limit:
        return list(range(count))
    return [round(i * (count - 1) / max(limit - 1, 1)) for i in range(limit)]


def _which(curves: Sequence[TrialCurve], *, left_out: int, chosen: bool) -> str:
    counts = describe_states(curve.state for curve in curves)
    source = "selected" if chosen else "of the front or running"
    sentence = f"Drawn: {counted(len(curves), 'trial')} {source} ({counts})."
    if left_out:
        sentence = (
            f"{sentence[:-1]}, evenly spread by rank from the best to the worst that they were "
            f"last on validation images; {left_out} left out."
        )
    return sentence


def _left_out(unbegun: int, epochs: int) -> list[str]:
    sentences = []
    if unbegun:
        sentences.append(f"{counted(unbegun, 'trial')} without an epoch not drawn.")
    if epochs:
        sentences.append(f"{counted(epochs, 'epoch')} without finite values not drawn.")
    return sentences


def _describe_bands(curves: Iterable[TrialCurve]) -> str:
    """Explain the bands, and what they do not say."""
    seeds = {curve.seeds for curve in curves}
    sentences = []
    if 1 in seeds:
        sentences.append("One seed has no band: another seed's curve may lie elsewhere.")
    if 2 in seeds:
        sentences.append("Lines are means of 2 seeds, bands reach from the lower to the higher.")
    if more := sorted(seeds - {1, 2}):
        numbers = " or ".join(map(str, more))
        sentences.append(
            f"Lines are means of {numbers} seeds, bands ±1 sample standard deviation, which is no "
            "confidence interval."
        )
    return " ".join(sentences)


def _describe_ends(curves: Sequence[TrialCurve]) -> str:
    least = min(curves, key=lambda curve: curve.mean[-1])
    most = max(curves, key=lambda curve: curve.mean[-1])
    return (
        f"{counted(len(curves), 'curve')}; the last values lie between {least.mean[-1]:.4f} "
        f"(trial {least.number}) and {most.mean[-1]:.4f} (trial {most.number})."
    )


def _say_instead(study: LoadedStudy, selected: frozenset[int] | None) -> str:
    if selected is not None and not selected:
        return "No trial is selected: choose trials to see their curves."
    if selected is not None:
        return "No selected trial has finished an epoch yet."
    if any(record.replicates for record in study.records):
        return "No trial is on the front or runs: choose trials to see their curves."
    return "No trial has finished an epoch yet: its curve appears once it has."


def _hover(record: RunRecord, settings: Sequence[Quantity]) -> str:
    lines = [f"<b>trial {record.number}</b>"]
    if record.state is not RunState.COMPLETE:
        lines[0] += f" ({record.state.words})"
    lines += reason_lines(record.reason)
    shown = [(quantity.name, quantity.format(quantity.of(record))) for quantity in settings]
    lines += [f"{escape(name)}: {escape(value)}" for name, value in shown[:_MOST_SETTINGS]]
    return "<br>".join(lines)
