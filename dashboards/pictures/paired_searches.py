"""Perturbation networks that two searches chose, compared as rows of the table."""

import math
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from dashboards.measures.welch import welch_difference
from dashboards.pictures.paired_row import PairedRow, paired_row
from pnn_core.architecture.matched_size import SIZE_TOLERANCE
from study.results.comparison_words import format_size
from study.results.layer_result import PERTURBATION, LayerResult, describe_missing, layer_results
from study.results.mlflow.loaded_study import LoadedStudy
from study.results.statistics.confidence_intervals import (
    FEWEST_SEEDS,
    Estimate,
    format_points,
    paired_difference,
)
from study.results.statistics.verdicts import Decision, Question, Verdict, decide


class _Between(NamedTuple):
    """Perturbation networks that two searches chose, nearest to each other in size.

    Attributes:
        labels: Names of both.
        results: Confirmed runs of both.
        difference: Mean of the first minus that of the second.
        is_paired: True if it was taken seed by seed.
    """

    labels: tuple[str, str]
    results: tuple[LayerResult, LayerResult]
    difference: Estimate
    is_paired: bool


def rows_between(pairs: Iterable[tuple[LoadedStudy, LoadedStudy]]) -> list[PairedRow]:
    """Compare each two studies by size, all verdicts adjusted for the number of them."""
    between = [found for first, second in pairs for found in _nearest_pairs(first, second)]
    decisions = decide(
        [Question(difference=found.difference, every_seed=found.difference) for found in between]
    )
    return [
        _between_row(found, decision) for found, decision in zip(between, decisions, strict=True)
    ]


def _nearest_pairs(first: LoadedStudy, second: LoadedStudy) -> Iterator[_Between]:
    """Perturbation networks of two fronts that are nearest to each other in size, by size."""
    ours, theirs = _confirmed_front(first), _confirmed_front(second)
    for one in ours:
        other = _nearest(one, theirs)
        if other is None or _nearest(other, ours) is not one:
            continue
        accuracies, others = one.test_accuracies, other.test_accuracies
        is_paired = len(accuracies.keys() & others.keys()) >= FEWEST_SEEDS
        yield _Between(
            labels=(
                f"{first.info.name}, trial {one.trial}",
                f"{second.info.name}, trial {other.trial}",
            ),
            results=(one, other),
            difference=paired_difference(accuracies, others)
            if is_paired
            else welch_difference([*accuracies.values()], [*others.values()]),
            is_paired=is_paired,
        )


def _confirmed_front(study: LoadedStudy) -> list[LayerResult]:
    found = [
        result
        for result in layer_results(study.confirmed)
        if result.layer == PERTURBATION and result.matched_params and result.test_accuracies
    ]
    return sorted(found, key=_size)


def _size(result: LayerResult) -> int:
    return result.matched_params or 0


def _nearest(result: LayerResult, others: Iterable[LayerResult]) -> LayerResult | None:
    """By the ratio of sizes; the smaller of two that are as near."""
    return min(others, key=lambda other: abs(math.log(_size(other) / _size(result))), default=None)


def _between_row(found: _Between, decision: Decision) -> PairedRow:
    labels, difference = found.labels, found.difference
    first, second = found.results
    if found.is_paired:
        counts = (difference.n, difference.n)
        how = f"n = {difference.n} pairs"
    else:
        counts = (len(first.test_accuracies), len(second.test_accuracies))
        how = (
            f"n = {counts[0]} and {counts[1]}, unpaired, as they do not share {FEWEST_SEEDS} seeds"
        )
    size_difference = _size(second) / _size(first) - 1
    verdict = _verdict(decision, labels)
    counted_in = "backbone parameters" if second.backbone_params else "parameters"
    sentence = (
        f"{labels[0]} ({format_size(_size(first))} {counted_in}) against {labels[1]} "
        f"({format_size(_size(second))} {counted_in}): {format_points(difference)} points ({how}): "
        f"{verdict}."
    )
    return paired_row(
        labels,
        difference,
        counts,
        is_paired=found.is_paired,
        size_difference=size_difference,
        standing="two searches",
        adjusted_p=decision.adjusted_p,
        verdict=verdict,
        sentence=" ".join((sentence, *_reservations(labels, found.results, size_difference))),
    )


def _verdict(decision: Decision, labels: tuple[str, str]) -> str:
    if decision.verdict is None:
        return f"no verdict from fewer than {FEWEST_SEEDS} seeds"
    if decision.verdict is Verdict.UNDECIDED:
        return str(Verdict.UNDECIDED)
    return f"{labels[0] if decision.verdict is Verdict.BETTER else labels[1]} is better"


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
