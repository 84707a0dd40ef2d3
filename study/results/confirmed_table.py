"""Confirmed accuracies and comparisons as a table, for people."""

from collections.abc import Sequence

from study.results.front_table import TextTable, format_metric
from study.results.layer_result import LayerResult, describe_tuned
from study.results.mlflow.loaded_study import LoadedStudy
from study.results.paired_comparison import Comparison, Standing, fixed_results
from study.results.planned_experiment import arm_of
from study.results.statistics.confidence_intervals import (
    Estimate,
    format_percent,
    format_points,
    percent,
)


def confirmed_table(study: LoadedStudy, comparisons: Sequence[Comparison]) -> TextTable:
    """Lay out what was measured on the test set: one row for each trial and layer.

    Args:
        study: Study with confirmed runs.
        comparisons: Its comparisons, whose verdicts stand beside the controls.
    """
    beside = {
        (comparison.second.trial, comparison.second.layer): comparison
        for comparison in comparisons
        if comparison.standing is Standing.CONTROL
    }
    arms = {record.number: arm_of(record) for record in study.records}
    task = study.info.task
    return TextTable(
        header=(
            "trial",
            "layer" if study.info.experiment is None else "arm",
            task.size,
            "seeds",
            f"{task.tested} %",
            *(("published protocol %", "lost if moved") if task.counts_images else ()),
            "perturbation over it",
            "verdict",
        ),
        rows=tuple(
            _row(
                result,
                (study.info.experiment and arms.get(result.trial)) or _layer(result),
                beside.get((result.trial, result.layer)),
                is_published=task.counts_images,
            )
            for result in fixed_results(study)
        ),
    )


def _layer(result: LayerResult) -> str:
    tuned = describe_tuned(result.runs[0])
    return f"{result.layer}, {tuned}" if tuned else result.layer


def _row(
    result: LayerResult, name: str, comparison: Comparison | None, *, is_published: bool
) -> tuple[str, ...]:
    params, accuracy = result.matched_params, result.test_accuracy
    beside = (_percent(result.published_test_accuracy), _percent(result.moved_drop))
    difference = None if comparison is None else comparison.difference
    verdict = None if comparison is None else comparison.verdict
    return (
        str(result.trial),
        name,
        "–" if params is None else format_metric("learnable_params", params),
        _seeds(result),
        "–" if accuracy is None else format_percent(accuracy),
        *(beside if is_published else ()),
        "–" if difference is None else format_points(difference),
        "–" if verdict is None else str(verdict),
    )


def _seeds(result: LayerResult) -> str:
    complete, collapsed = len(result.test_accuracies), len(result.collapsed)
    text = f"{complete} of {len(result.runs)}" if result.missing else str(complete)
    return f"{text}, {collapsed} collapsed" if collapsed else text


def _percent(estimate: Estimate | None) -> str:
    return "–" if estimate is None else percent(estimate.mean)
