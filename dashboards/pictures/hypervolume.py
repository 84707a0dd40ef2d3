"""Hypervolume of one or more studies so far: against trials ended, or against wall time."""

import math
from bisect import bisect_left
from collections.abc import Sequence
from typing import Literal, NamedTuple

import moocore
import numpy as np
import plotly.graph_objects as go

from dashboards.pictures import look
from dashboards.pictures.fronts import (
    CHOOSE,
    describe_studies,
    named,
    series_look,
    shortened,
    what_differs,
)
from dashboards.pictures.picture import Picture
from dashboards.pictures.quantity import objective_quantity
from study.results.counted import counted
from study.results.mlflow.loaded_study import LoadedStudy
from study.results.objective import Objective
from study.results.record import TrialRecord, TrialState

Over = Literal["trials", "seconds"]

_BEYOND = 0.1
"""How far beyond the worst value the reference lies, as a share of the range: at the worst value
itself, the smallest and the most accurate trial would count nothing."""


class TimeUnit(NamedTuple):
    """A unit of time and its length in seconds."""

    name: str
    seconds: float


class Scale(NamedTuple):
    """How the values of an objective become numbers from 0 (reference) to 1 (best).

    Attributes:
        objective: That it is of.
        worst: Of all complete trials.
        best: Likewise.
        log: Whether logarithms are taken first.
    """

    objective: Objective
    worst: float
    best: float
    log: bool

    def apply(self, values: np.ndarray) -> np.ndarray:
        """Scale values; 1 for all where there is no range."""
        if self.worst == self.best:
            return np.ones_like(values)
        if self.log:
            values = np.log10(values)
        worst, best = (math.log10(e) if self.log else e for e in (self.worst, self.best))
        reference = worst - _BEYOND * (best - worst)
        return np.asarray((values - reference) / (best - reference))


class HypervolumeLine(NamedTuple):
    """One study: the trials at which its hypervolume grew, and the last that ended.

    Attributes:
        study: Its name.
        position: Its place among the studies asked for, which gives its look in every picture.
        trials: Number of each of those trials.
        x: Trials ended by then, or seconds since the study began.
        y: Hypervolume, a share of the box between reference and best values.
    """

    study: str
    position: int
    trials: tuple[int, ...]
    x: tuple[float, ...]
    y: tuple[float, ...]


class HypervolumeInfo(NamedTuple):
    """Everything that the picture shows.

    Attributes:
        title: What it shows.
        caption: Of what it is drawn, with scale and reference, and what is left out.
        description: For those who do not see it.
        over: What is along.
        scales: Of the objectives; empty where there is nothing to draw.
        lines: Of the studies that have one, in the order asked for.
        instead: What to say where there is nothing to draw; empty otherwise.
    """

    title: str
    caption: str
    description: str
    over: Over
    scales: tuple[Scale, ...]
    lines: tuple[HypervolumeLine, ...]
    instead: str


class _Run(NamedTuple):
    """What ended in a study, in order, `values` with a row of NaN for what counts nothing."""

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
        over: What is along: trials that have ended, or seconds since each study began.
    """
    if not studies:
        return HypervolumeInfo("Hypervolume of studies", "", CHOOSE, over, (), (), CHOOSE)
    objectives = studies[0].info.objectives
    runs = [
        _run(study, position, over, objectives)
        for position, study in enumerate(studies)
        if not what_differs(study.info, studies[0].info)
    ]
    scales = _scales([run.values for run in runs], objectives)
    lines = tuple(line for run in runs if (line := _line(run, scales)).trials)
    along = "trials ended" if over == "trials" else "wall time"
    last = (f"{line.study} reaches {line.y[-1]:.3f}" for line in lines)
    return HypervolumeInfo(
        title=f"Hypervolume against {along}: {named([run.study for run in runs])}",
        caption=_caption(studies, runs, scales, over),
        description=f"A step line for each study: {'; '.join(last) or 'none yet'}.",
        over=over,
        scales=scales,
        lines=lines,
        instead="" if lines else _instead(runs),
    )


def get_hypervolume_figure(info: HypervolumeInfo) -> go.Figure:
    """Draw it."""
    figure = look.new_figure()
    if info.instead:
        return look.say_instead(figure, info.instead)
    longest = max(line.x[-1] for line in info.lines)
    unit = time_unit(longest) if info.over == "seconds" else None
    figure.add_traces([trace for line in info.lines for trace in _traces(line, unit)])
    label = f"wall time since the study began ({unit.name})" if unit else "trials ended"
    return figure.update_layout(
        showlegend=True,
        legend_tracegroupgap=0,
        xaxis=look.axis(label, (), log=False) | {"rangemode": "tozero"},
        yaxis=look.axis("hypervolume (share of worst to best)", (), log=False),
    )


def get_hypervolume_picture(info: HypervolumeInfo) -> Picture:
    """The picture with its words and data."""
    along = "trials_ended" if info.over == "trials" else "seconds"
    return Picture(
        name="hypervolume",
        title=info.title,
        caption=info.caption,
        description=info.description,
        figure=get_hypervolume_figure(info),
        data={
            "study": [line.study for line in info.lines for _ in line.x],
            "trial": [number for line in info.lines for number in line.trials],
            along: [x for line in info.lines for x in line.x],
            "hypervolume": [y for line in info.lines for y in line.y],
        },
    )


def time_unit(seconds: float) -> TimeUnit:
    """The unit in which people would tell a duration: from two of a unit on, that unit."""
    units = (TimeUnit("days", 86400), TimeUnit("h", 3600), TimeUnit("min", 60))
    return next((unit for unit in units if seconds >= 2 * unit.seconds), TimeUnit("s", 1))


def describe_duration(seconds: float) -> str:
    """A duration for people, such as `40 s`, `12 min`, `3.5 h` and `2 days`."""
    unit = time_unit(seconds)
    count = seconds / unit.seconds
    return f"{count:.0f} {unit.name}" if count >= 9.95 else f"{count:.2g} {unit.name}"


def growing_hypervolume(points: np.ndarray) -> np.ndarray:
    """Hypervolume over 0 of the first point, of the first two, and so on.

    Args:
        points: A row each, to be large; one that is not above 0 in all, or NaN, counts nothing.
    """
    add = _Plane().add if points.shape[1] == 2 else _Space().add
    found = np.zeros(len(points))
    volume = 0.0
    counts = np.all(points > 0, axis=1).tolist()
    for place, point in enumerate(points.tolist()):
        if counts[place]:
            volume = add(point, volume)
        found[place] = volume
    return found


class _Plane:
    """A front of two objectives, and the area below it.

    A point costs the search for its place and the points that it removes, however large the front.
    """

    def __init__(self) -> None:
        self._x: list[float] = []  # rising
        self._y: list[float] = []  # falling

    def add(self, point: Sequence[float], area: float) -> float:
        """The area with one more point, from that without it."""
        x, y = point
        place = bisect_left(self._x, x)
        height = self._y[place] if place < len(self._y) else 0.0
        if height >= y:
            return area
        first = place
        right = x
        while True:  # from the point to the left, over all that it removes
            left = self._x[first - 1] if first else 0.0
            area += (right - left) * (y - height)
            if not first or self._y[first - 1] >= y:
                break
            right, height, first = left, self._y[first - 1], first - 1
        # One of the same x and less y may stay behind it: it has no width.
        self._x[first:place], self._y[first:place] = [x], [y]
        return area


class _Space:
    """A front of any number of objectives: measured anew where a point enters it."""

    def __init__(self) -> None:
        self._front: np.ndarray | None = None

    def add(self, point: Sequence[float], volume: float) -> float:
        """The volume with one more point, from that without it."""
        new = np.array([point])
        if self._front is None:
            self._front = new
        elif (self._front >= new).all(axis=1).any():
            return volume
        else:
            stay = ~(self._front <= new).all(axis=1)
            self._front = np.concatenate([self._front[stay], new])
        return float(moocore.hypervolume(self._front, ref=0, maximise=True))


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
    values = np.array([_values(record, objectives) for record in counted_in])
    return _Run(
        position=position,
        study=study,
        numbers=[record.number for record in counted_in],
        x=x,
        values=values.reshape(-1, len(objectives)),
        unknown=len(ended) - len(timed),
    )


def _values(record: TrialRecord, objectives: Sequence[Objective]) -> tuple[float, ...]:
    """NaN in all where the trial takes no part."""
    nothing = (math.nan,) * len(objectives)
    if record.state is not TrialState.COMPLETE:
        return nothing
    metrics = record.metrics()
    values = tuple(metrics.get(objective.name, math.nan) for objective in objectives)
    return values if all(map(math.isfinite, values)) else nothing


def _scales(values: Sequence[np.ndarray], objectives: Sequence[Objective]) -> tuple[Scale, ...]:
    """From all studies together; empty where nothing is complete, or all is the same."""
    everything = np.concatenate(values)
    everything = everything[~np.isnan(everything).any(axis=1)]
    if not len(everything) or (everything == everything[0]).all():
        return ()
    scales = []
    for objective, column in zip(objectives, everything.T, strict=True):
        low, high = float(column.min()), float(column.max())
        worst, best = (low, high) if objective.maximised else (high, low)
        log = objective_quantity(objective).spans_decades and low > 0
        scales.append(Scale(objective=objective, worst=worst, best=best, log=log))
    return tuple(scales)


def _line(run: _Run, scales: Sequence[Scale]) -> HypervolumeLine:
    """Only where it grows, and to its end: elsewhere the steps are flat."""
    if not scales or np.isnan(run.values).all():
        return HypervolumeLine(run.study.info.name, run.position, (), (), ())
    columns = zip(scales, run.values.T, strict=True)
    volumes = growing_hypervolume(np.column_stack([scale.apply(c) for scale, c in columns]))
    grows = np.flatnonzero(np.diff(volumes, prepend=0.0) > 0)
    drawn = np.unique([*grows, len(volumes) - 1]).tolist()
    return HypervolumeLine(
        study=run.study.info.name,
        position=run.position,
        trials=tuple(run.numbers[place] for place in drawn),
        x=tuple(run.x[place] for place in drawn),
        y=tuple(float(volumes[place]) for place in drawn),
    )


def _traces(line: HypervolumeLine, unit: TimeUnit | None) -> tuple[go.Scatter, go.Scatter]:
    """The line, and the symbol at its end: its name there would cover others on a phone."""
    style = series_look(line.position)
    shared = {
        "line": {"shape": "hv", "color": style.colour, "dash": style.dash, "width": 2},
        "name": look.escape(shortened(line.study)),
        "legendgroup": str(line.position),
        "hoverinfo": "text",
    }
    xs = [x / unit.seconds if unit else x for x in line.x]
    hovers = [
        f"<b>{look.escape(line.study)}, trial {number}</b><br>hypervolume {y:.4f}<br>after "
        + (describe_duration(x) if unit else counted(round(x), "trial"))
        for number, x, y in zip(line.trials, line.x, line.y, strict=True)
    ]
    # A click opens a trial of the study looked at, which is the first one.
    points = None if line.position else [[number] for number in line.trials]
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
        marker={"symbol": style.symbol, "color": style.colour, "size": 10},
        **shared,
    )
    return whole, end


def _caption(
    studies: Sequence[LoadedStudy], runs: Sequence[_Run], scales: Sequence[Scale], over: Over
) -> str:
    sentences = describe_studies([run.study for run in runs])
    if scales:
        ranges = ", ".join(map(_describe_scale, scales))
        sentences.append(
            "Hypervolume of the complete trials so far, as a share of the box between a reference "
            f"point and the best values. Scales from worst to best of all complete trials: {ranges}"
            f"; the reference lies {_BEYOND:.0%} of that beyond the worst. They move as trials "
            "complete, so only lines of one picture compare."
        )
    if over == "seconds":
        sentences.append("Wall time counts interruptions, too.")
    for run in runs:
        if run.unknown:
            instead = "left out" if over == "seconds" else "counted last"
            trials = counted(run.unknown, "trial")
            sentences.append(f"{run.study.info.name}: {trials} without a known time {instead}.")
    sentences += [
        f"{study.info.name} is left out: {difference}."
        for study in studies
        if (difference := what_differs(study.info, studies[0].info))
    ]
    if len(runs) > 1:
        sentences.append("One search each: the order of the lines may be the luck of their seeds.")
    return " ".join(sentences)


def _describe_scale(scale: Scale) -> str:
    quantity = objective_quantity(scale.objective)
    how = " (by logarithm)" if scale.log else ""
    return f"{quantity.short} {quantity.format(scale.worst)} to {quantity.format(scale.best)}{how}"


def _instead(runs: Sequence[_Run]) -> str:
    if any(run.unknown and not run.numbers for run in runs):
        return "No trial has a known end: look at trials ended."
    return "Wait for complete trials of different values."
