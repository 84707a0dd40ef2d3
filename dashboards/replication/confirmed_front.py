"""The front, confirmed: test accuracy over parameters, beside what was reported."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from dashboards.elements import theme
from dashboards.elements.caption import short_budget
from dashboards.elements.confirmed_points import (
    ConfirmedPoint,
    confirmed_points,
    layer_steps,
    means_trace,
)
from dashboards.elements.layers import in_order, layer_look
from dashboards.elements.picture import PictureInfo
from dashboards.elements.point_scale import scale_of_points
from dashboards.elements.reported_levels import (
    ReportedLevel,
    describe_levels,
    level_traces,
    reported_levels,
)
from dashboards.elements.reported_points import ReportedPoint, reported_points, reported_traces
from dashboards.elements.side_steps import farthest_step
from dashboards.replication.shared_axes import size_axis
from study.results.layer_result import layer_results
from study.results.mlflow.loaded_study import LoadedStudy
from study.results.objective import OBJECTIVES
from study.results.published_results import reported_results
from study.results.statistics.confidence_intervals import CONFIDENCE, FEWEST_SEEDS, format_percent


@dataclass(frozen=True, kw_only=True)
class ConfirmedFrontInfo(PictureInfo):
    """Words and data of the picture.

    Attributes:
        merit: Label of the vertical axis.
        size: Name of the parameters on the horizontal one.
        confirmed: By layer, then parameters.
        reported: On the same data set, of a known size.
        levels: The same where the size of none is known.
    """

    merit: str
    size: str
    confirmed: tuple[ConfirmedPoint, ...]
    reported: tuple[ReportedPoint, ...]
    levels: tuple[ReportedLevel, ...]


def get_confirmed_front_info(study: LoadedStudy) -> ConfirmedFrontInfo:
    """Collect what the picture shows."""
    task = study.info.task
    size = task.size
    confirmed = _by_layer(confirmed_points(study.confirmed, size))
    reported = reported_points(study.info.dataset)
    levels = reported_levels(study.info.dataset) if confirmed else ()
    seeds = sorted({point.accuracy.n for point in confirmed})
    sentences = [
        f"Means over seeds (n = {' or '.join(map(str, seeds)) or 0}), bars "
        f"are {CONFIDENCE:.0%} t intervals.",
        *(
            [f"Fewer than {FEWEST_SEEDS} seeds have no interval."]
            if seeds and seeds[0] < FEWEST_SEEDS
            else []
        ),
        _side_by_side_sentence(confirmed, reported),
        *(describe_levels(levels) or [_reported_sentence(study.info.dataset, reported)]),
    ]
    undrawn = len(layer_results(study.confirmed)) - len(confirmed)
    if undrawn:
        sentences.append(f"{undrawn} without a complete run or a known size not drawn.")
    return ConfirmedFrontInfo(
        title=f"Confirmed test {task.label} against {OBJECTIVES[size].label}: {study.info.name}",
        common=(f"{short_budget(study)}.",),
        sentences=tuple(sentences),
        description=(
            f"Scatter plot of test {task.label} in percent over {OBJECTIVES[size].label}: "
            f"{len(confirmed)} confirmed networks with intervals, which the table below lists, and "
            f"{len(reported) + len(levels)} reported figures, which the tables further down list."
        ),
        merit=f"test {task.label} (%)",
        size=OBJECTIVES[size].label,
        confirmed=confirmed,
        reported=reported,
        levels=levels,
    )


def get_confirmed_front_figure(info: ConfirmedFrontInfo) -> go.Figure:
    """Draw it."""
    figure = theme.new_figure()
    sizes = _sizes(info.confirmed, info.reported)
    figure.add_traces(reported_traces(info.reported, unit=100, ratio="the reported ratio"))
    figure.add_traces(level_traces(info.levels, sizes, unit=100))
    # Backwards, so that the perturbation layer, the first of them, lies on top.
    for layer, side_step in reversed(layer_steps(info.confirmed, sizes).items()):
        points = [point for point in info.confirmed if point.layer == layer]
        figure.add_trace(_confirmed_trace(points, side_step, info.size))
    figure.update_layout(
        xaxis=size_axis(f"{theme.capitalised(info.size)} (logarithmic)", sizes),
        yaxis=theme.axis(info.merit, (), log=False)
        | {
            "range": scale_of_points(
                (
                    *(point.accuracy.mean for point in info.confirmed),
                    *(point.accuracy for point in info.reported),
                    *(level.value for level in info.levels),
                ),
                unit=100,
            )
        },
        showlegend=True,
    )
    figure.update_layout(legend_traceorder="reversed")
    return figure


def _by_layer(points: Sequence[ConfirmedPoint]) -> tuple[ConfirmedPoint, ...]:
    place = {layer: i for i, layer in enumerate(in_order(point.layer for point in points))}
    return tuple(sorted(points, key=lambda point: (place[point.layer], point.x)))


def _sizes(confirmed: Iterable[ConfirmedPoint], reported: Iterable[ReportedPoint]) -> list[float]:
    return [*(point.x for point in confirmed), *(point.learnable_params for point in reported)]


def _side_by_side_sentence(
    confirmed: Sequence[ConfirmedPoint], reported: Sequence[ReportedPoint]
) -> str:
    farthest = farthest_step(layer_steps(confirmed, _sizes(confirmed, reported)))
    return (
        f"Layers are drawn side by side, up to {farthest:.0%} beside their true size, as they "
        "would hide each other."
    )


def _reported_sentence(dataset: str, points: Sequence[ReportedPoint]) -> str:
    rows = [row for row in reported_results() if row.dataset == dataset]
    if not rows:
        return f"Nobody reported a figure for {dataset}."
    if not points:
        return f"No figure reported for {dataset} tells its number of parameters."
    counts = sum(point.is_counted for point in points)
    return (
        f"Hollow: {len(points)} of {len(rows)} figures reported for {dataset}, those "
        "whose number of parameters is known; one run each, another budget and protocol. The size "
        f"is this project's count of that network for {counts} of them, and the reported ratio's "
        f"for {len(points) - counts}."
    )


def _confirmed_trace(points: Sequence[ConfirmedPoint], side_step: float, size: str) -> go.Scatter:
    name = theme.escape(layer_look(points[0].layer).name)
    return means_trace(points, side_step, unit=100).update(
        name=name,
        hovertext=[
            f"<b>trial {p.trial}, {name}</b><br>{format_percent(p.accuracy)} %"
            f"<br>n = {p.accuracy.n}<br>{p.x:,} {size}"
            for p in points
        ],
    )
