"""Differences of confirmed networks with intervals and every seed: a forest plot."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import plotly.graph_objects as go

from dashboards.elements import theme
from dashboards.elements.caption import short_budget
from dashboards.elements.picture import Columns, PictureInfo
from dashboards.picture_entry import PictureEntry
from study.results.comparison_words import describe_with_trial
from study.results.mlflow.loaded_study import LoadedStudy
from study.results.paired_comparison import Comparison, Standing, compare
from study.results.plural import counted
from study.results.statistics.confidence_intervals import CONFIDENCE
from study.results.statistics.verdicts import Verdict

_ROW_PIXELS = 34
_FRAME_PIXELS = 190

NO_VERDICT = "no verdict"
"""Word in the legend for comparisons of too few seeds."""


class _Look(NamedTuple):
    """Marker of a verdict: its colour and a symbol, so that nobody needs the colour."""

    colour: str
    symbol: str


_LOOKS = {
    str(Verdict.BETTER): _Look(theme.GREEN, "triangle-right"),
    str(Verdict.WORSE): _Look(theme.VERMILION, "triangle-left"),
    str(Verdict.EQUIVALENT): _Look(theme.BLUE, "diamond"),
    str(Verdict.UNDECIDED): _Look(theme.GREY, "circle-open"),
    NO_VERDICT: _Look(theme.GREY, "x-thin-open"),
}


class DifferenceRow(NamedTuple):
    """One comparison.

    Attributes:
        label: Names of both networks.
        standing: Reason why they are compared.
        mean: Mean difference over the seeds, in points.
        low: Lower end of its interval; None below three seeds.
        high: Upper end; None below three seeds.
        seeds: Difference of each seed, in points.
        matters: Smallest difference that would matter, in points; None where none was named.
        verdict: Verdict, or that there is none.
        sentence: All of it in words.
    """

    label: str
    standing: str
    mean: float
    low: float | None
    high: float | None
    seeds: tuple[float, ...]
    matters: float | None
    verdict: str
    sentence: str


@dataclass(frozen=True, kw_only=True)
class DifferencesInfo(PictureInfo):
    """Words and data of the picture.

    Attributes:
        rows: Comparisons from top to bottom, planned ones first.
    """

    rows: tuple[DifferenceRow, ...]


def get_differences_info(study: LoadedStudy) -> DifferencesInfo:
    """Collect what the picture shows."""
    comparisons = compare(study)
    rows = tuple(_row(comparison) for comparison in comparisons if comparison.difference)
    verdicts = [row.verdict for row in rows]
    counts = ", ".join(f"{verdicts.count(v)} {v}" for v in _LOOKS if v in verdicts)
    return DifferencesInfo(
        title=f"Differences of test accuracy with their verdicts: {study.info.name}",
        caption=(
            f"{short_budget(study)}. Accuracy of the first minus that of the second: right of "
            f"zero, the first is better. Bars are {CONFIDENCE:.0%} t intervals, not adjusted for "
            "their number, as verdicts are. Small marks are seeds; brackets, where there are any, "
            "the smallest difference that would matter."
        ),
        description=f"Forest plot of {counted(len(rows), 'comparison')}: {counts or 'none'}.",
        rows=rows,
        instead="" if rows else "Nothing to compare: no control was confirmed (--controls).",
    )


def get_differences_figure(info: DifferencesInfo) -> go.Figure:
    """Draw it: a row for each comparison."""
    figure = theme.new_figure()
    figure.add_trace(_seeds_trace(info.rows))
    if any(row.matters is not None for row in info.rows):
        figure.add_trace(_matters_trace(info.rows))
    for verdict, look in _LOOKS.items():
        places = [place for place, row in enumerate(info.rows) if row.verdict == verdict]
        if places:
            figure.add_trace(_means_trace(info.rows, places, verdict, look))
    figure.add_vline(x=0, line={"color": theme.GREY, "width": 1})
    return figure.update_layout(
        height=_FRAME_PIXELS + _ROW_PIXELS * len(info.rows),
        xaxis={"title": {"text": "First minus second (points of test accuracy)"}},
        yaxis={
            "range": [len(info.rows) - 0.5, -0.5],
            "tickvals": [*range(len(info.rows))],
            "ticktext": [theme.escape(row.label) for row in info.rows],
            "ticks": "",
            "fixedrange": True,
        },
    )


def _row(comparison: Comparison) -> DifferenceRow:
    first, second = comparison.first.test_accuracies, comparison.second.test_accuracies
    seeds = sorted(first.keys() & second.keys())
    difference = comparison.difference
    interval = None if difference is None else difference.interval
    label = f"{comparison.names[0]} over {comparison.names[1]}"
    if comparison.standing is Standing.CONTROL:
        label = f"trial {comparison.first.trial} over {comparison.names[1]}"
    return DifferenceRow(
        label=label,
        standing=str(comparison.standing),
        mean=math.nan if difference is None else 100 * difference.mean,
        low=None if interval is None else 100 * interval[0],
        high=None if interval is None else 100 * interval[1],
        seeds=tuple(100 * (first[seed] - second[seed]) for seed in seeds),
        matters=None if comparison.matters is None else 100 * comparison.matters,
        verdict=NO_VERDICT if comparison.verdict is None else str(comparison.verdict),
        sentence=describe_with_trial(comparison),
    )


def _seeds_trace(rows: Sequence[DifferenceRow]) -> go.Scatter:
    return go.Scatter(
        x=[value for row in rows for value in row.seeds],
        # Beneath the mean, so that neither hides the other.
        y=[place + 0.22 for place, row in enumerate(rows) for _ in row.seeds],
        mode="markers",
        name="one seed",
        hoverinfo="x",
        marker={"size": 7, "symbol": "line-ns-open", "color": theme.GREY},
    )


def _matters_trace(rows: Sequence[DifferenceRow]) -> go.Scatter:
    limits = [(place, row.matters) for place, row in enumerate(rows) if row.matters is not None]
    return go.Scatter(
        x=[x for _, matters in limits for x in (-matters, matters)],
        y=[place for place, _ in limits for _ in range(2)],
        mode="text",
        text=["[", "]"] * len(limits),
        textfont={"size": 22},
        name="would matter",
        showlegend=False,
        hoverinfo="skip",
    )


def _means_trace(
    rows: Sequence[DifferenceRow], places: Sequence[int], verdict: str, look: _Look
) -> go.Scatter:
    here = [rows[place] for place in places]
    # Plotly draws a missing bar as none.
    up = [math.nan if row.high is None else row.high - row.mean for row in here]
    down = [math.nan if row.low is None else row.mean - row.low for row in here]
    bars = {"array": up, "arrayminus": down, "color": look.colour, "thickness": 1.8, "width": 5}
    return go.Scatter(
        x=[row.mean for row in here],
        y=[*places],
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
    fields = [name for name in DifferenceRow._fields if name != "seeds"]
    columns = {name: [getattr(row, name) for row in info.rows] for name in fields}
    return {**columns, "seeds": [", ".join(f"{v:.4g}" for v in row.seeds) for row in info.rows]}


DIFFERENCES = PictureEntry(
    name="differences",
    views=("compare",),
    info=lambda scene: get_differences_info(scene.study),
    figure=get_differences_figure,
    columns=_columns,
)
