"""Figures that others reported for a data set, as points beside a study's own."""

from collections.abc import Sequence
from typing import NamedTuple

import plotly.graph_objects as go

from dashboards.elements import theme
from dashboards.elements.layers import layer_look
from dashboards.elements.picture import Cell
from pnn_core.parts import palette
from study.results.plural import counted
from study.results.published_results import ReportedResult, reported_results


class ReportedPoint(NamedTuple):
    """One reported figure.

    Attributes:
        label: Source, masks and protocol.
        layer: Its spatial layer.
        learnable_params: Size, from the reported ratio or counted.
        is_counted: True if the size is this project's count of the network.
        accuracy: A fraction.
    """

    label: str
    layer: str
    learnable_params: int
    is_counted: bool
    accuracy: float


def reported_points(dataset: str) -> tuple[ReportedPoint, ...]:
    """Every figure reported for a data set whose number of parameters is known."""
    return tuple(
        ReportedPoint(
            label=f"{row.source}, {row.where}: {row.model}, {_width(row)}, {row.protocol}",
            layer=row.layer,
            learnable_params=row.learnable_params,
            is_counted=row.counted_params is not None,
            accuracy=row.value,
        )
        for row in reported_results()
        if row.dataset == dataset and row.learnable_params is not None
    )


def describe_reported(points: Sequence[ReportedPoint]) -> list[str]:
    """Describe what stands beside the trials of a front; none where nothing does."""
    if not points:
        return []
    return [
        f"Hollow: {counted(len(points), 'figure')} reported by others, those of known size; test "
        "accuracy of one run each, at another budget and by another protocol."
    ]


def reported_traces(
    points: Sequence[ReportedPoint], *, unit: float = 1, ratio: str = "a ratio"
) -> list[go.Scatter]:
    """A trace of hollow markers for each layer, with one entry of the legend for all.

    Args:
        points: All that are drawn.
        unit: Unit of accuracies: 1 for fractions, 100 for percent.
        ratio: Source of a size that is no count, in words.
    """
    traces: list[go.Scatter] = []
    for layer in dict.fromkeys(point.layer for point in points):
        here = [point for point in points if point.layer == layer]
        trace = go.Scatter(
            x=[point.learnable_params for point in here],
            y=[unit * point.accuracy for point in here],
            hovertext=[_hover(point, ratio) for point in here],
            hoverinfo="text",
            mode="markers",
            # One short word for all layers: a phone has no room above the plot for more.
            name="reported",
            legendgroup="reported",
            showlegend=not traces,
            marker={
                "size": 12,
                "symbol": f"{layer_look(layer).symbol}-open",
                "color": palette.GREY,
                "line": {"width": 1.5},
            },
        )
        traces.append(trace)
    return traces


def reported_columns(points: Sequence[ReportedPoint]) -> dict[str, list[Cell]]:
    """The points for files."""
    return {
        "kind": ["reported"] * len(points),
        "learnable_params": [point.learnable_params for point in points],
        "test_accuracy": [point.accuracy for point in points],
        "tested_layer": [point.layer for point in points],
    }


def _width(row: ReportedResult) -> str:
    if row.layer == "perturbation":
        return f"{row.mask_count} masks"
    return f"width {row.mask_count or row.width}"


def _hover(point: ReportedPoint, ratio: str) -> str:
    source = "counted by this project" if point.is_counted else f"from {ratio}"
    return (
        f"<b>reported, {theme.escape(layer_look(point.layer).name)}</b>"
        f"<br>{theme.escape(point.label)}<br>{100 * point.accuracy:.2f} %"
        f"<br>about {point.learnable_params:,} learnable parameters ({source})"
    )
