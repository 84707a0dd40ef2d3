"""Confirmed accuracies as a table, for people."""

from collections.abc import Iterable

from study.results.front_table import TextTable, format_metric
from study.results.paired_comparison import layer_results
from study.results.run_record import RunRecord
from study.results.statistics.confidence_intervals import Estimate, percent


def confirmed_table(confirmed: Iterable[RunRecord]) -> TextTable:
    """Lay out what was measured on the test set: one row for each trial and layer."""
    rows = []
    for result in layer_results(confirmed):
        params = result.learnable_params
        rows.append(
            (
                str(result.trial),
                result.layer,
                "–" if params is None else format_metric("learnable_params", params),
                str(len(result.test_accuracies)),
                _percent(result.test_accuracy),
                _interval(result.test_accuracy),
                _percent(result.published_test_accuracy),
            )
        )
    return TextTable(
        header=(
            "trial",
            "layer",
            "learnable_params",
            "seeds",
            "test_accuracy %",
            "95% interval",
            "published protocol %",
        ),
        rows=tuple(rows),
    )


def _percent(estimate: Estimate | None) -> str:
    return "–" if estimate is None else percent(estimate.mean)


def _interval(estimate: Estimate | None) -> str:
    if estimate is None or estimate.interval is None:
        return "–"
    return " to ".join(map(percent, estimate.interval))
