"""Inflation of the published protocol over correct over total, by batch size."""

from dataclasses import dataclass

import plotly.graph_objects as go

from dashboards.elements import theme
from dashboards.elements.caption import short_budget
from dashboards.elements.layers import in_order, layer_look
from dashboards.elements.picture import PictureInfo
from dashboards.elements.side_steps import side_steps
from dashboards.measures.protocol_inflation import (
    InflationMean,
    InflationPoint,
    inflation_means,
    inflation_points,
)
from dashboards.replication.shared_axes import batch_size_axis
from pnn_core.parts import palette
from study.results.mlflow.loaded_study import LoadedStudy
from study.results.plural import counted
from study.results.statistics.confidence_intervals import signed


@dataclass(frozen=True, kw_only=True)
class InflationInfo(PictureInfo):
    """Words and data of the picture.

    Attributes:
        runs: All complete confirmed runs.
        means: By batch size, ascending.
    """

    runs: tuple[InflationPoint, ...]
    means: tuple[InflationMean, ...]


def get_inflation_info(study: LoadedStudy) -> InflationInfo:
    """Collect what the picture shows."""
    runs = inflation_points(study.confirmed)
    means = inflation_means(runs)
    spelled = ", ".join(f"{mean.points:.2f} at batch size {mean.batch_size}" for mean in means)
    return InflationInfo(
        title=f"What the published protocol adds to an accuracy, by batch size: {study.info.name}",
        common=(f"{short_budget(study)}.",),
        sentences=(
            f"Each dot is one of {counted(len(runs), 'run')}, bars are means of all runs of a "
            "batch size.",
            "Layers stand side by side, so that none hides another. Smoothed over test batches, "
            "the best epoch kept, minus correct over total after the last epoch.",
        ),
        description=f"Scatter plot of points of inflation over batch size. Means: {spelled}.",
        runs=runs,
        means=means,
    )


def get_inflation_figure(info: InflationInfo) -> go.Figure:
    """Draw it."""
    figure = theme.new_figure()
    batch_sizes = [run.batch_size for run in info.runs]
    layers = in_order(run.layer for run in info.runs)
    for layer, side_step in side_steps(layers, batch_sizes).items():
        figure.add_trace(_runs_trace([r for r in info.runs if r.layer == layer], side_step))
    figure.add_trace(_means_trace(info.means))
    figure.add_hline(y=0, line={"color": palette.GREY, "width": 1})
    figure.update_layout(
        xaxis=batch_size_axis("Batch size (images, logarithmic)", batch_sizes),
        yaxis=theme.axis("published − correct/total (points)", (), log=False)
        | {"rangemode": "tozero"},
    )
    return figure


def _runs_trace(runs: list[InflationPoint], side_step: float) -> go.Scatter:
    look = layer_look(runs[0].layer)
    return go.Scatter(
        x=[run.batch_size * side_step for run in runs],
        y=[run.points for run in runs],
        mode="markers",
        name=theme.escape(look.name),
        hovertext=[
            f"<b>trial {run.trial}, {theme.escape(look.name)}, seed {run.seed}</b>"
            f"<br>batch size {run.batch_size}<br>{signed(run.points, 2)} points"
            for run in runs
        ],
        hoverinfo="text",
        marker={"size": 8, "symbol": look.symbol, "color": look.colour, "opacity": 0.75},
    )


def _means_trace(means: tuple[InflationMean, ...]) -> go.Scatter:
    return go.Scatter(
        x=[mean.batch_size for mean in means],
        y=[mean.points for mean in means],
        mode="markers",
        name="mean of all runs",
        hovertext=[
            f"<b>mean of {counted(mean.n, 'run')}</b><br>batch size {mean.batch_size}"
            f"<br>{signed(mean.points, 2)} points"
            for mean in means
        ],
        hoverinfo="text",
        marker={"size": 26, "symbol": "line-ew", "line": {"width": 2.5, "color": palette.GREY}},
    )
