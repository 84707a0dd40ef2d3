"""Empirical attainment: what the best, the median and the worst run of a method reach."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import moocore
import numpy as np
import plotly.graph_objects as go

from dashboards.elements import theme
from dashboards.elements.caption import complete
from dashboards.elements.objective_plane import (
    FROM_VALIDATION,
    NOTHING_COMPLETE,
    ObjectivePlane,
    finite_values,
    plane_columns,
    usual_plane,
)
from dashboards.elements.picture import Columns, PictureInfo
from dashboards.elements.series import series_look, shortened
from dashboards.elements.several_studies import comparable, describe_studies, reasons_apart
from dashboards.picture_entry import PictureEntry
from study.results.limit import meets
from study.results.mlflow.loaded_study import LoadedStudy
from study.results.plural import counted
from study.results.study_info import StudyInfo


class _Level(NamedTuple):
    """A share of runs; `percentile` as moocore counts it, where 0 is one run."""

    name: str
    percentile: float
    dash: str
    width: float


_LEVELS = (
    _Level("best", 0, "dot", 1.5),
    _Level("median", 50, "solid", 3),
    _Level("worst", 100, "dash", 1.5),
)
_FRONT = _Level("front", 0, "solid", 3)


class AttainmentLine(NamedTuple):
    """Line that a share of a method's runs reach.

    Attributes:
        level: `best` (one run), `median` (at least half), `worst` (every run), or `front` of a
            single run.
        x: Corners of the step line, the best `x` first.
        y: Vertical places of the same corners.
    """

    level: str
    x: tuple[float, ...]
    y: tuple[float, ...]


class Method(NamedTuple):
    """Studies that differ in the seed alone.

    Attributes:
        name: Space and sampler, and what else tells it from the other methods.
        studies: Names of its runs.
        lines: Lines from best to worst; the median from three runs on, as that of two is the best.
    """

    name: str
    studies: tuple[str, ...]
    lines: tuple[AttainmentLine, ...]


@dataclass(frozen=True, kw_only=True)
class AttainmentInfo(PictureInfo):
    """Words and data of the picture.

    Attributes:
        plane: Plane of both axes.
        methods: Methods in the order of their first studies.
    """

    plane: ObjectivePlane
    methods: tuple[Method, ...]


class _Run(NamedTuple):
    study: LoadedStudy
    points: np.ndarray


def get_attainment_info(studies: Sequence[LoadedStudy]) -> AttainmentInfo:
    """Collect what the picture shows.

    Args:
        studies: Those that cannot be compared with the first are left out, and named.
    """
    plane = usual_plane(studies[0].info.objectives)
    runs, left_out = _runs(studies, plane)
    methods = _methods(runs, plane)
    return AttainmentInfo(
        title=f"{theme.capitalised(str(plane))}: attained by {_named(methods)}",
        common=tuple(describe_studies([run.study for run in runs])),
        sentences=(*reasons_apart(studies), *_sentences(methods, left_out)),
        description=_description(methods, plane),
        plane=plane,
        methods=methods,
        instead="" if methods else NOTHING_COMPLETE,
    )


def get_attainment_figure(info: AttainmentInfo) -> go.Figure:
    """Draw it."""
    figure = theme.new_figure()
    for position, method in enumerate(info.methods):
        figure.add_traces([_trace(line, method, position, info.plane) for line in method.lines])
    lines = [line for method in info.methods for line in method.lines]
    return figure.update_layout(showlegend=True, legend_tracegroupgap=0, **info.plane.axes(lines))


def _columns(info: AttainmentInfo) -> Columns:
    lines = [(method, line) for method in info.methods for line in method.lines]
    return {
        "method": [method.name for method, line in lines for _ in line.x],
        "runs": [len(method.studies) for method, line in lines for _ in line.x],
        "level": [line.level for _, line in lines for _ in line.x],
        **plane_columns(info.plane, [line for _, line in lines]),
    }


def _key(info: StudyInfo) -> tuple[str, str, str, str]:
    """Key that all runs of a method share; data set, epochs and objectives are the same anyway."""
    return info.sampler, info.space, info.scheduler, f"{counted(info.replicates, 'seed')} a trial"


def _runs(studies: Sequence[LoadedStudy], plane: ObjectivePlane) -> tuple[list[_Run], list[str]]:
    """Return the first run of each method and seed; and why other comparable ones are left out."""
    runs: dict[object, _Run] = {}
    left_out = []
    for _, study in comparable(studies):
        points = _points(study, plane)
        key = (_key(study.info), study.info.seed)
        if not len(points):
            left_out.append(f"{study.info.name} is left out: no complete trial has both metrics.")
        elif key in runs:
            twin = runs[key].study.info.name
            left_out.append(f"{study.info.name} is left out: {twin} has its method and seed.")
        else:
            runs[key] = _Run(study, points)
    return [*runs.values()], left_out


def _points(study: LoadedStudy, plane: ObjectivePlane) -> np.ndarray:
    """A row for each complete trial within the limits with finite values."""
    within = (r for r in complete(study.records) if meets(r, study.info.limit))
    found = (finite_values(record, plane) for record in within)
    return np.array([values for values in found if values is not None])


def _methods(runs: Sequence[_Run], plane: ObjectivePlane) -> tuple[Method, ...]:
    keys = [*dict.fromkeys(_key(study.info) for study, _ in runs)]
    methods = []
    for key in keys:
        own = [(study, points) for study, points in runs if _key(study.info) == key]
        # The sampler, and whatever else tells methods apart.
        parts = [part for i, part in enumerate(key) if not i or len({k[i] for k in keys}) > 1]
        methods.append(
            Method(
                name=", ".join(parts),
                studies=tuple(study.info.name for study, _ in own),
                lines=_lines([points for _, points in own], plane),
            )
        )
    return tuple(methods)


def _lines(runs: Sequence[np.ndarray], plane: ObjectivePlane) -> tuple[AttainmentLine, ...]:
    """Attainment surfaces of some runs, each with at least one point."""
    sign = np.array([-1.0 if axis.direction == "maximize" else 1.0 for axis in plane])
    levels = [level for level in _LEVELS if len(runs) > 2 or level.name != "median"]
    # moocore wants the sets one after another, and everything small.
    surfaces = moocore.eaf(
        np.concatenate(runs) * sign,
        np.repeat(np.arange(len(runs)), [len(points) for points in runs]),
        percentiles=[level.percentile for level in levels],
    )
    lines = []
    for level in levels if len(runs) > 1 else [_FRONT]:
        corners = surfaces[surfaces[:, 2] == level.percentile]
        corners = corners[np.argsort(corners[:, 0], kind="stable"), :2] * sign
        x, y = corners.T.tolist()
        lines.append(AttainmentLine(level=level.name, x=tuple(x), y=tuple(y)))
    return tuple(lines)


def _trace(
    line: AttainmentLine, method: Method, position: int, plane: ObjectivePlane
) -> go.Scatter:
    style = series_look(position)
    level = next(level for level in (*_LEVELS, _FRONT) if level.name == line.level)
    name = theme.escape(shortened(method.name))
    x, y = plane
    return go.Scatter(
        x=line.x,
        y=line.y,
        mode="lines+markers",
        line=style.steps(dash=level.dash, width=level.width),
        marker=style.marker(3 + 2 * level.width),
        name=f"{name} ({counted(len(method.studies), 'run')})",
        legendgroup=str(position),
        showlegend=line is method.lines[len(method.lines) // 2],
        hovertext=[
            f"<b>{theme.escape(method.name)}: {line.level}</b>"
            f"<br>{x.short}: {x.format(along)}<br>{y.short}: {y.format(up)}"
            for along, up in zip(line.x, line.y, strict=True)
        ],
        hoverinfo="text",
    )


def _sentences(methods: Sequence[Method], left_out: Sequence[str]) -> list[str]:
    sentences = []
    if any(len(method.studies) > 1 for method in methods):
        sentences.append(
            "A run is one search; dotted: what the best run of a method reaches; solid: what at "
            "least half of three or more runs reach; dashed: what every run reaches."
        )
    for method in methods:
        n = len(method.studies)
        if n == 1:
            said = "one run: nothing can be said about the spread over seeds; its front is drawn"
        else:
            said = f"{n} runs ({', '.join(method.studies)})"
        sentences.append(f"{method.name}: {said}.")
    sentences += left_out
    return [*sentences, FROM_VALIDATION]


def _named(methods: Sequence[Method]) -> str:
    names = [method.name for method in methods]
    return " and ".join(names) if 0 < len(names) < 3 else counted(len(names), "method")


def _description(methods: Sequence[Method], plane: ObjectivePlane) -> str:
    lines = [f"{method.name}: {counted(len(method.studies), 'run')}" for method in methods]
    return f"Step lines of {plane}. {'; '.join(lines) or 'No run yet'}."


ATTAINMENT = PictureEntry(
    name="attainment",
    views=("compare",),
    needs="several studies",
    info=lambda scene: get_attainment_info(scene.studies),
    figure=get_attainment_figure,
    columns=_columns,
)
