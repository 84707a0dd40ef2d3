"""The front, confirmed: test accuracy over parameters, beside what was reported."""

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import plotly.graph_objects as go

from dashboards.replication.axes import INK, axis, escape, frame, side_steps, size_axis
from dashboards.replication.budget import short_budget
from dashboards.replication.layers import layer_look
from study.results.comparison import LAYER_NAMES, LayerResult, layer_results
from study.results.intervals import CONFIDENCE, Estimate, format_percent
from study.results.mlflow.loaded_study import LoadedStudy
from study.results.reported import ReportedResult, reported_results


class ConfirmedPoint(NamedTuple):
    """One trial with one layer.

    Attributes:
        trial: Its number.
        layer: Its spatial layer.
        learnable_params: Horizontal place.
        accuracy: Vertical place, a fraction, with its interval.
    """

    trial: int
    layer: str
    learnable_params: int
    accuracy: Estimate


class ReportedPoint(NamedTuple):
    """One reported figure.

    Attributes:
        label: Where it was reported, of which masks, by which protocol.
        layer: Its spatial layer.
        learnable_params: From the reported ratio, or counted.
        is_counted: Whether the size is this project's count of the network.
        accuracy: A fraction.
    """

    label: str
    layer: str
    learnable_params: int
    is_counted: bool
    accuracy: float


class ConfirmedFrontInfo(NamedTuple):
    """Everything that the picture shows.

    Attributes:
        title: What it shows, as plain text.
        caption: Of what it is drawn, as plain text.
        confirmed: By layer, then parameters.
        reported: On the same data set, of a known size.
    """

    title: str
    caption: str
    confirmed: tuple[ConfirmedPoint, ...]
    reported: tuple[ReportedPoint, ...]


def get_confirmed_front_info(study: LoadedStudy) -> ConfirmedFrontInfo:
    """Collect what the picture shows."""
    results = layer_results(study.confirmed)
    confirmed = _confirmed_points(results)
    of_dataset = [row for row in reported_results() if row.dataset == study.info.dataset]
    reported = tuple(_reported_points(of_dataset))
    seeds = sorted({point.accuracy.n for point in confirmed})
    sentences = [
        f"{short_budget(study)}. Means over seeds (n = {' or '.join(map(str, seeds)) or 0}), bars "
        f"are {CONFIDENCE:.0%} t intervals.",
        *([] if 1 not in seeds else ["One seed has no interval."]),
        _side_by_side_sentence(confirmed, reported),
        _reported_sentence(study, of_dataset, reported),
    ]
    if len(confirmed) < len(results):
        sentences.append(
            f"{len(results) - len(confirmed)} without a complete run or a known size not drawn."
        )
    return ConfirmedFrontInfo(
        title=f"Confirmed test accuracy against learnable parameters: {study.info.name}",
        caption=" ".join(sentences),
        confirmed=confirmed,
        reported=reported,
    )


def get_confirmed_front_figure(info: ConfirmedFrontInfo) -> go.Figure:
    """Draw it."""
    figure = go.Figure()
    sizes = _sizes(info.confirmed, info.reported)
    for number, layer in enumerate(dict.fromkeys(point.layer for point in info.reported)):
        points = [point for point in info.reported if point.layer == layer]
        figure.add_trace(_reported_trace(points, showlegend=number == 0))
    # Backwards, so that the perturbation layer, the first of them, lies on top.
    for layer, side_step in reversed(side_steps(_layers(info.confirmed), sizes).items()):
        confirmed = [point for point in info.confirmed if point.layer == layer]
        figure.add_trace(_confirmed_trace(confirmed, side_step))
    figure.update_layout(
        **frame(),
        xaxis=size_axis("Learnable parameters (logarithmic)", sizes),
        yaxis=axis("Test accuracy (%)"),
    )
    figure.update_layout(legend_traceorder="reversed")
    return figure


def _confirmed_points(results: Iterable[LayerResult]) -> tuple[ConfirmedPoint, ...]:
    points = [
        ConfirmedPoint(
            trial=result.trial,
            layer=result.layer,
            learnable_params=result.learnable_params,
            accuracy=result.test_accuracy,
        )
        for result in results
        if result.learnable_params is not None and result.test_accuracy is not None
    ]
    order = [*LAYER_NAMES]
    return tuple(
        sorted(
            points,
            key=lambda p: (
                order.index(p.layer) if p.layer in order else len(order),
                p.layer,
                p.learnable_params,
            ),
        )
    )


def _layers(confirmed: Sequence[ConfirmedPoint]) -> list[str]:
    return [*dict.fromkeys(point.layer for point in confirmed)]


def _sizes(confirmed: Sequence[ConfirmedPoint], reported: Sequence[ReportedPoint]) -> list[int]:
    return [p.learnable_params for p in confirmed] + [p.learnable_params for p in reported]


def _side_by_side_sentence(
    confirmed: Sequence[ConfirmedPoint], reported: Sequence[ReportedPoint]
) -> str:
    steps = side_steps(_layers(confirmed), _sizes(confirmed, reported))
    farthest = max((abs(step - 1) for step in steps.values()), default=0.0)
    return (
        f"Layers are drawn side by side, up to {farthest:.0%} beside their true size, as they "
        "would hide each other."
    )


def _reported_points(rows: Iterable[ReportedResult]) -> Iterable[ReportedPoint]:
    for row in rows:
        if row.learnable_params is not None:
            yield ReportedPoint(
                label=f"{row.source}, {row.where}: {row.model}, {_width(row)}, {row.protocol}",
                layer=row.layer,
                learnable_params=row.learnable_params,
                is_counted=row.counted_params is not None,
                accuracy=row.value,
            )


def _width(row: ReportedResult) -> str:
    if row.layer == "perturbation":
        return f"{row.mask_count} masks"
    return f"width {row.mask_count or row.width}"


def _reported_sentence(
    study: LoadedStudy, rows: list[ReportedResult], points: tuple[ReportedPoint, ...]
) -> str:
    if not rows:
        return f"Nobody reported a figure for {study.info.dataset}."
    if not points:
        return f"No figure reported for {study.info.dataset} tells its number of parameters."
    counts = sum(point.is_counted for point in points)
    return (
        f"Hollow: {len(points)} of {len(rows)} figures reported for {study.info.dataset}, those "
        "whose number of parameters is known; one run each, another budget and protocol. The size "
        f"is this project's count of that network for {counts} of them, and the reported ratio's "
        f"for {len(points) - counts}."
    )


def _confirmed_trace(points: list[ConfirmedPoint], side_step: float) -> go.Scatter:
    look = layer_look(points[0].layer)
    # Plotly draws a missing bar as none.
    widths = [
        100 * (math.nan if p.accuracy.half_width is None else p.accuracy.half_width) for p in points
    ]
    return go.Scatter(
        x=[point.learnable_params * side_step for point in points],
        y=[100 * point.accuracy.mean for point in points],
        error_y={"array": widths, "color": look.colour, "thickness": 1.8, "width": 6},
        mode="markers",
        name=escape(look.name),
        hovertext=[
            f"<b>trial {p.trial}, {escape(look.name)}</b><br>{format_percent(p.accuracy)} %"
            f"<br>n = {p.accuracy.n}<br>{p.learnable_params:,} learnable parameters"
            for p in points
        ],
        hoverinfo="text",
        marker={
            "size": 10,
            "symbol": look.symbol,
            "color": look.colour,
            "line": {"width": 1, "color": "white"},
        },
    )


def _reported_trace(points: list[ReportedPoint], *, showlegend: bool) -> go.Scatter:
    look = layer_look(points[0].layer)
    return go.Scatter(
        x=[point.learnable_params for point in points],
        y=[100 * point.accuracy for point in points],
        mode="markers",
        # One short word for all layers: a phone has no room above the plot for more lines.
        name="reported",
        legendgroup="reported",
        showlegend=showlegend,
        hovertext=[
            f"<b>reported, {escape(look.name)}</b><br>{escape(p.label)}<br>{100 * p.accuracy:.2f} %"
            f"<br>about {p.learnable_params:,} learnable parameters"
            f" ({'counted by this project' if p.is_counted else 'from the reported ratio'})"
            for p in points
        ],
        hoverinfo="text",
        marker={
            "size": 12,
            "symbol": f"{look.symbol}-open",
            "color": INK,
            "line": {"width": 1.5, "color": INK},
        },
    )
