"""Differences of confirmed networks with intervals and every seed: a forest plot."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import plotly.graph_objects as go

from dashboards.elements import theme
from dashboards.elements.caption import short_budget
from dashboards.elements.picture import Columns, PictureInfo
from dashboards.picture_entry import PictureEntry
from pnn_core.parts import palette
from study.results.forest import (
    NO_VERDICT,
    ForestGroup,
    ForestRow,
    forest_groups,
    forest_range,
    headline,
)
from study.results.mlflow.loaded_study import LoadedStudy
from study.results.paired_comparison import compare
from study.results.plural import counted
from study.results.statistics.confidence_intervals import CONFIDENCE
from study.results.statistics.verdicts import Verdict

_ROW_PIXELS = 44
_FRAME_PIXELS = 150
_WORDS_ABOVE, _SEEDS_BELOW = 0.38, 0.26
"""Distances from a row's interval, in rows."""


class _Look(NamedTuple):
    """Marker of a verdict: its colour and a symbol, so that nobody needs the colour."""

    colour: str
    symbol: str


_LOOKS = {
    str(Verdict.BETTER): _Look(palette.GREEN, "triangle-right"),
    str(Verdict.WORSE): _Look(palette.VERMILION, "triangle-left"),
    str(Verdict.EQUIVALENT): _Look(palette.BLUE, "diamond"),
    str(Verdict.UNDECIDED): _Look(palette.GREY, "circle-open"),
    NO_VERDICT: _Look(palette.GREY, "x-thin-open"),
}


@dataclass(frozen=True, kw_only=True)
class DifferencesInfo(PictureInfo):
    """Words and data of the picture.

    Attributes:
        merit: Name of the figure that is compared.
        groups: Comparisons from top to bottom, the one named beforehand first.
    """

    merit: str
    groups: tuple[ForestGroup, ...]

    @property
    def rows(self) -> tuple[ForestRow, ...]:
        """Comparisons of all groups."""
        return tuple(row for group in self.groups for row in group.rows)


class _Placed(NamedTuple):
    """A comparison and its place, counted in rows from the top."""

    place: float
    label: str
    row: ForestRow


def get_differences_info(study: LoadedStudy) -> DifferencesInfo:
    """Collect what the picture shows."""
    comparisons, label = compare(study), study.info.task.label
    groups = forest_groups(comparisons)
    rows = [row for group in groups for row in group.rows]
    verdicts = [row.verdict for row in rows]
    counts = ", ".join(f"{verdicts.count(v)} {v}" for v in _LOOKS if v in verdicts)
    return DifferencesInfo(
        title=f"Differences of test {study.info.task.label} with their verdicts: {study.info.name}",
        merit=label,
        common=(f"{short_budget(study)}.",),
        sentences=(
            *([headline(comparisons, study.records)] if groups else []),
            f"{theme.capitalised(label)} of the first minus that of the second: right of zero, the "
            "first is better.",
            f"Bars are {CONFIDENCE:.0%} t intervals, not adjusted for their number, as verdicts "
            "are.",
            "Small marks are seeds; shades, where there are any, differences too small to matter.",
            *_beyond_axis(rows),
        ),
        description=f"Forest plot of {counted(len(verdicts), 'comparison')}: {counts or 'none'}.",
        groups=groups,
        instead="" if groups else "Nothing to compare: no control was confirmed (--controls).",
    )


def get_differences_figure(info: DifferencesInfo) -> go.Figure:
    """Draw it: a row for each comparison, below the heading of its group."""
    figure = theme.new_figure()
    placed, length = _placed(info.groups)
    low, high = forest_range([_drawn(row) for row in info.rows])
    figure.add_trace(_seeds_trace(placed))
    for verdict, look in _LOOKS.items():
        here = [each for each in placed if each.row.verdict == verdict]
        if here:
            figure.add_trace(_means_trace(here, verdict, look))
    _add_limits(figure, placed)
    _add_words(figure, info.groups, placed)
    figure.add_vline(x=0, line={"color": palette.GREY, "width": 1})
    return figure.update_layout(
        height=_FRAME_PIXELS + round(_ROW_PIXELS * length),
        xaxis={
            "title": {"text": f"First − second (points of test {info.merit})"},
            "range": [low, high],
        },
        yaxis={
            "range": [length - 0.5, -0.6],
            "tickvals": [each.place for each in placed],
            "ticktext": [theme.escape(each.label) for each in placed],
            "ticks": "",
            "showgrid": False,
            "fixedrange": True,
        },
    )


def _drawn(row: ForestRow) -> tuple[float, ...]:
    return (*row.ends, *row.seeds)


def _beyond_axis(rows: Sequence[ForestRow]) -> list[str]:
    """Say how many rows the axis does not hold, where there are any."""
    if not rows:
        return []
    drawn = [_drawn(row) for row in rows]
    low, high = forest_range(drawn)
    beyond = sum(min(row) < low or max(row) > high for row in drawn)
    if not beyond:
        return []
    return [
        f"Rows that reach beyond the axis: {beyond} of {len(rows)}; zoom out to see their ends."
    ]


def _placed(groups: Sequence[ForestGroup]) -> tuple[list[_Placed], float]:
    """Return the comparisons with their places, and the number of rows with all headings."""
    placed = []
    place = 0.0
    for group in groups:
        for number, (label, row) in enumerate(zip(group.labels, group.rows, strict=True), 1):
            placed.append(_Placed(place + number, label, row))
        place += len(group.rows) + 1.1
    return placed, place


def _add_words(figure: go.Figure, groups: Sequence[ForestGroup], placed: Sequence[_Placed]) -> None:
    """Write headings, and above each interval its figures: no reader needs the pointer."""
    above = {id(each.row): each.place - 1 for each in placed}
    for group in groups:
        figure.add_annotation(
            text=f"<b>{theme.escape(group.heading)}</b>",
            x=0,
            xref="paper",
            xanchor="left",
            y=above[id(group.rows[0])] + 0.1,
            showarrow=False,
        )
    for place, _, row in placed:
        verdict = row.verdict
        if verdict in (Verdict.BETTER, Verdict.WORSE, Verdict.EQUIVALENT):
            verdict = f"<b>{verdict}</b>"
        figure.add_annotation(
            text=f"{row.figures}, n = {row.n}: {verdict}",
            x=1,
            xref="paper",
            xanchor="right",
            y=place - _WORDS_ABOVE,
            showarrow=False,
            font_size=11,
        )


def _seeds_trace(placed: Iterable[_Placed]) -> go.Scatter:
    placed = [*placed]
    return go.Scatter(
        x=[value for each in placed for value in each.row.seeds],
        # Beneath the mean, so that neither hides the other.
        y=[each.place + _SEEDS_BELOW for each in placed for _ in each.row.seeds],
        mode="markers",
        name="one seed",
        hoverinfo="x",
        marker={"size": 7, "symbol": "line-ns-open", "color": palette.GREY},
    )


def _add_limits(figure: go.Figure, placed: Iterable[_Placed]) -> None:
    """Shade what would not matter."""
    for place, _, row in placed:
        if row.matters is not None:
            figure.add_shape(
                x0=-row.matters,
                x1=row.matters,
                y0=place - 0.5,
                y1=place + 0.5,
                fillcolor=palette.GREY,
                opacity=0.15,
                line_width=0,
                layer="below",
            )


def _means_trace(placed: Sequence[_Placed], verdict: str, look: _Look) -> go.Scatter:
    here = [each.row for each in placed]
    # Plotly draws a missing bar as none.
    up = [math.nan if row.high is None else row.high - row.mean for row in here]
    down = [math.nan if row.low is None else row.mean - row.low for row in here]
    bars = {"array": up, "arrayminus": down, "color": look.colour, "thickness": 2.5, "width": 5}
    return go.Scatter(
        x=[row.mean for row in here],
        y=[each.place for each in placed],
        error_x=bars,
        mode="markers",
        name=verdict,
        hovertext=[theme.escape(row.sentence) for row in here],
        hoverinfo="text",
        marker={
            "size": 12,
            "symbol": look.symbol,
            "color": look.colour,
            "line": {"width": 2, "color": look.colour},
        },
    )


def _columns(info: DifferencesInfo) -> Columns:
    rows = info.rows
    fields = [name for name in ForestRow._fields if name != "seeds"]
    columns = {name: [getattr(row, name) for row in rows] for name in fields}
    return {**columns, "seeds": [", ".join(f"{v:.4g}" for v in row.seeds) for row in rows]}


DIFFERENCES = PictureEntry(
    name="differences",
    views=("compare",),
    info=lambda scene: get_differences_info(scene.study),
    figure=get_differences_figure,
    columns=_columns,
)
