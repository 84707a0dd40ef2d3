"""Accuracy against one setting, whatever the others are (the paper's Figure 6, Tables 3 and 5)."""

import itertools
import math
import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go

from dashboards.pictures import look
from dashboards.pictures.front import axis_of
from dashboards.pictures.parallel import SettingAxis
from dashboards.pictures.picture import Picture
from dashboards.pictures.quantity import Quantity, objective_quantity
from dashboards.pictures.trial_words import (
    as_column,
    complete_trials,
    describe_complete,
    tell_why_empty,
)
from study.results.counted import counted
from study.results.mlflow.loaded_study import LoadedStudy
from study.results.objective import OBJECTIVES
from study.results.reported import PAPER, ReportedResult, reported_results

FEW_VALUES = 12
"""Up to so many values of a setting stand each for itself; more are put together."""
BINS = 8
FADED = 0.4
"""Opacity of what is not selected."""

_FEW_COUNTS = 6
_BESIDE = 0.015  # of the axis
_TABLES = {"noise_level": "Table 3", "mask_count": "Table 5", "batch_size": "Table 6"}
"""Of the paper, by the setting along which it goes."""


class Part(NamedTuple):
    """A part of the values of a setting.

    Attributes:
        label: Its one value, or both ends.
        low: Its lower end, as `high` None of names.
        high: Its upper end.
        places: Of its members in the sequence that was divided, in order.
    """

    label: str
    low: float | None
    high: float | None
    places: tuple[int, ...]


class SlicePoint(NamedTuple):
    """One complete trial.

    Attributes:
        number: Of the trial.
        x: Value of the setting.
        y: Of the metric.
    """

    number: int
    x: float | str
    y: float


class SliceSummary(NamedTuple):
    """The trials of one value of the setting, or of one bin.

    Attributes:
        label: The value, or both ends of the bin.
        x: Where it is drawn: the value, or the middle of the bin.
        trials: How many.
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


class ReportedFigure(NamedTuple):
    """A figure of the paper for the same data set.

    Attributes:
        x: Value of the setting.
        y: Test accuracy, a fraction.
        text: Where it stands, and the network.
    """

    x: float
    y: float
    text: str


class SliceInfo(NamedTuple):
    """Everything that the picture shows.

    Attributes:
        title: What it shows.
        caption: Of what it is drawn, and what must not be concluded.
        description: For those who do not see it.
        message: What to do where nothing is drawn; empty otherwise.
        x: The setting.
        y: The metric.
        points: By number of the trial.
        summaries: From the smallest value to the largest.
        is_binned: Whether values are put together in bins.
        reported: Figures of the paper.
        selected: Trials not faded; None for all.
    """

    title: str
    caption: str
    description: str
    message: str
    x: Quantity
    y: Quantity
    points: tuple[SlicePoint, ...]
    summaries: tuple[SliceSummary, ...]
    is_binned: bool
    reported: tuple[ReportedFigure, ...]
    selected: frozenset[int] | None


def get_slice_info(
    study: LoadedStudy,
    *,
    parameter: Quantity,
    y: Quantity | None = None,
    selected: frozenset[int] | None = None,
) -> SliceInfo:
    """Collect what the picture shows.

    Args:
        study: As read from the tracker.
        parameter: The setting.
        y: A metric; validation accuracy by default.
        selected: Numbers of the trials to show in full, the others faded; None for all.
    """
    y = y or objective_quantity(OBJECTIVES["val_accuracy"])
    complete = complete_trials(study)
    points = tuple(
        SlicePoint(number, value, float(metric))
        for number, value, metric in zip(
            complete.numbers, complete.axis(parameter), complete.axis(y), strict=True
        )
        if value is not None and metric is not None and not isinstance(metric, str)
    )
    parts = divide(parameter, [point.x for point in points], bins=BINS)
    is_binned = any(part.low != part.high for part in parts)
    info = SliceInfo(
        title=f"{look.capitalised(y.short)} against {parameter.short}: {study.info.name}",
        caption="",
        description=f"Scatter plot of {y.short} against {parameter.short}: no trial.",
        message=tell_why_empty(study, len(points)),
        x=parameter,
        y=y,
        points=points,
        summaries=tuple(
            _summary(parameter, part, points, is_binned) for part in parts if part.places
        ),
        is_binned=is_binned,
        reported=_reported(study.info.dataset, parameter, y) if points else (),
        selected=selected,
    )
    sentences = [
        *describe_complete(study, len(points), (parameter, y)),
        *_describe_points(info),
        *_describe_reported(info, study.info.dataset),
    ]
    return info._replace(
        caption=" ".join(sentences), description=_description(info) if points else info.description
    )


def get_slice_figure(info: SliceInfo) -> go.Figure:
    """Draw it."""
    figure = look.new_figure()
    if info.message:
        return look.say_instead(figure, info.message)
    axis = SettingAxis(info.x, [*(p.x for p in info.points), *(r.x for r in info.reported)])
    chosen = [p for p in info.points if info.selected is None or p.number in info.selected]
    rest = [p for p in info.points if info.selected is not None and p.number not in info.selected]
    size = len(info.points)
    if rest:
        figure.add_trace(_points(info, axis, rest, size).update(opacity=FADED, name="other trials"))
    name = "trials" if info.selected is None else "selected trials"
    figure.add_trace(_points(info, axis, chosen, size).update(name=name))
    figure.add_trace(_summaries(info, axis))
    if info.reported:
        figure.add_trace(_reported_trace(info, axis))
    scaled = math.log10 if axis.is_log else float
    n = "n=" if len(info.summaries) <= _FEW_COUNTS else ""
    for summary in info.summaries:
        # A row of its own above the plot: no number lies on a point.
        figure.add_annotation(
            text=f"{n}{summary.trials}",
            x=scaled(axis.stand(summary.x)),
            y=1,
            yref="paper",
            yanchor="bottom",
            showarrow=False,
            font_size=10,
        )
    if (broken := axis.break_at()) is not None:
        figure.add_vline(x=broken, line={"dash": "dot", "color": look.GREY, "width": 1})
    return figure.update_layout(
        xaxis=axis.layout(),
        yaxis=axis_of(info.y, [p.y for p in info.points], log=info.y.spans_decades),
        legend={"y": 1.07},
        showlegend=True,
    )


def get_slice_picture(info: SliceInfo) -> Picture:
    """The picture with its words and data."""
    what = "median" if info.is_binned else "mean"
    xs = [p.x for p in info.points] + [s.x for s in info.summaries] + [r.x for r in info.reported]
    points, summaries, reported = map(len, (info.points, info.summaries, info.reported))
    return Picture(
        name="slice",
        title=info.title,
        caption=info.caption,
        description=info.description,
        figure=get_slice_figure(info),
        data={
            "what": ["trial"] * points + [what] * summaries + ["reported"] * reported,
            "trial": [*(p.number for p in info.points), *[None] * (summaries + reported)],
            info.x.name: as_column(xs),
            info.y.name: [
                *(p.y for p in info.points),
                *(s.middle for s in info.summaries),
                *(r.y for r in info.reported),
            ],
            "n": [*[None] * points, *(s.trials for s in info.summaries), *[None] * reported],
            "low": [*[None] * points, *(s.low for s in info.summaries), *[None] * reported],
            "high": [*[None] * points, *(s.high for s in info.summaries), *[None] * reported],
        },
        # A box over names means no numbers.
        brushes=() if any(isinstance(x, str) for x in xs) else (info.x.name, info.y.name),
    )


def divide(quantity: Quantity, values: Sequence[float | str], *, bins: int) -> tuple[Part, ...]:
    """Divide values into parts, the smallest first.

    Names and few distinct numbers are a part each. More numbers are put together in bins of equal
    width, on a logarithmic scale where that is usual for the quantity and nothing is negative; zero
    is then a part of its own.

    Args:
        quantity: That has the values.
        values: All numbers, or all names.
        bins: How many, those without a value among them.
    """
    places: defaultdict[float | str, list[int]] = defaultdict(list)
    for i, value in enumerate(values):
        places[value].append(i)
    names = {value: found for value, found in places.items() if isinstance(value, str)}
    numbers = {value: found for value, found in places.items() if not isinstance(value, str)}
    if len(numbers) > FEW_VALUES:
        return _bins(quantity, numbers, bins)
    return (
        *(Part(name, None, None, tuple(names[name])) for name in sorted(names)),
        *(Part(quantity.format(v), v, v, tuple(numbers[v])) for v in sorted(numbers)),
    )


def _bins(
    quantity: Quantity, places: Mapping[float, Sequence[int]], count: int
) -> tuple[Part, ...]:
    values = np.array(sorted(places), dtype=float)
    zero: tuple[Part, ...] = ()
    log = quantity.spans_decades and values[0] >= 0
    if log and values[0] == 0:
        zero = (Part(quantity.format(0), 0.0, 0.0, tuple(places[0.0])),)
        values = values[1:]
    edges = (np.geomspace if log else np.linspace)(values[0], values[-1], count + 1)
    if all(isinstance(value, int) for value in places):
        edges = np.unique(np.round(edges))  # whole numbers lie between whole ends
    bin_of = np.searchsorted(edges[1:-1], values, side="right")
    parts = []
    for i, (low, high) in enumerate(itertools.pairwise(edges.tolist())):
        members = sorted(j for value in values[bin_of == i].tolist() for j in places[value])
        label = f"{quantity.format(low)}–{quantity.format(high)}"
        parts.append(Part(label, low, high, tuple(members)))
    return (*zero, *parts)


def _summary(
    quantity: Quantity, part: Part, points: Sequence[SlicePoint], is_binned: bool
) -> SliceSummary:
    ys = [points[i].y for i in part.places]
    x = points[part.places[0]].x
    if not is_binned:
        return SliceSummary(part.label, x, len(ys), statistics.fmean(ys), min(ys), max(ys))
    if part.low is not None and part.high is not None and part.low < part.high:
        is_log = quantity.spans_decades and part.low > 0
        x = math.sqrt(part.low * part.high) if is_log else (part.low + part.high) / 2
    low, middle, high = np.quantile(ys, (0.25, 0.5, 0.75)).tolist()
    return SliceSummary(part.label, x, len(ys), middle, low, high)


def _reported(dataset: str, x: Quantity, y: Quantity) -> tuple[ReportedFigure, ...]:
    if y.name != "val_accuracy":
        return ()
    return tuple(
        ReportedFigure(float(value), row.value, f"{row.where}, {_network(row)}")
        for row in reported_results()
        if row.source == PAPER and row.where == _TABLES.get(x.name) and row.dataset == dataset
        if isinstance(value := row.settings().get(x.name), int | float)
    )


def _network(row: ReportedResult) -> str:
    parts = [row.model]
    if row.mask_count is not None:
        parts.append(counted(row.mask_count, "mask"))
    if row.batch_size is not None:
        parts.append(f"batch size {row.batch_size}")
    return ", ".join(parts)


def _points(
    info: SliceInfo, axis: SettingAxis, points: Sequence[SlicePoint], size: int
) -> go.Scatter | go.Scattergl:
    # Names hold neither markup nor variables of the template.
    x, y = (look.escape(q.short).replace("%{", "%&#123;") for q in (info.x, info.y))
    return look.scatter(
        size,
        # Arrays: Plotly looks at each item of a list.
        x=np.array([axis.stand(point.x) for point in points]),
        y=np.array([point.y for point in points]),
        mode="markers",
        customdata=np.array(
            [[point.number, _text(info.x, point.x), info.y.format(point.y)] for point in points],
            dtype=object,
        ),
        hovertemplate=(
            f"trial %{{customdata[0]}}<br>{x}: %{{customdata[1]}}<br>{y}: %{{customdata[2]}}"
            "<extra></extra>"
        ),
        marker={
            "color": look.BLUE,
            "size": 7 if len(points) <= look.MANY_POINTS else 4,
            "opacity": max(0.2, min(0.75, 200 / max(len(points), 1))),
        },
    )


def _summaries(info: SliceInfo, axis: SettingAxis) -> go.Scatter:
    what = "median" if info.is_binned else "mean"
    has_names = any(isinstance(summary.x, str) for summary in info.summaries)
    return go.Scatter(
        # Beside their points where these stand on one line, as whiskers would cover them.
        x=[
            axis.stand(summary.x) if info.is_binned else axis.beside(summary.x, _BESIDE)
            for summary in info.summaries
        ],
        y=[summary.middle for summary in info.summaries],
        error_y={
            "array": [summary.high - summary.middle for summary in info.summaries],
            "arrayminus": [summary.middle - summary.low for summary in info.summaries],
            "thickness": 1.5,
            "width": 5,
        },
        mode="markers" if has_names else "lines+markers",
        line={"color": look.VERMILION, "width": 2, "dash": "dot"},
        marker={"color": look.VERMILION, "symbol": "square", "size": 9},
        hovertext=[_summary_text(info, summary, what) for summary in info.summaries],
        hoverinfo="text",
        name=f"{what} and {'middle half' if info.is_binned else 'range'}",
    )


def _reported_trace(info: SliceInfo, axis: SettingAxis) -> go.Scatter:
    return go.Scatter(
        x=[axis.stand(figure.x) for figure in info.reported],
        y=[figure.y for figure in info.reported],
        mode="markers",
        marker={
            "color": look.PURPLE,
            "symbol": "diamond-open",
            "size": 12,
            "line": {"width": 2, "color": look.PURPLE},
        },
        hovertext=[
            look.escape(f"{figure.text}: test accuracy {info.y.format(figure.y)} as published")
            for figure in info.reported
        ],
        hoverinfo="text",
        name=f"paper's {_TABLES[info.x.name]}",
    )


def _text(quantity: Quantity, value: float | str) -> str:
    return look.escape(value if isinstance(value, str) else quantity.format(value))


def _summary_text(info: SliceInfo, summary: SliceSummary, what: str) -> str:
    low, middle, high = map(info.y.format, (summary.low, summary.middle, summary.high))
    lines = (
        f"{info.x.short}: {summary.label}",
        f"{what} of {counted(summary.trials, 'trial')}: {middle}",
        f"{'middle half' if info.is_binned else 'range'}: {low} to {high}",
    )
    return "<br>".join(map(look.escape, lines))


def _describe_points(info: SliceInfo) -> list[str]:
    if not info.points:
        return []
    x = info.x.short
    sentences = [
        f"Squares: in each of at most {BINS} bins of {x} the median of its complete trials; "
        "whiskers hold their middle half. Above the plot, trials in each bin."
        if info.is_binned
        else f"Squares: the mean of the complete trials of each {x}; whiskers reach from the "
        "lowest to the highest. Above the plot, trials of each.",
        f"A slice is no experiment with all else equal: other settings differ from point to point, "
        f"and a slope need not come from {x}.",
    ]
    if info.selected is not None:
        chosen = sum(point.number in info.selected for point in info.points)
        sentences.append(
            f"{counted(chosen, 'selected trial')} in full, the others faded; the squares stay "
            "those of all, as trials chosen by their accuracy would flatter a setting."
        )
    return sentences


def _describe_reported(info: SliceInfo, dataset: str) -> list[str]:
    table = _TABLES.get(info.x.name)
    if info.reported:
        return [
            f"Hollow diamonds: test accuracy as published in the paper's {table}, of another "
            "budget and protocol, not to be compared point by point."
        ]
    if table is None or info.y.name != "val_accuracy" or not info.points:
        return []
    where = {row.dataset for row in reported_results() if row.where == table}
    if dataset in where:
        return []
    return [f"The paper's {table} is of {' and '.join(sorted(where))}, and so not drawn."]


def _description(info: SliceInfo) -> str:
    what = "median" if info.is_binned else "mean"
    best = max(info.summaries, key=lambda summary: summary.middle)
    worst = min(info.summaries, key=lambda summary: summary.middle)
    return (
        f"Scatter plot of {info.y.short} against {info.x.short}, "
        f"{counted(len(info.points), 'trial')}. Highest {what} {info.y.format(best.middle)} at "
        f"{best.label}, lowest {info.y.format(worst.middle)} at {worst.label}."
    )
