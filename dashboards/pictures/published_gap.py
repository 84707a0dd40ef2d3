"""True test accuracy against the figure of the published protocol, run by run."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from dashboards.elements import theme
from dashboards.elements.caption import describe_states, short_budget
from dashboards.elements.layers import in_order, layer_look
from dashboards.elements.picture import Columns, PictureInfo
from dashboards.measures.protocol_inflation import (
    InflationMean,
    InflationPoint,
    inflation_means,
    inflation_points,
)
from dashboards.picture_entry import PictureEntry
from pnn_core.config import CLASSIFICATION, ConfirmResult
from pnn_core.parts import palette
from study.results.mlflow.loaded_study import LoadedStudy
from study.results.plural import counted
from study.results.run_record import RunState
from study.results.statistics.confidence_intervals import signed

_MOST_BATCH_SIZES = 6  # that a sentence can list
_LEAST_BEYOND = 0.005  # by which the diagonal is longer than the points, so that one point has it

_NOTHING = (
    "No confirmed run is complete. Both accuracies are of the test set, which confirming alone "
    "reads: run a study with --confirm N, or wait for its confirmation."
)
_DEFINITION = (
    "The published protocol smooths the accuracy over test batches and keeps the best epoch; the "
    "true one is correct over total after the last epoch."
)
_NO_INTERVAL = (
    "Runs of one trial are alike and all share the test images, so that the mean has no interval."
)


@dataclass(frozen=True, kw_only=True)
class PublishedGapInfo(PictureInfo):
    """Words and data of the picture.

    Attributes:
        runs: All complete confirmed runs.
    """

    runs: tuple[InflationPoint, ...]


def get_published_gap_info(study: LoadedStudy) -> PublishedGapInfo:
    """Collect what the picture shows."""
    runs = inflation_points(run for run in study.confirmed if _is_measured(run.result))
    means = [_describe_means(runs, inflation_means(runs))] if runs else []
    notes = [_DEFINITION, _NO_INTERVAL] if runs else []
    return PublishedGapInfo(
        title=f"Test accuracy by the published protocol against the true one: {study.info.name}",
        common=(f"{short_budget(study)}.",),
        sentences=(*means, *_describe_runs(study, runs), *notes),
        description=(
            "Scatter plot with the diagonal on which both are equal. "
            + (_describe_means(runs, ()) if runs else "Nothing is drawn yet.")
        ),
        runs=runs,
        instead="" if runs else _NOTHING,
    )


def get_published_gap_figure(info: PublishedGapInfo) -> go.Figure:
    """Draw it."""
    figure = theme.new_figure()
    figure.add_trace(_diagonal(info.runs))
    for layer in in_order(run.layer for run in info.runs):
        runs = [run for run in info.runs if run.layer == layer]
        figure.add_trace(_markers(layer, runs, points=len(info.runs)))
    true, published = [run.true for run in info.runs], [run.published for run in info.runs]
    return figure.update_layout(
        xaxis=theme.axis("true test accuracy (correct / total)", true, log=False),
        yaxis=theme.axis("published protocol (smoothed share)", published, log=False),
    )


def _columns(info: PublishedGapInfo) -> Columns:
    return {
        "trial": [run.trial for run in info.runs],
        "layer": [run.layer for run in info.runs],
        "seed": [run.seed for run in info.runs],
        "batch_size": [run.batch_size for run in info.runs],
        "test_accuracy": [run.true for run in info.runs],
        "published_test_accuracy": [run.published for run in info.runs],
        "inflation_points": [run.points for run in info.runs],
    }


def _is_measured(result: ConfirmResult | None) -> bool:
    return result is not None and all(
        map(math.isfinite, (result.test_accuracy, result.published_test_accuracy))
    )


def _describe_runs(study: LoadedStudy, runs: Sequence[InflationPoint]) -> list[str]:
    trials = len({run.trial for run in runs})
    sentences = [f"{counted(len(runs), 'confirmed run')} of {counted(trials, 'trial')}."]
    incomplete = [run.state for run in study.confirmed if run.state is not RunState.COMPLETE]
    if incomplete:
        sentences.append(f"Not drawn: {describe_states(incomplete)}.")
    complete = len(study.confirmed) - len(incomplete)
    if complete > len(runs):
        left_out = counted(complete - len(runs), "complete run")
        sentences.append(f"{left_out} without finite accuracies not drawn.")
    return sentences


def _describe_means(runs: Sequence[InflationPoint], means: Sequence[InflationMean]) -> str:
    points = [run.points for run in runs]
    sentence = (
        f"Published minus true: {signed(statistics.fmean(points), 2)} points in the mean of "
        f"{counted(len(points), 'run')}"
    )
    if len(points) > 1:
        sentence += f" ({signed(min(points), 2)} to {signed(max(points), 2)})"
    if 1 < len(means) <= _MOST_BATCH_SIZES:
        parts = [f"{m.batch_size}: {signed(m.points, 2)} (n = {m.n})" for m in means]
        sentence += f"; by batch size {', '.join(parts)}"
    return f"{sentence}."


def _diagonal(runs: Sequence[InflationPoint]) -> go.Scatter:
    true = [run.true for run in runs]
    beyond = max((max(true) - min(true)) / 20, _LEAST_BEYOND)
    ends = [min(true) - beyond, max(true) + beyond]
    return go.Scatter(
        x=ends,
        y=ends,
        mode="lines",
        line={"color": palette.GREY, "width": 1.5, "dash": "dash"},
        name="equal",
        hoverinfo="skip",
    )


def _markers(
    layer: str, runs: Sequence[InflationPoint], *, points: int
) -> go.Scatter | go.Scattergl:
    layers = layer_look(layer)
    name = theme.escape(layers.name)
    return theme.scatter(
        points,
        x=[run.true for run in runs],
        y=[run.published for run in runs],
        mode="markers",
        name=name,
        hovertext=[_hover(run, name) for run in runs],
        hoverinfo="text",
        marker={"size": 9, "symbol": layers.symbol, "color": layers.colour, "opacity": 0.85},
    )


def _hover(run: InflationPoint, layer: str) -> str:
    return (
        f"<b>trial {run.trial}, {layer}, seed {run.seed}</b>"
        f"<br>batch size {run.batch_size}"
        f"<br>true {run.true:.4f}, published {run.published:.4f}"
        f"<br>{signed(run.points, 2)} points"
    )


PUBLISHED_GAP = PictureEntry(
    name="published-gap",
    views=("curves",),
    task=CLASSIFICATION,
    info=lambda scene: get_published_gap_info(scene.study),
    figure=get_published_gap_figure,
    columns=_columns,
)
