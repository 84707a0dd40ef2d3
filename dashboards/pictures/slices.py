"""Accuracy against one setting, whatever the others are (the paper's Figure 6, Tables 3 and 5)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go

from dashboards.elements import theme
from dashboards.elements.axes import axis_of
from dashboards.elements.colour import ColourGroup, colour_groups
from dashboards.elements.complete_trials import CompleteTrials, complete_trials
from dashboards.elements.file_column import as_column
from dashboards.elements.picture import Columns, PictureInfo
from dashboards.elements.quantity import Quantity, objective_quantity
from dashboards.elements.setting_axis import SettingAxis
from dashboards.elements.setting_parts import divide
from dashboards.elements.trial_hover import template_text
from dashboards.elements.trial_words import describe_complete, describe_undrawn, tell_why_empty
from dashboards.picture_entry import PictureEntry
from dashboards.pictures.objective_importance import evaluate_importance
from dashboards.pictures.reported_slice import (
    ReportedFigure,
    describe_reported,
    reported_figures,
    reported_trace,
)
from dashboards.pictures.slice_summary import SliceSummary, summarise, summary_trace
from dashboards.scene import Scene
from pnn_core.config import ParameterValue
from pnn_core.parts import palette
from study.results.mlflow.loaded_study import LoadedStudy
from study.results.objective import OBJECTIVES
from study.results.plural import counted

BINS = 8
FADED = 0.4
"""Opacity of what is not selected."""

_FEW_COUNTS = 6


class SlicePoint(NamedTuple):
    """One complete trial.

    Attributes:
        number: Number of the trial.
        x: Value of the setting.
        y: Value of the metric.
        colour: Value of the setting that tells its colour; None where it has none.
    """

    number: int
    x: float | str
    y: float
    colour: ParameterValue | None = None


@dataclass(frozen=True, kw_only=True)
class SliceInfo(PictureInfo):
    """Words and data of the picture.

    Attributes:
        x: The setting.
        y: The metric.
        colour: Most important other setting, which colours points; None where there is none.
        points: By number of the trial.
        summaries: Summaries from the smallest value to the largest.
        is_binned: True if values are put together in bins.
        reported: Figures of the paper.
        selected: Trials not faded; None for all.
    """

    x: Quantity
    y: Quantity
    colour: Quantity | None
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
        study: Study as read from the tracker.
        parameter: The setting.
        y: A metric; validation accuracy by default.
        selected: Numbers of the trials to show in full, the others faded; None for all.
    """
    y = y or objective_quantity(OBJECTIVES[study.info.task.validated])
    complete = complete_trials(study)
    colour = _usual_colour(study, complete, parameter, y)
    colours = complete.column(colour) if colour else (None,) * len(complete.numbers)
    points = tuple(
        SlicePoint(complete.numbers[i], value, float(metric), colours[i])
        for i, (value, metric) in complete.placed((parameter, y))
        if not isinstance(metric, str)
    )
    parts = divide(parameter, [point.x for point in points], bins=BINS)
    info = SliceInfo(
        title=f"{theme.capitalised(y.short)} against {parameter.short}: {study.info.name}",
        description=f"Scatter plot of {y.short} against {parameter.short}: no trial.",
        instead=tell_why_empty(study, len(points)),
        x=parameter,
        y=y,
        colour=colour,
        points=points,
        summaries=summarise(parameter, parts, [(point.x, point.y) for point in points]),
        is_binned=any(part.is_bin for part in parts),
        reported=reported_figures(study.info.dataset, parameter, y) if points else (),
        selected=selected,
    )
    sentences = (
        *(_describe(info) if points else ()),
        *(describe_reported(study.info.dataset, parameter, y) if points else ()),
        *describe_undrawn(study, len(points)),
    )
    return replace(
        info,
        common=tuple(describe_complete(study, len(points), (parameter, y))),
        sentences=sentences,
        description=_description(info) if points else info.description,
    )


def get_slice_figure(info: SliceInfo) -> go.Figure:
    """Draw it."""
    figure = theme.new_figure()
    axis = _axis(info)
    figure.add_traces(_point_traces(info, axis))
    figure.add_trace(summary_trace(info.summaries, info.x, info.y, axis, is_binned=info.is_binned))
    if info.reported:
        figure.add_trace(reported_trace(info.reported, info.x, info.y, axis))
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
        figure.add_vline(x=broken, line={"dash": "dot", "color": palette.GREY, "width": 1})
    return figure.update_layout(
        xaxis=axis.layout(),
        yaxis=axis_of(info.y, [p.y for p in info.points], log=info.y.spans_decades),
        legend={"y": 1.07},
        showlegend=True,
    )


def _columns(info: SliceInfo) -> Columns:
    what = "median" if info.is_binned else "mean"
    xs = [p.x for p in info.points] + [s.x for s in info.summaries] + [r.x for r in info.reported]
    points, summaries, reported = map(len, (info.points, info.summaries, info.reported))
    beside = [None] * (summaries + reported)
    colours = (
        {info.colour.name: as_column([*(p.colour for p in info.points), *beside])}
        if (info.colour)
        else {}
    )
    return {
        "what": ["trial"] * points + [what] * summaries + ["reported"] * reported,
        "trial": [*(p.number for p in info.points), *beside],
        **colours,
        info.x.name: as_column(xs),
        info.y.name: [
            *(p.y for p in info.points),
            *(s.middle for s in info.summaries),
            *(r.y for r in info.reported),
        ],
        "n": [*[None] * points, *(s.trials for s in info.summaries), *[None] * reported],
        "low": [*[None] * points, *(s.low for s in info.summaries), *[None] * reported],
        "high": [*[None] * points, *(s.high for s in info.summaries), *[None] * reported],
    }


def _axis(info: SliceInfo) -> SettingAxis:
    return SettingAxis(info.x, [*(p.x for p in info.points), *(r.x for r in info.reported)])


def _usual_colour(
    study: LoadedStudy, complete: CompleteTrials, parameter: Quantity, y: Quantity
) -> Quantity | None:
    """Return the most important other setting, by PED-ANOVA; the first one where nothing is."""
    others = [quantity for quantity in complete.searched if quantity.name != parameter.name]
    objectives = study.info.objectives
    if y.name not in [objective.name for objective in objectives]:
        objectives = tuple(o for o in OBJECTIVES.values() if o.name == y.name)
    if len(others) < 2 or not objectives:
        return others[0] if others else None
    found = evaluate_importance(complete, objectives, "ped_anova", limit=None)
    bars = next(importance.bars for importance in found if importance.objective.name == y.name)
    important = (bar.setting for bar in bars if bar.setting.name != parameter.name)
    return next(important, others[0])


def _point_traces(info: SliceInfo, axis: SettingAxis) -> list[go.Scatter | go.Scattergl]:
    """Draw trials by their colour, those that are not selected faded and first."""
    traces = []
    for group in colour_groups(info.colour, [point.colour for point in info.points]):
        is_full = [
            info.selected is None or info.points[i].number in info.selected for i in group.places
        ]
        for full in sorted({*is_full}):
            here = [j for j, it in enumerate(is_full) if it is full]
            trace = _points(info, axis, group, here)
            if not full:
                trace.update(opacity=FADED, showlegend=not any(is_full))
                trace.marker.showscale = not any(is_full)
            if group.name == "trials":
                kind = "selected trials" if full else "other trials"
                trace.update(name="trials" if info.selected is None else kind, showlegend=True)
            traces.append(trace)
    return traces


def _points(
    info: SliceInfo, axis: SettingAxis, group: ColourGroup, places: Sequence[int]
) -> go.Scatter | go.Scattergl:
    """Draw some points of a group; `places` count within it."""
    points = [info.points[group.places[j]] for j in places]
    quantities = [info.x, info.y, *([info.colour] if info.colour else [])]
    lines = [
        f"{template_text(quantity.short)}: %{{customdata[{i}]}}"
        for i, quantity in enumerate(quantities, start=1)
    ]
    colours = group.marker["color"]
    many = len(info.points) > theme.MANY_POINTS
    return theme.scatter(
        len(info.points),
        # Arrays: Plotly looks at each item of a list.
        x=np.array([axis.stand(point.x) for point in points]),
        y=np.array([point.y for point in points]),
        mode="markers",
        name=theme.escape(group.name),
        legendgroup=theme.escape(group.name),
        customdata=np.array([_cells(info, point) for point in points], dtype=object),
        hovertemplate="<br>".join(["trial %{customdata[0]}", *lines]) + "<extra></extra>",
        marker={
            **group.marker,
            "color": colours[[*places]] if isinstance(colours, np.ndarray) else colours,
            "size": 4 if many else 8,
            "opacity": max(0.2, min(0.85, 200 / max(len(info.points), 1))),
            "line": {"width": 0 if many else 0.5, "color": palette.GREY},
        },
    )


def _cells(info: SliceInfo, point: SlicePoint) -> list[object]:
    cells = [point.number, theme.escape(info.x.format(point.x)), info.y.format(point.y)]
    return [*cells, theme.escape(info.colour.format(point.colour))] if info.colour else cells


def _describe(info: SliceInfo) -> list[str]:
    x = info.x.short
    sentences = [
        f"Squares: in each of at most {BINS} bins of {x} the median of its complete trials; "
        "whiskers hold their middle half. Above the plot, trials in each bin."
        if info.is_binned
        else f"Squares: the mean of the complete trials of each {x}; whiskers reach from the "
        "lowest to the highest. Above the plot, trials of each; one alone has no square.",
        f"A slice is no experiment with all else equal: other settings differ from point to point, "
        f"and a slope need not come from {x}.",
    ]
    if info.colour is not None:
        sentences.append(
            f"Colours: {info.colour.short}, which matters most besides, by PED-ANOVA, or is the "
            "first setting searched where that finds nothing."
        )
    if info.selected is not None:
        chosen = sum(point.number in info.selected for point in info.points)
        sentences.append(
            f"{counted(chosen, 'selected trial')} in full, the others faded; the squares stay "
            "those of all, as trials chosen by their accuracy would flatter a setting."
        )
    return sentences


def _description(info: SliceInfo) -> str:
    what = "median" if info.is_binned else "mean"
    best = max(info.summaries, key=lambda summary: summary.middle)
    worst = min(info.summaries, key=lambda summary: summary.middle)
    return (
        f"Scatter plot of {info.y.short} against {info.x.short}, "
        f"{counted(len(info.points), 'trial')}. Highest {what} {info.y.format(best.middle)} at "
        f"{best.label}, lowest {info.y.format(worst.middle)} at {worst.label}."
    )


def _brushes(info: SliceInfo) -> tuple[str, ...]:
    # A box over names means no numbers.
    has_names = any(isinstance(point.x, str) for point in info.points)
    return () if has_names else (info.x.name, info.y.name)


def _info(scene: Scene, place: int) -> SliceInfo:
    parameter = scene.two_settings("noise_level", "mask_count")[place]
    return get_slice_info(
        scene.study, parameter=parameter, y=scene.quantity("y"), selected=scene.selected
    )


SLICE = PictureEntry(
    name="slice",
    views=("matters",),
    options=("parameter", "second"),
    info=lambda scene: _info(scene, 0),
    figure=get_slice_figure,
    columns=_columns,
    brushes=_brushes,
    zero_below=lambda info: _axis(info).break_at(),
)
SECOND_SLICE = replace(SLICE, name="second-slice", info=lambda scene: _info(scene, 1))
