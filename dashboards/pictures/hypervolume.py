"""Hypervolume of one or more studies so far: against trials ended, or against wall time."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go

from dashboards.elements import theme
from dashboards.elements.objective_plane import finite_values
from dashboards.elements.objective_scale import BEYOND, ObjectiveScale, objective_scales
from dashboards.elements.picture import Columns, PictureInfo
from dashboards.elements.quantity import Quantity, objective_quantity
from dashboards.elements.series import series_look, shortened
from dashboards.elements.several_studies import (
    clicks,
    comparable,
    describe_studies,
    named,
    reasons_apart,
)
from dashboards.measures.duration import TimeUnit, describe_duration, time_unit
from dashboards.picture_entry import PictureEntry
from dashboards.view_options import Over
from study.results.growing_hypervolume import growing_hypervolume
from study.results.limit import Limits, meets
from study.results.mlflow.loaded_study import LoadedStudy
from study.results.objective import Objective
from study.results.plural import counted
from study.results.run_record import RunRecord, RunState


class HypervolumeLine(NamedTuple):
    """One study: the trials at which its hypervolume grew, and the last that ended.

    Attributes:
        study: Its name.
        sampler: Sampler that it searches with.
        position: Its place among the studies asked for, which gives its look in every picture.
        trials: Number of each of those trials.
        x: Trials ended by then, or seconds since the study began.
        y: Hypervolume, a share of the box between reference and best values.
    """

    study: str
    sampler: str
    position: int
    trials: tuple[int, ...]
    x: tuple[float, ...]
    y: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class HypervolumeInfo(PictureInfo):
    """Words and data of the picture.

    Attributes:
        over: Quantity of the horizontal axis.
        scales: Scales of the objectives; empty where there is nothing to draw.
        lines: Lines of the studies that have one, in the order asked for.
    """

    over: Over
    scales: tuple[ObjectiveScale, ...]
    lines: tuple[HypervolumeLine, ...]


class _Run(NamedTuple):
    """Ended trials of a study, in order, `values` with a row of NaN for what counts nothing."""

    position: int
    study: LoadedStudy
    numbers: list[int]
    x: list[float]
    values: np.ndarray
    unknown: int


def get_hypervolume_info(studies: Sequence[LoadedStudy], *, over: Over) -> HypervolumeInfo:
    """Collect what the picture shows.

    Args:
        studies: Those that cannot be compared with the first are left out, and named.
        over: Horizontal axis: trials that have ended, or seconds since each study began.
    """
    objectives = studies[0].info.objectives
    runs = [_run(study, i, over, objectives) for i, study in comparable(studies)]
    scales = objective_scales(np.concatenate([run.values for run in runs]), objectives)
    lines = tuple(line for run in runs if (line := _line(run, scales)).trials)
    along = "trials ended" if over == "trials" else "wall time"
    last = (f"{line.study}{_by(line, lines)} reaches {line.y[-1]:.3f}" for line in lines)
    return HypervolumeInfo(
        title=f"Hypervolume against {along}: {named([run.study for run in runs])}",
        common=tuple(describe_studies([run.study for run in runs])),
        sentences=tuple(_sentences(studies, runs, scales, over)),
        description=f"A step line for each study: {'; '.join(last) or 'none yet'}.",
        over=over,
        scales=scales,
        lines=lines,
        instead="" if lines else _instead(runs),
    )


def get_hypervolume_figure(info: HypervolumeInfo) -> go.Figure:
    """Draw it."""
    figure = theme.new_figure()
    longest = max(line.x[-1] for line in info.lines)
    unit = time_unit(longest) if info.over == "seconds" else None
    for line in info.lines:
        name = shortened(line.study) + _by(line, info.lines)
        figure.add_traces(_traces(line, theme.escape(name), unit))
    label = f"wall time since the study began ({unit.name})" if unit else "trials ended"
    return figure.update_layout(
        showlegend=True,
        legend_tracegroupgap=0,
        xaxis=theme.axis(label, (), log=False) | {"rangemode": "tozero"},
        yaxis=theme.axis("hypervolume (share of worst to best)", (), log=False),
    )


def _columns(info: HypervolumeInfo) -> Columns:
    along = "trials_ended" if info.over == "trials" else "seconds"
    return {
        "study": [line.study for line in info.lines for _ in line.x],
        "trial": [number for line in info.lines for number in line.trials],
        along: [x for line in info.lines for x in line.x],
        "hypervolume": [y for line in info.lines for y in line.y],
    }


def _run(study: LoadedStudy, position: int, over: Over, objectives: Sequence[Objective]) -> _Run:
    """Its ended trials in the order of their ends; without a known one last, or left out."""
    began = min((r.started_ms for r in study.records if r.started_ms is not None), default=None)
    ended = [record for record in study.records if record.state.is_final]
    timed = [record for record in ended if record.ended_ms is not None and began is not None]
    timed.sort(key=lambda record: (record.ended_ms, record.number))
    if over == "seconds":
        x = [max(0.0, ((r.ended_ms or 0) - (began or 0)) / 1000) for r in timed]
        counted_in = timed
    else:
        known = {record.number for record in timed}
        counted_in = timed + [record for record in ended if record.number not in known]
        x = [float(place) for place in range(1, len(counted_in) + 1)]
    quantities = [*map(objective_quantity, objectives)]
    values = np.array([_values(record, quantities, study.info.limit) for record in counted_in])
    return _Run(
        position=position,
        study=study,
        numbers=[record.number for record in counted_in],
        x=x,
        values=values.reshape(-1, len(objectives)),
        unknown=len(ended) - len(timed),
    )


def _values(record: RunRecord, objectives: Sequence[Quantity], limits: Limits) -> tuple[float, ...]:
    """NaN in all where the trial takes no part."""
    takes_part = record.state is RunState.COMPLETE and meets(record, limits)
    values = finite_values(record, objectives) if takes_part else None
    return values or (math.nan,) * len(objectives)


def _line(run: _Run, scales: Sequence[ObjectiveScale]) -> HypervolumeLine:
    """Only where it grows, and to its end: elsewhere the steps are flat."""
    info = run.study.info
    if not scales or np.isnan(run.values).all():
        return HypervolumeLine(info.name, info.sampler, run.position, (), (), ())
    columns = zip(scales, run.values.T, strict=True)
    volumes = growing_hypervolume(np.column_stack([scale.apply(c) for scale, c in columns]))
    grows = np.flatnonzero(np.diff(volumes, prepend=0.0) > 0)
    drawn = np.unique([*grows, len(volumes) - 1]).tolist()
    return HypervolumeLine(
        study=info.name,
        sampler=info.sampler,
        position=run.position,
        trials=tuple(run.numbers[place] for place in drawn),
        x=tuple(run.x[place] for place in drawn),
        y=tuple(float(volumes[place]) for place in drawn),
    )


def _by(line: HypervolumeLine, lines: Sequence[HypervolumeLine]) -> str:
    """The sampler behind a study's name, where studies are drawn over each other."""
    return f" ({shortened(line.sampler)})" if len(lines) > 1 else ""


def _traces(
    line: HypervolumeLine, name: str, unit: TimeUnit | None
) -> tuple[go.Scatter, go.Scatter]:
    """The line, and the symbol at its end: its name there would cover others on a phone."""
    style = series_look(line.position)
    shared = {
        "line": style.steps(),
        "name": name,
        "legendgroup": str(line.position),
        "hoverinfo": "text",
    }
    xs = [x / unit.seconds if unit else x for x in line.x]
    hovers = [
        f"<b>{theme.escape(line.study)}, trial {number}</b><br>hypervolume {y:.4f}<br>after "
        + (describe_duration(x) if unit else counted(round(x), "trial"))
        for number, x, y in zip(line.trials, line.x, line.y, strict=True)
    ]
    points = clicks(line.position, line.trials)
    whole = go.Scatter(
        x=xs,
        y=line.y,
        mode="lines",
        customdata=points,
        hovertext=hovers,
        showlegend=False,
        **shared,
    )
    end = go.Scatter(
        x=xs[-1:],
        y=line.y[-1:],
        mode="lines+markers",  # so that the legend shows dash and symbol
        customdata=points and points[-1:],
        hovertext=hovers[-1:],
        marker=style.marker(10),
        **shared,
    )
    return whole, end


def _sentences(
    studies: Sequence[LoadedStudy],
    runs: Sequence[_Run],
    scales: Sequence[ObjectiveScale],
    over: Over,
) -> list[str]:
    sentences = reasons_apart(studies)
    if scales:
        ranges = ", ".join(map(str, scales))
        sentences.append(
            "Hypervolume that the complete trials reached so far: the higher, the better the front."
        )
        sentences.append(
            "It is a share of the box between a reference point and the best values. Scales from "
            f"worst to best of all complete trials: {ranges}; the reference lies {BEYOND:.0%} of "
            "that beyond the worst. They move as trials complete, so only lines of one picture "
            "compare."
        )
    if over == "seconds":
        sentences.append("Wall time counts interruptions, too.")
    for run in runs:
        if run.unknown:
            instead = "left out" if over == "seconds" else "counted last"
            trials = counted(run.unknown, "trial")
            sentences.append(f"{run.study.info.name}: {trials} without a known time {instead}.")
    if len(runs) > 1:
        sentences.append("One search each: the order of the lines may be the luck of their seeds.")
    return sentences


def _instead(runs: Sequence[_Run]) -> str:
    if any(run.unknown and not run.numbers for run in runs):
        return "No trial has a known end: look at trials ended."
    return "Wait for complete trials of different values."


HYPERVOLUME = PictureEntry(
    name="hypervolume",
    views=("progress", "compare"),
    options=("over",),
    info=lambda scene: get_hypervolume_info(scene.studies, over=scene.options.over),
    figure=get_hypervolume_figure,
    columns=_columns,
)
