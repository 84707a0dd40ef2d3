"""The paper's figures beside the trials of a slice."""

from collections.abc import Sequence
from typing import NamedTuple

import plotly.graph_objects as go

from dashboards.elements import theme
from dashboards.elements.quantity import Quantity
from dashboards.elements.setting_axis import SettingAxis
from pnn_core.parts import palette
from study.results.plural import counted
from study.results.published_results import PAPER, ReportedResult, reported_results

_TABLES = {"noise_level": "Table 3", "mask_count": "Table 5", "batch_size": "Table 6"}
"""Tables of the paper, by the setting along which they go."""


class ReportedFigure(NamedTuple):
    """A figure of the paper for the same data set.

    Attributes:
        x: Value of the setting.
        y: Test accuracy, a fraction.
        text: Table and network.
    """

    x: float
    y: float
    text: str


def reported_figures(dataset: str, x: Quantity, y: Quantity) -> tuple[ReportedFigure, ...]:
    """Those of the table along a setting, if it is of the same data set.

    Args:
        dataset: Data set of the study.
        x: The setting.
        y: The metric: the paper has accuracies alone.
    """
    if y.name != "val_accuracy":
        return ()
    return tuple(
        ReportedFigure(float(value), row.value, f"{row.where}, {_network(row)}")
        for row in reported_results()
        if row.source == PAPER and row.where == _TABLES.get(x.name) and row.dataset == dataset
        if isinstance(value := row.settings().get(x.name), int | float)
    )


def reported_trace(
    reported: Sequence[ReportedFigure], x: Quantity, y: Quantity, axis: SettingAxis
) -> go.Scatter:
    """Hollow diamonds.

    Args:
        reported: At least one figure.
        x: The setting.
        y: Accuracy.
        axis: Axis of the setting.
    """
    return go.Scatter(
        x=[axis.stand(figure.x) for figure in reported],
        y=[figure.y for figure in reported],
        mode="markers",
        marker={
            "color": palette.PURPLE,
            "symbol": "diamond-open",
            "size": 12,
            "line": {"width": 2, "color": palette.PURPLE},
        },
        hovertext=[
            theme.escape(f"{figure.text}: test accuracy {y.format(figure.y)} as published")
            for figure in reported
        ],
        hoverinfo="text",
        name=f"paper's {_TABLES[x.name]}",
    )


def describe_reported(dataset: str, x: Quantity, y: Quantity) -> list[str]:
    """Explain the diamonds, or why there are none where a reader of the paper may expect some.

    Args:
        dataset: Data set of the study.
        x: The setting.
        y: The metric.
    """
    table = _TABLES.get(x.name)
    if reported_figures(dataset, x, y):
        return [
            f"Hollow diamonds: test accuracy as published in the paper's {table}, of another "
            "budget and protocol, not to be compared point by point."
        ]
    if table is None or y.name != "val_accuracy":
        return []
    where = {row.dataset for row in reported_results() if row.where == table}
    if dataset in where:
        return []
    return [f"The paper's {table} is of {' and '.join(sorted(where))}, and so not drawn."]


def _network(row: ReportedResult) -> str:
    parts = [row.model]
    if row.mask_count is not None:
        parts.append(counted(row.mask_count, "mask"))
    if row.batch_size is not None:
        parts.append(f"batch size {row.batch_size}")
    return ", ".join(parts)
