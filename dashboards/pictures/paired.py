"""Paired comparisons of confirmed runs, as a table: within studies and between them."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from dashboards.elements.picture import Columns, PictureInfo
from dashboards.elements.several_studies import named, what_differs
from dashboards.pictures.paired_row import PairedRow, paired_row
from dashboards.pictures.paired_searches import rows_between
from study.results.comparison_words import (
    cautions,
    describe_verdict,
    describe_with_trial,
)
from study.results.confirming_command import confirming_command
from study.results.mlflow.loaded_study import LoadedStudy
from study.results.paired_comparison import Comparison, Standing, compare
from study.results.plural import counted
from study.results.statistics.confidence_intervals import (
    CONFIDENCE,
)


@dataclass(frozen=True, kw_only=True)
class PairedInfo(PictureInfo):
    """Words and data of the table.

    Attributes:
        rows: Comparisons within each study first, then studies against each other.
    """

    rows: tuple[PairedRow, ...]


def get_paired_info(studies: Sequence[LoadedStudy]) -> PairedInfo:
    """Compare confirmed runs within each study, and of each two studies that allow it."""
    comparisons = [compare(study) for study in studies]
    within = [
        _own_row(study, comparison)
        for study, own in zip(studies, comparisons, strict=True)
        for comparison in own
    ]
    between = rows_between(
        [
            (first, second)
            for first, second in itertools.combinations(studies, 2)
            if not what_differs(second.info, first.info)
        ]
    )
    rows = (*within, *between)
    everything = [comparison for own in comparisons for comparison in own]
    return PairedInfo(
        title=f"Test {studies[0].info.task.label} of confirmed runs, compared: {named(studies)}",
        common=tuple(
            f"{study.info.name}: {study.info.dataset}, {counted(study.info.epochs, 'epoch')} each."
            for study in studies
        ),
        sentences=tuple(_sentences(studies, everything, rows, len(between))),
        description=f"A table of {counted(len(rows), 'difference')} with intervals.",
        rows=rows,
        instead="" if rows else _instead(studies),
    )


def get_paired_columns(info: PairedInfo) -> Columns:
    """The table, a column for each field of its rows."""
    return {name: [getattr(row, name) for row in info.rows] for name in PairedRow._fields}


def _own_row(study: LoadedStudy, comparison: Comparison) -> PairedRow:
    n = comparison.difference.n if comparison.difference else 0
    of = study.info.name
    if comparison.standing is Standing.CONTROL:
        of = f"{of}, trial {comparison.first.trial}"
    return paired_row(
        (f"{of}: {comparison.names[0]}", f"{of}: {comparison.names[1]}"),
        comparison.difference,
        (n, n),
        is_paired=True,
        size_difference=comparison.size_difference,
        standing=str(comparison.standing),
        adjusted_p=comparison.decision.adjusted_p,
        verdict=describe_verdict(comparison),
        sentence=f"{study.info.name}: {describe_with_trial(comparison)}",
        over_images=comparison.over_images,
        moved_more=comparison.moved_more,
    )


def _sentences(
    studies: Sequence[LoadedStudy],
    comparisons: Sequence[Comparison],
    rows: Sequence[PairedRow],
    between: int,
) -> list[str]:
    sentences = []
    apart = [
        f"{second.info.name} is not compared with {first.info.name}: {difference}."
        for first, second in itertools.combinations(studies, 2)
        if (difference := what_differs(second.info, first.info))
    ]
    if apart:
        sentences.append(" ".join(apart))
    if rows:
        sentences.append(
            f"Differences of test {studies[0].info.task.label} in points, of confirmed runs, first "
            f"minus second, means over n seeds with {CONFIDENCE:.0%} t intervals."
        )
    sentences += cautions(comparisons)
    if between:
        sentences.append(
            f"{counted(between, 'row')} of perturbation networks that two searches chose, nearest "
            "to each other in size: they tell of one search each, and are adjusted for the number "
            "of such rows."
        )
    return sentences


def _instead(studies: Sequence[LoadedStudy]) -> str:
    if any(study.confirmed for study in studies):
        return "No two confirmed runs can be compared yet: wait for more of them to complete."
    if any(study.info.confirm for study in studies):
        return "No confirmation run has started yet: they follow when all trials have ended."
    command = confirming_command(studies[0].info)
    return f"No confirmed runs. Run a study of another name with them: {command}"
