"""Test accuracies of confirmed trials and their controls, as points with intervals."""

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import plotly.graph_objects as go

from dashboards.elements import theme
from dashboards.elements.layers import layer_look
from dashboards.elements.picture import Cell
from dashboards.elements.quantity import Quantity
from dashboards.elements.selection import FADED
from dashboards.elements.side_steps import side_steps
from pnn_core.config import CLASSIFICATION, TASKS
from study.results.layer_result import layer_results
from study.results.objective import COUNTS
from study.results.run_record import RunRecord
from study.results.statistics.confidence_intervals import (
    CONFIDENCE,
    FEWEST_SEEDS,
    Estimate,
    format_percent,
)


class ConfirmedPoint(NamedTuple):
    """Test accuracy of a confirmed trial, with its own spatial layer or a control's.

    Attributes:
        trial: Its number.
        layer: Its spatial layer.
        x: Horizontal place.
        accuracy: Vertical place: the mean figure of merit over seeds, a fraction, with its
            interval.
        name: Name of the layer with the settings that were chosen for it alone.
        label: Name of the figure of merit.
    """

    trial: int
    layer: str
    x: float
    accuracy: Estimate
    name: str
    label: str = TASKS[CLASSIFICATION].label


def confirmed_points(confirmed: Iterable[RunRecord], x: str) -> tuple[ConfirmedPoint, ...]:
    """Return means over seeds by trial, then layer; those of known cost with a complete run.

    Args:
        confirmed: Runs of a study.
        x: Name of the horizontal quantity. There are points for costs alone, which controls have
            as well.
    """
    if x not in COUNTS:
        return ()
    found = []
    for result in layer_results(confirmed):
        cost = next((run.metrics()[x] for run in result.runs if run.costs is not None), None)
        accuracy = result.test_accuracy
        if cost is not None and accuracy is not None:
            label = result.runs[0].task.label
            point = ConfirmedPoint(result.trial, result.layer, cost, accuracy, result.name, label)
            found.append(point)
    return tuple(found)


def layer_steps(points: Sequence[ConfirmedPoint], xs: Sequence[float]) -> dict[str, float]:
    """Return the factors that set layers of one size side by side, for each layer.

    Args:
        points: All that are drawn.
        xs: All that a logarithmic axis holds; empty for a linear one, on which none is moved.
    """
    return side_steps([*dict.fromkeys(point.layer for point in points)], xs)


def describe_confirmed(
    confirmed: Sequence[RunRecord], points: Sequence[ConfirmedPoint]
) -> list[str]:
    """Describe what stands below the trials of a front, as sentences.

    Args:
        confirmed: Runs of the study.
        points: Those that are drawn.
    """
    if not confirmed:
        return ["Chosen on validation data; the test set was not read."]
    if not points:
        return ["Chosen on validation data."]
    seeds = sorted({point.accuracy.n for point in points})
    sentences = [
        f"Above, trials as chosen on validation data; below, test {confirmed[0].task.label} of "
        "those confirmed and of their controls, means over fresh seeds "
        f"(n = {' or '.join(map(str, seeds))}) with {CONFIDENCE:.0%} t intervals."
    ]
    if seeds[0] < FEWEST_SEEDS:
        sentences.append(f"Fewer than {FEWEST_SEEDS} seeds have no interval.")
    return sentences


def confirmed_traces(
    points: Sequence[ConfirmedPoint], x: Quantity, selected: frozenset[int] | None
) -> list[go.Scatter]:
    """Return a trace for each layer, and one for what is faded of it.

    Plotly fades the points that are not selected, and leaves their bars: so they are a trace of
    their own.

    Args:
        points: All that are drawn.
        x: Horizontal quantity.
        selected: Numbers of the trials that are not faded; None for all.
    """
    traces: list[go.Scatter] = []
    for layer in dict.fromkeys(point.layer for point in points):
        of_layer = [point for point in points if point.layer == layer]
        is_full = [selected is None or point.trial in selected for point in of_layer]
        for full in sorted({*is_full}, reverse=True):
            here = [point for point, is_it in zip(of_layer, is_full, strict=True) if is_it is full]
            trace = means_trace(here, 1).update(
                customdata=[[point.trial] for point in here],
                hovertext=[_hover(point, x) for point in here],
                name=theme.escape(f"test: {layer_look(layer).name}"),
                legendgroup=theme.escape(layer),
                showlegend=full or not any(is_full),
                opacity=1 if full else FADED,
            )
            traces.append(trace)
    return traces


def means_trace(points: Sequence[ConfirmedPoint], step: float, unit: float = 1) -> go.Scatter:
    """Return the means of one layer with their intervals, without a name and a hover's text.

    Args:
        points: At least one.
        step: Factor that sets them beside their true place.
        unit: Unit of accuracies: 1 for fractions, 100 for percent.
    """
    shown = layer_look(points[0].layer)
    # Plotly draws a missing bar as none.
    ends = [point.accuracy.interval or (math.nan, math.nan) for point in points]
    means = [point.accuracy.mean for point in points]
    return go.Scatter(
        x=[point.x * step for point in points],
        y=[unit * mean for mean in means],
        error_y={
            "array": [unit * (high - mean) for (_, high), mean in zip(ends, means, strict=True)],
            "arrayminus": [unit * (mean - low) for (low, _), mean in zip(ends, means, strict=True)],
            "color": shown.colour,
            "thickness": 1.8,
            "width": 6,
        },
        mode="markers",
        hoverinfo="text",
        marker={"size": 10, "symbol": shown.symbol, "color": shown.colour},
    )


def confirmed_columns(
    points: Sequence[ConfirmedPoint], x: Quantity, merit: str
) -> dict[str, list[Cell]]:
    """Return the points for files.

    Args:
        points: All that are drawn.
        x: Horizontal quantity.
        merit: Name of the figure of merit.
    """
    return {
        "kind": ["test"] * len(points),
        "trial": [point.trial for point in points],
        x.name: [point.x for point in points],
        merit: [point.accuracy.mean for point in points],
        "interval_low": [(point.accuracy.interval or (None,))[0] for point in points],
        "interval_high": [(point.accuracy.interval or (None,))[-1] for point in points],
        "seeds": [point.accuracy.n for point in points],
        "tested_layer": [point.layer for point in points],
    }


def _hover(point: ConfirmedPoint, x: Quantity) -> str:
    return (
        f"<b>trial {point.trial}, {theme.escape(point.name)}: test {point.label}</b>"
        f"<br>{format_percent(point.accuracy)} %<br>n = {point.accuracy.n}"
        f"<br>{x.name}: {x.format(point.x)}"
    )
