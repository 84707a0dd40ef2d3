"""Paired comparisons of confirmed runs, as a table: within studies and between them."""

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from dashboards.elements.picture import Columns, PictureInfo
from dashboards.elements.several_studies import named, what_differs
from dashboards.measures.welch import welch_difference
from pnn_core.architecture.matched_size import SIZE_TOLERANCE
from study.results.confirming_command import confirming_command
from study.results.mlflow.loaded_study import LoadedStudy
from study.results.paired_comparison import (
    LAYER_NAMES,
    PERTURBATION,
    Comparison,
    LayerResult,
    Verdict,
    cautions,
    compare_with_controls,
    describe_missing,
    describe_with_trial,
    format_size,
    layer_results,
)
from study.results.plural import counted
from study.results.statistics.confidence_intervals import (
    CONFIDENCE,
    Estimate,
    format_points,
    paired_difference,
)

_CONTROL_VERDICTS = {Verdict.ADDS: "noise adds accuracy", Verdict.COSTS: "noise costs accuracy"}


class PairedRow(NamedTuple):
    """One difference of test accuracies.

    Attributes:
        first: Name of the first side.
        second: With what.
        difference: Mean of the first minus mean of the second, a fraction; None without a result.
        low: Lower end of the 95% interval; None where there is none.
        high: Upper end.
        n: Seeds of the first that count.
        n_second: Seeds of the second that count.
        is_paired: True if the difference was taken seed by seed.
        size_difference: Learnable parameters of the second over those of the first, minus 1; None
            while unknown.
        verdict: Conclusion that the interval allows.
        sentence: All of it, with what weakens it.
    """

    first: str
    second: str
    difference: float | None
    low: float | None
    high: float | None
    n: int
    n_second: int
    is_paired: bool
    size_difference: float | None
    verdict: str
    sentence: str


@dataclass(frozen=True, kw_only=True)
class PairedInfo(PictureInfo):
    """Words and data of the table.

    Attributes:
        rows: Controls of each study first, then studies against each other.
    """

    rows: tuple[PairedRow, ...]


def get_paired_info(studies: Sequence[LoadedStudy]) -> PairedInfo:
    """Compare confirmed runs within each study, and of each two studies that allow it."""
    comparisons = [compare_with_controls(study.records, study.confirmed) for study in studies]
    within = [
        _control_row(study, comparison)
        for study, own in zip(studies, comparisons, strict=True)
        for comparison in own
    ]
    between = [
        row
        for first, second in itertools.combinations(studies, 2)
        if not what_differs(second.info, first.info)
        for row in _study_rows(first, second)
    ]
    rows = (*within, *between)
    everything = [comparison for own in comparisons for comparison in own]
    return PairedInfo(
        title=f"Test accuracy of confirmed runs, compared: {named(studies)}",
        caption=_caption(studies, everything, rows, len(between)),
        description=f"A table of {counted(len(rows), 'difference')} with intervals.",
        rows=rows,
        instead="" if rows else _instead(studies),
    )


def get_paired_columns(info: PairedInfo) -> Columns:
    """The table, a column for each field of its rows."""
    return {name: [getattr(row, name) for row in info.rows] for name in PairedRow._fields}


def _control_row(study: LoadedStudy, comparison: Comparison) -> PairedRow:
    noise, control = comparison.perturbation, comparison.control
    n = comparison.difference.n if comparison.difference else 0
    trial = f"{study.info.name}, trial {noise.trial}"
    return _row(
        (f"{trial}: {LAYER_NAMES[PERTURBATION]}", f"{trial}: {_layer_name(control)}"),
        comparison.difference,
        (n, n),
        is_paired=True,
        size_difference=comparison.size_difference,
        verdict=_CONTROL_VERDICTS.get(comparison.verdict, str(comparison.verdict)),
        sentence=f"{study.info.name}: {describe_with_trial(comparison)}",
    )


def _study_rows(first: LoadedStudy, second: LoadedStudy) -> list[PairedRow]:
    """Perturbation networks of two fronts that are nearest to each other in size, by size."""
    ours, theirs = _confirmed_front(first), _confirmed_front(second)
    rows = []
    for one in ours:
        other = _nearest(one, theirs)
        if other is not None and _nearest(other, ours) is one:
            rows.append(_study_row(first.info.name, one, second.info.name, other))
    return rows


def _confirmed_front(study: LoadedStudy) -> list[LayerResult]:
    found = [
        result
        for result in layer_results(study.confirmed)
        if result.layer == PERTURBATION and result.learnable_params and result.test_accuracies
    ]
    return sorted(found, key=_size)


def _size(result: LayerResult) -> int:
    return result.learnable_params or 0


def _nearest(result: LayerResult, others: Iterable[LayerResult]) -> LayerResult | None:
    """By the ratio of sizes; the smaller of two that are as near."""
    return min(others, key=lambda other: abs(math.log(_size(other) / _size(result))), default=None)


def _study_row(name: str, first: LayerResult, other_name: str, second: LayerResult) -> PairedRow:
    ours, theirs = first.test_accuracies, second.test_accuracies
    is_paired = len(ours.keys() & theirs.keys()) > 1
    if is_paired:
        difference = paired_difference(ours, theirs)
        counts = (difference.n, difference.n)
        how = f"n = {difference.n} pairs"
    else:
        difference = welch_difference([*ours.values()], [*theirs.values()])
        counts = (len(ours), len(theirs))
        how = f"n = {counts[0]} and {counts[1]}, unpaired, as they do not share two seeds"
    labels = (f"{name}, trial {first.trial}", f"{other_name}, trial {second.trial}")
    verdict = _verdict(difference, labels)
    size_difference = _size(second) / _size(first) - 1
    sentence = (
        f"{labels[0]} ({format_size(_size(first))} parameters) against {labels[1]} "
        f"({format_size(_size(second))} parameters): {format_points(difference)} points ({how}): "
        f"{verdict}."
    )
    return _row(
        labels,
        difference,
        counts,
        is_paired=is_paired,
        size_difference=size_difference,
        verdict=verdict,
        sentence=" ".join((sentence, *_reservations(labels, (first, second), size_difference))),
    )


def _row(
    labels: tuple[str, str],
    difference: Estimate | None,
    counts: tuple[int, int],
    *,
    is_paired: bool,
    size_difference: float | None,
    verdict: str,
    sentence: str,
) -> PairedRow:
    low, high = (difference and difference.interval) or (None, None)
    return PairedRow(
        first=labels[0],
        second=labels[1],
        # Accuracies are counts over totals: beyond twelve digits a difference is rounding.
        difference=None if difference is None else round(difference.mean, 12),
        low=low,
        high=high,
        n=counts[0],
        n_second=counts[1],
        is_paired=is_paired,
        size_difference=size_difference,
        verdict=verdict,
        sentence=sentence,
    )


def _verdict(difference: Estimate, labels: tuple[str, str]) -> str:
    """Judge as for controls: no difference without an interval, or where it holds zero."""
    if not difference.half_width or abs(difference.mean) <= difference.half_width:
        return str(Verdict.UNDECIDED)
    return f"{labels[0] if difference.mean > 0 else labels[1]} is higher"


def _reservations(
    labels: tuple[str, str], results: tuple[LayerResult, LayerResult], size_difference: float
) -> list[str]:
    sentences = []
    if abs(size_difference) > SIZE_TOLERANCE:
        more = "more" if size_difference > 0 else "fewer"
        sentences.append(f"The second has {abs(size_difference):.1%} {more} parameters.")
    sentences += [
        f"Left out of {label}: {describe_missing(result.missing)}."
        for label, result in zip(labels, results, strict=True)
        if result.missing
    ]
    return sentences


def _layer_name(result: LayerResult) -> str:
    return LAYER_NAMES.get(result.layer, result.layer)


def _caption(
    studies: Sequence[LoadedStudy],
    comparisons: Sequence[Comparison],
    rows: Sequence[PairedRow],
    between: int,
) -> str:
    sentences = [
        f"{study.info.name}: {study.info.dataset}, {counted(study.info.epochs, 'epoch')} each."
        for study in studies
    ]
    if rows:
        sentences.append(
            "Differences of test accuracy (correct / total) of confirmed runs, first minus second, "
            f"means over n seeds with {CONFIDENCE:.0%} t intervals."
        )
    sentences += cautions(comparisons)
    if between:
        sentences.append(
            f"{counted(between, 'row')} of perturbation networks that two searches chose, nearest "
            "to each other in size: they tell of one search each, and are as little adjusted for "
            "their number."
        )
    for first, second in itertools.combinations(studies, 2):
        difference = what_differs(second.info, first.info)
        if difference:
            sentences.append(
                f"{second.info.name} is not compared with {first.info.name}: {difference}."
            )
    return " ".join(sentences)


def _instead(studies: Sequence[LoadedStudy]) -> str:
    if any(study.confirmed for study in studies):
        return "No two confirmed runs can be compared yet: wait for more of them to complete."
    if any(study.info.confirm for study in studies):
        return "No confirmation run has started yet: they follow when all trials have ended."
    command = confirming_command(studies[0].info)
    return f"No confirmed runs. Run a study of another name with them: {command}"
