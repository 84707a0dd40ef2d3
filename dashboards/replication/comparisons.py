"""Comparisons of confirmed networks, in words and as tables."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from dashboards.elements.caption import short_budget
from dashboards.elements.theme import capitalised
from dashboards.replication.markup import Cell, Line, Table, cell, unbroken
from pnn_core.architecture.matched_size import SIZE_TOLERANCE
from pnn_core.config import Task
from study.results.comparison_words import (
    cautions,
    describe_collapses,
    describe_trials,
    describe_verdict,
    describe_with_trial,
)
from study.results.front_table import format_parameter
from study.results.layer_result import LayerResult, describe_missing
from study.results.mlflow.loaded_study import LoadedStudy
from study.results.objective import OBJECTIVES
from study.results.paired_comparison import (
    Comparison,
    Standing,
    added_seeds,
    compare,
    fixed_results,
)
from study.results.planned_experiment import arm_of
from study.results.plural import counted
from study.results.statistics.confidence_intervals import (
    CONFIDENCE,
    Estimate,
    format_percent,
    format_points,
    percent,
    signed,
)
from study.results.statistics.verdicts import Verdict
from study.results.tuning_point import TuningPoint

_PUBLISHED_HEADER = ("Points lost if moved", "Published protocol (%)")
_SETTINGS = ("network", "mask_count", "fan_out", "noise_level", "batch_size", "optimizer")


class ComparisonsInfo(NamedTuple):
    """Paired comparisons of one study, as plain texts.

    Attributes:
        intro: Sentence that says how they were made.
        trials: Sentences on each trial: what its layer adds, and of that the noise.
        table: All comparisons, planned ones first; None without any.
        cautions: Sentences on what weakens all of them.
        sentences: Sentences on each comparison with what weakens it alone.
        tally: Counts of verdicts.
    """

    intro: str
    trials: tuple[str, ...]
    table: Table | None
    cautions: tuple[str, ...]
    sentences: tuple[str, ...]
    tally: str


def get_comparisons_info(study: LoadedStudy) -> ComparisonsInfo:
    """Say what the confirmed runs allow to say about the noise."""
    comparisons = compare(study)
    if not comparisons:
        nothing = "no control was confirmed beside a perturbation network, so nothing is compared"
        return ComparisonsInfo(
            intro=f"{nothing.capitalize()}.",
            trials=(),
            table=None,
            cautions=(),
            sentences=(),
            tally=nothing,
        )
    return ComparisonsInfo(
        intro=(
            f"Points of test {study.info.task.label}, the mean over n seeds of a paired "
            f"difference, with its {CONFIDENCE:.0%} t interval."
        ),
        trials=tuple(map(_with_unbroken_n, describe_trials(comparisons))),
        table=_comparisons_table(study, comparisons),
        cautions=cautions(comparisons),
        sentences=tuple(_with_unbroken_n(describe_with_trial(c)) for c in comparisons),
        tally=_tally(comparisons),
    )


def _with_unbroken_n(text: str) -> str:
    return text.replace("n = ", unbroken("n = "))


def _tally(comparisons: Sequence[Comparison]) -> str:
    verdicts = Counter(comparison.verdict for comparison in comparisons)
    parts = [f"{verdicts[verdict]} {verdict}" for verdict in Verdict if verdicts[verdict]]
    if verdicts[None]:
        parts.append(f"{verdicts[None]} without a verdict")
    return f"{counted(len(comparisons), 'comparison')} ({', '.join(parts)})"


def _comparisons_table(study: LoadedStudy, comparisons: Sequence[Comparison]) -> Table:
    is_published = study.info.task.counts_images
    return Table(
        title=f"Differences and verdicts: {study.info.name}",
        caption=(
            f"{short_budget(study)}. {capitalised(study.info.task.label)} of the first minus that "
            "of the second, in points, "
            "positive where the first is better; verdicts for seeds that do not collapse. "
            f"{_tally(comparisons).capitalize()}."
        ),
        header=(
            "First against second",
            "Verdict",
            "Mean [interval]",
            *(("For other images as well",) if is_published else ()),
            "Without collapses",
            *(("Lost more if moved",) if is_published else ()),
            "Every seed",
        ),
        rows=tuple(_comparison_row(c, is_published=is_published) for c in comparisons),
    )


def _comparison_row(comparison: Comparison, *, is_published: bool) -> tuple[Cell, ...]:
    first, second = comparison.names
    trial = comparison.first.trial
    of = f"trial {trial}, " if comparison.standing is Standing.CONTROL else ""
    p = comparison.decision.adjusted_p
    adjusted = "" if comparison.standing is Standing.FIRST else ", adjusted"
    ours, theirs = comparison.first.test_accuracies, comparison.second.test_accuracies
    each = [signed(100 * (ours[s] - theirs[s]), 1) for s in sorted(ours.keys() & theirs.keys())]
    matters = "" if comparison.matters is None else f"{100 * comparison.matters:g} would matter"
    return (
        (Line(f"{first} against {second}", f"{of}{comparison.standing}"),),
        (Line(describe_verdict(comparison), "" if p is None else f"p = {p:.2g}{adjusted}"),),
        _points(comparison.difference, matters),
        *((_interval(comparison.over_images),) if is_published else ()),
        _without_collapses(comparison),
        *((_points(comparison.moved_more, absent="not recorded"),) if is_published else ()),
        (Line("", ", ".join(each) or "none"),),
    )


def _without_collapses(comparison: Comparison) -> Cell:
    collapsed = describe_collapses((comparison.first, comparison.second))
    if comparison.without_collapses == comparison.difference:
        return (Line("the same", f"failed: {collapsed}" if collapsed else ""),)
    return _points(comparison.without_collapses, f"collapsed: {collapsed}")


def _interval(estimate: Estimate | None) -> Cell:
    if estimate is None or estimate.interval is None:
        return cell("not recorded")
    low, high = (signed(100 * end, 1) for end in estimate.interval)
    return cell(unbroken(f"[{low}, {high}]"))


def _points(estimate: Estimate | None, note: str = "", absent: str = "no result") -> Cell:
    if estimate is None:
        return (Line(absent, note),)
    notes = ", ".join(filter(None, (f"n = {estimate.n}", note)))
    return (Line(unbroken(format_points(estimate)), notes),)


def get_confirmed_table(study: LoadedStudy) -> Table:
    """Every trial of the front and its controls, cell by cell."""
    task = study.info.task
    size = OBJECTIVES[task.size].label
    return Table(
        title=f"Confirmed runs: {study.info.name}",
        caption=(
            f"{short_budget(study)}. Means over seeds, [{CONFIDENCE:.0%} t interval]; size "
            f"differences above {SIZE_TOLERANCE:.0%} have a star."
            f"{_describe_added(study)}"
        ),
        header=(
            "Trial, layer",
            "Settings",
            *dict.fromkeys((capitalised(size), "Learnable parameters")),
            f"Test {task.label} (%)",
            "Every seed (%)",
            "n",
            "Collapsed",
            *(_PUBLISHED_HEADER if task.counts_images else ()),
            "Seeds without a result",
        ),
        rows=tuple(_row(result, _name(study, result), task) for result in fixed_results(study)),
    )


def _name(study: LoadedStudy, result: LayerResult) -> str:
    """Name of the arm in an experiment, of the layer with its tuned settings elsewhere."""
    arms = {record.number: arm_of(record) for record in study.records}
    if study.info.experiment is None:
        return result.name
    return arms.get(result.trial) or result.name


def _row(result: LayerResult, name: str, task: Task) -> tuple[Cell, ...]:
    settings = ", ".join(
        f"{name} {format_parameter(result.parameters[name])}"
        for name in _SETTINGS
        if name in result.parameters
    )
    accuracy = result.test_accuracy
    return (
        cell(unbroken(f"{result.trial}, {name}")),
        (Line("", settings), *map(_tuning_line, result.tuning)),
        _size(result),
        *(() if task.size == "learnable_params" else (cell(_all_params(result)),)),
        _percent(accuracy),
        cell(", ".join(f"{100 * value:.2f}" for value in result.test_accuracies.values()) or "–"),
        cell("0" if accuracy is None else str(accuracy.n)),
        cell(f"{result.collapses} of {result.ended}"),
        *(_published(result) if task.counts_images else ()),
        cell(describe_missing(result.missing) or "none"),
    )


def _published(result: LayerResult) -> tuple[Cell, Cell]:
    return (
        _points(result.moved_drop, absent="not recorded"),
        _percent(result.published_test_accuracy),
    )


def _tuning_line(point: TuningPoint) -> Line:
    settings = ", ".join(f"{name} {format_parameter(v)}" for name, v in point.settings.items())
    result = (
        f"{percent(point.val_accuracy)}% on validation images" if point.is_complete else "failed"
    )
    return Line("", f"tried {settings}: {result}")


def _describe_added(study: LoadedStudy) -> str:
    added = added_seeds(study)
    return f" {counted(added, 'seed')} added later, exploratory, not in it." if added else ""


def _all_params(result: LayerResult) -> str:
    return "unknown" if result.learnable_params is None else f"{result.learnable_params:,}"


def _size(result: LayerResult) -> Cell:
    size = result.matched_params
    if size is None:
        return cell("unknown")
    difference = result.size_difference
    if difference == 0:
        return cell(f"{size:,}")
    mark = " *" if abs(difference) > SIZE_TOLERANCE else ""
    note = f"{signed(100 * difference, 1)}% against the trial{mark}"
    return (Line(f"{size:,}", note),)


def _percent(estimate: Estimate | None) -> Cell:
    return cell("no result" if estimate is None else unbroken(format_percent(estimate)))
