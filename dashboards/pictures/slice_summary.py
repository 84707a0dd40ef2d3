"""The trials of a slice in sum: a mean and a range of each value, or a median of each bin."""

import math
import statistics
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go

from dashboards.elements import theme
from dashboards.elements.quantity import Quantity
from dashboards.elements.setting_axis import SettingAxis
from dashboards.elements.setting_parts import Part
from pnn_core.parts import palette
from study.results.plural import counted

_BESIDE = 0.015  # of the axis


class SliceSummary(NamedTuple):
    """The trials of one value of the setting, or of one bin.

    Attributes:
        label: The value, or both ends of the bin.
        x: Place: the value, or the middle of the bin.
        trials: Number of trials.
        middle: Mean of the metric, or in a bin the median.
        low: Lowest one, or in a bin the first quartile.
        high: Highest one, or in a bin the third quartile.
    """

    label: str
    x: float | str
    trials: int
    middle: float
    low: float
    high: float


def summarise(
    quantity: Quantity, parts: Sequence[Part], points: Sequence[tuple[float | str, float]]
) -> tuple[SliceSummary, ...]:
    """A summary for each part that has a trial.

    Args:
        quantity: The setting.
        parts: Parts of its values.
        points: Value of the setting and of the metric of each trial.
    """
    is_binned = any(part.is_bin for part in parts)
    return tuple(_summary(quantity, part, points, is_binned) for part in parts if part.places)


def summary_trace(
    summaries: Sequence[SliceSummary],
    x: Quantity,
    y: Quantity,
    axis: SettingAxis,
    *,
    is_binned: bool,
) -> go.Scatter:
    """Draw squares with whiskers; of a single trial there is no mean.

    Args:
        summaries: Summaries of all parts.
        x: The setting.
        y: The metric.
        axis: Axis of the setting.
        is_binned: True if parts are bins.
    """
    summaries = [summary for summary in summaries if summary.trials > 1]
    what, spread = ("median", "middle half") if is_binned else ("mean", "range")
    has_names = any(isinstance(summary.x, str) for summary in summaries)
    return go.Scatter(
        # Beside their points where these stand on one line, as whiskers would cover them.
        x=[
            axis.stand(summary.x) if is_binned else axis.beside(summary.x, _BESIDE)
            for summary in summaries
        ],
        y=[summary.middle for summary in summaries],
        error_y={
            "array": [summary.high - summary.middle for summary in summaries],
            "arrayminus": [summary.middle - summary.low for summary in summaries],
            "thickness": 1.5,
            "width": 5,
        },
        mode="markers" if has_names else "lines+markers",
        line={"color": palette.VERMILION, "width": 2, "dash": "dot"},
        marker={"color": palette.VERMILION, "symbol": "square", "size": 9},
        hovertext=[_text(summary, x, y, what, spread) for summary in summaries],
        hoverinfo="text",
        name=f"{what} and {spread}",
    )


def _summary(
    quantity: Quantity,
    part: Part,
    points: Sequence[tuple[float | str, float]],
    is_binned: bool,
) -> SliceSummary:
    x = points[part.places[0]][0]
    ys = [points[i][1] for i in part.places]
    if not is_binned:
        return SliceSummary(part.label, x, len(ys), statistics.fmean(ys), min(ys), max(ys))
    if part.low is not None and part.high is not None and part.low < part.high:
        is_log = quantity.spans_decades and part.low > 0
        x = math.sqrt(part.low * part.high) if is_log else (part.low + part.high) / 2
    low, middle, high = np.quantile(ys, (0.25, 0.5, 0.75)).tolist()
    return SliceSummary(part.label, x, len(ys), middle, low, high)


def _text(summary: SliceSummary, x: Quantity, y: Quantity, what: str, spread: str) -> str:
    low, middle, high = map(y.format, (summary.low, summary.middle, summary.high))
    lines = (
        f"{x.short}: {summary.label}",
        f"{what} of {counted(summary.trials, 'trial')}: {middle}",
        f"{spread}: {low} to {high}",
    )
    return "<br>".join(map(theme.escape, lines))
