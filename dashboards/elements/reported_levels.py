"""Figures that others reported of networks of unknown size, as lines across a front."""

from collections.abc import Sequence
from typing import NamedTuple

import plotly.graph_objects as go

from dashboards.elements import theme
from dashboards.elements.layers import layer_look
from dashboards.elements.picture import Cell
from pnn_core.parts import palette
from study.results.plural import counted
from study.results.published_results import ReportedResult, reported_results

_BEYOND = 1.02
"""Factor by which lines reach beyond the sizes, so that no end is taken for a network of a size."""


class ReportedLevel(NamedTuple):
    """One reported figure, which has no place along an axis of sizes.

    Attributes:
        network: Network and its settings, in the source's words.
        layer: Its spatial layer.
        source: Where it was reported, and by which protocol.
        value: Figure of merit, a fraction.
        is_detector: True if it is a mean average precision.
    """

    network: str
    layer: str
    source: str
    value: float
    is_detector: bool

    @property
    def words(self) -> str:
        """Network and figure in a few words."""
        return f"{self.network}, {layer_look(self.layer).name}: {100 * self.value:.1f} %"


def reported_levels(dataset: str) -> tuple[ReportedLevel, ...]:
    """Every figure reported for a data set, from the lowest, if the size of none is known.

    Where that of some is, they are points (`reported_points`) and the others are left out.
    """
    rows = [row for row in reported_results() if row.dataset == dataset]
    if any(row.learnable_params is not None for row in rows):
        return ()
    levels = [
        ReportedLevel(
            network=_network(row),
            layer=row.layer,
            source=f"{row.source}, {row.where}: {row.protocol}",
            value=row.value,
            is_detector=row.metric == "mAP",
        )
        for row in rows
    ]
    return tuple(sorted(levels, key=lambda level: level.value))


def describe_levels(levels: Sequence[ReportedLevel]) -> list[str]:
    """Describe the lines; none where there are none."""
    if not levels:
        return []
    has_detectors = any(level.is_detector for level in levels)
    start = ", detectors from weights of ImageNet" if has_detectors else ""
    # Their words stand here: beside lines that lie close together they would lie on them.
    return [
        f"Dotted lines with hollow ends: {counted(len(levels), 'figure')} reported by others, of "
        "networks whose size is not known here; one run each, at another budget and by another "
        f"protocol{start}: {'; '.join(level.words for level in reversed(levels))}."
    ]


def level_traces(
    levels: Sequence[ReportedLevel], sizes: Sequence[float], unit: float = 1.0
) -> list[go.Scatter]:
    """Draw a line for each figure, with one entry of the legend for all.

    Args:
        levels: Figures, from the lowest.
        sizes: All that the axis of sizes holds; no line is drawn along an empty one.
        unit: Multiple of an accuracy that the axis shows: 100 for percent.
    """
    if not sizes:
        return []
    ends = [min(sizes) / _BEYOND, max(sizes) * _BEYOND]
    traces: list[go.Scatter] = []
    for level in levels:
        shown = layer_look(level.layer)
        trace = go.Scatter(
            x=ends,
            y=[unit * level.value] * 2,
            hovertext=f"<b>reported</b><br>{theme.escape(level.words)}"
            f"<br>{theme.escape(level.source)}",
            hoverinfo="text",
            mode="lines+markers",
            name="reported",
            legendgroup="reported",
            showlegend=not traces,
            line={"dash": "dot", "width": 1.5, "color": palette.GREY},
            marker={"size": 12, "symbol": f"{shown.symbol}-open", "color": palette.GREY},
        )
        traces.append(trace)
    return traces


def level_columns(levels: Sequence[ReportedLevel], merit: str) -> dict[str, list[Cell]]:
    """Return the figures for files.

    Args:
        levels: Figures.
        merit: Name of the figure of merit.
    """
    return {
        "kind": ["reported"] * len(levels),
        merit: [level.value for level in levels],
        "tested_layer": [level.layer for level in levels],
        "network": [level.network for level in levels],
    }


def _network(row: ReportedResult) -> str:
    """Name a network and what tells it from others of its table."""
    facts = [row.model or "unnamed network"]
    if row.mask_count is not None:
        facts.append(f"{row.mask_count} masks")
    if row.noise_level is not None:
        facts.append(f"level {row.noise_level:g}")
    return ", ".join(facts)
