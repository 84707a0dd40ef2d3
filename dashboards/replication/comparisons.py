"""The perturbation layer against its controls, in words and as a table."""

from collections import Counter
from typing import NamedTuple

from dashboards.elements.caption import short_budget
from dashboards.elements.layers import layer_look
from dashboards.replication.markup import Cell, Line, Table, cell, unbroken
from pnn_core.architecture.matched_size import SIZE_TOLERANCE
from study.results.front_table import format_parameter
from study.results.mlflow.loaded_study import LoadedStudy
from study.results.paired_comparison import (
    LayerResult,
    Verdict,
    cautions,
    compare_with_controls,
    describe_missing,
    describe_with_trial,
    layer_results,
)
from study.results.statistics.confidence_intervals import (
    CONFIDENCE,
    Estimate,
    format_percent,
    signed,
)

_SETTINGS = ("network", "mask_count", "fan_out", "noise_level", "batch_size", "optimizer")


class ComparisonsInfo(NamedTuple):
    """One study's paired comparisons, as plain texts.

    Attributes:
        intro: Sentence that says how they were made.
        cautions: Sentences on what weakens all of them.
        sentences: One for each trial and control.
        tally: Counts of comparisons in which the noise adds, costs, or nothing can be told.
    """

    intro: str
    cautions: tuple[str, ...]
    sentences: tuple[str, ...]
    tally: str


def get_comparisons_info(study: LoadedStudy) -> ComparisonsInfo:
    """Say what the confirmed runs allow to say about the noise."""
    comparisons = compare_with_controls(study.records, study.confirmed)
    if not comparisons:
        nothing = "no control was confirmed beside a perturbation network, so nothing is compared"
        return ComparisonsInfo(
            intro=f"{nothing.capitalize()}.", cautions=(), sentences=(), tally=nothing
        )
    verdicts = Counter(comparison.verdict for comparison in comparisons)
    number = len(comparisons)
    return ComparisonsInfo(
        intro=(
            f"{short_budget(study)}. Points of test accuracy, the mean over n seeds of a paired "
            f"difference, with its {CONFIDENCE:.0%} t interval."
        ),
        cautions=cautions(comparisons),
        sentences=tuple(
            describe_with_trial(comparison).replace("n = ", unbroken("n = "))
            for comparison in comparisons
        ),
        tally=(
            f"noise adds accuracy in {verdicts[Verdict.ADDS]} of {number} comparisons, costs some "
            f"in {verdicts[Verdict.COSTS]}, and no difference can be told in "
            f"{verdicts[Verdict.UNDECIDED]}"
        ),
    )


def get_confirmed_table(study: LoadedStudy) -> Table:
    """Every trial of the front and its controls, cell by cell."""
    return Table(
        title=f"Confirmed runs: {study.info.name}",
        caption=(
            f"{short_budget(study)}. Means over seeds, [{CONFIDENCE:.0%} t interval]; size "
            f"differences above {SIZE_TOLERANCE:.0%} have a star."
        ),
        header=(
            "Trial, layer",
            "Settings",
            "Learnable parameters",
            "Test accuracy (%)",
            "n",
            "Published protocol (%)",
            "Seeds without a result",
        ),
        rows=tuple(_row(result) for result in layer_results(study.confirmed)),
    )


def _row(result: LayerResult) -> tuple[Cell, ...]:
    settings = ", ".join(
        f"{name} {format_parameter(result.parameters[name])}"
        for name in _SETTINGS
        if name in result.parameters
    )
    accuracy = result.test_accuracy
    return (
        cell(unbroken(f"{result.trial}, {layer_look(result.layer).name}")),
        (Line("", settings),),
        _size(result),
        _percent(accuracy),
        cell("0" if accuracy is None else str(accuracy.n)),
        _percent(result.published_test_accuracy),
        cell(describe_missing(result.missing) or "none"),
    )


def _size(result: LayerResult) -> Cell:
    if result.learnable_params is None:
        return cell("unknown")
    difference = result.size_difference
    if difference == 0:
        return cell(f"{result.learnable_params:,}")
    mark = " *" if abs(difference) > SIZE_TOLERANCE else ""
    note = f"{signed(100 * difference, 1)}% against the trial{mark}"
    return (Line(f"{result.learnable_params:,}", note),)


def _percent(estimate: Estimate | None) -> Cell:
    return cell("no result" if estimate is None else unbroken(format_percent(estimate)))
