"""The front in space: three quantities of all complete trials."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go

from dashboards.pictures import look
from dashboards.pictures.colour import SPACE_SYMBOLS, colour_groups
from dashboards.pictures.front import (
    FADED,
    axis_of,
    choose_axes,
    choose_colour,
    coordinates,
    hover_data,
    order_front,
    use_logarithms,
)
from dashboards.pictures.picture import Cell, Picture
from dashboards.pictures.quantity import Quantity
from dashboards.pictures.trial_words import (
    TrialPoint,
    TrialTable,
    as_column,
    complete_trials,
    describe_colour,
    describe_complete,
    describe_points,
    describe_selection,
    hover_template,
    tell_why_empty,
)
from study.results.mlflow.loaded_study import LoadedStudy

_AXES = ("xaxis", "yaxis", "zaxis")
_HEIGHT = 560  # pixels
_LETTERS = 16  # of a line of an axis's title


class Front3dInfo(NamedTuple):
    """Everything that the picture shows.

    Attributes:
        title: What it shows.
        caption: Of what it is drawn.
        description: For those who do not see it.
        message: What to say where nothing is drawn; empty otherwise.
        axes: The quantities along x, y and z.
        logs: Whether each axis is logarithmic.
        colour: What tells the colour of points; None for one colour.
        points: Complete trials off the front, by number; places along x, y and z.
        front: Complete trials on it, the best `x` first.
        selected: Trials that are not faded; None for all.
        table: The front, drawn or not, in the order of `study.results.pareto.front`.
    """

    title: str
    caption: str
    description: str
    message: str
    axes: tuple[Quantity, ...]
    logs: tuple[bool, ...]
    colour: Quantity | None
    points: tuple[TrialPoint, ...]
    front: tuple[TrialPoint, ...]
    selected: frozenset[int] | None
    table: TrialTable


def get_front_3d_info(
    study: LoadedStudy,
    *,
    x: Quantity | None = None,
    y: Quantity | None = None,
    z: Quantity | None = None,
    colour: Quantity | None = None,
    log_x: bool | None = None,
    log_y: bool | None = None,
    log_z: bool | None = None,
    selected: frozenset[int] | None = None,
) -> Front3dInfo:
    """Collect what the picture shows.

    Args:
        study: As read from the tracker.
        x: None for the second objective, or a cost where there is one.
        y: None for the third objective, or a cost where there are two.
        z: Upwards; None for the first objective.
        colour: None for the noise level where it is searched, else the first searched setting.
        log_x: Whether to take logarithms where all values have one; None for what is usual.
        log_y: Likewise.
        log_z: Likewise.
        selected: Numbers of the trials to show in full, the others faded; None for all.
    """
    trials = complete_trials(study)
    z, x, y = choose_axes(study, (z, x, y))
    axes = (x, y, z)
    colour = colour or choose_colour(trials)
    drawn = trials.points(axes, colour)
    front = order_front(trials, drawn, x)
    on_front = {point.number for point in front}
    sentences = [
        *describe_complete(study, len(drawn), axes),
        "Chosen on validation data.",
        *describe_colour(colour, drawn),
        *describe_selection([point.number for point in drawn], selected),
    ]
    return Front3dInfo(
        title=f"{look.capitalised(z.short)} over {x.short} and {y.short}: {study.info.name}",
        caption=" ".join(sentences),
        description=describe_points("Scatter plot in space", drawn, axes, front),
        message=tell_why_empty(study, len(drawn)),
        axes=axes,
        logs=tuple(
            use_logarithms(quantity, wanted, [point.place[i] for point in drawn])
            for i, (quantity, wanted) in enumerate(zip(axes, (log_x, log_y, log_z), strict=True))
        ),
        colour=colour,
        points=tuple(point for point in drawn if point.number not in on_front),
        front=front,
        selected=selected,
        table=trials.table(trials.front),
    )


def get_front_3d_figure(info: Front3dInfo) -> go.Figure:
    """Draw it."""
    figure = look.new_figure()
    points = (*info.points, *info.front)
    if info.message:
        return look.say_instead(figure, info.message)
    scene = {
        name: axis_of(quantity, [point.place[i] for point in points], log=log)
        for i, (name, quantity, log) in enumerate(zip(_AXES, info.axes, info.logs, strict=True))
    }
    for name, quantity in zip(_AXES, info.axes, strict=True):
        # Two short lines, as there is little room in space.
        lines = textwrap.wrap(look.capitalised(quantity.short), _LETTERS)
        scene[name]["title"] = {"text": "<br>".join(map(look.escape, lines))}
    # Costs grow together: seen along their diagonal, all trials would be one line.
    camera = {"eye": {"x": 1.05, "y": -2.4, "z": 0.8}, "center": {"x": 0, "y": 0, "z": -0.2}}
    figure.update_layout(
        scene={**scene, "aspectmode": "cube", "camera": camera},
        margin={"l": 0, "r": 0},
        height=_HEIGHT,
    )
    _add_trials(figure, info, points)
    _add_front(figure, info)
    return figure


def get_front_3d_picture(info: Front3dInfo) -> Picture:
    """The picture with its words and data."""
    points = (*info.points, *info.front)
    kinds: list[Cell] = ["trial"] * len(info.points)
    columns: dict[str, list[Cell]] = {
        "kind": [*kinds, *["front"] * len(info.front)],
        "trial": [point.number for point in points],
    }
    if info.colour:
        columns[info.colour.name] = as_column([point.colour for point in points])
    for i, quantity in enumerate(info.axes):
        columns[quantity.name] = [point.place[i] for point in points]
    return Picture(
        name="front-3d",
        title=info.title,
        caption=info.caption,
        description=info.description,
        figure=get_front_3d_figure(info),
        data=columns,
    )


def _add_trials(figure: go.Figure, info: Front3dInfo, points: Sequence[TrialPoint]) -> None:
    size = 3 if len(points) > look.MANY_POINTS else 5
    for group in colour_groups(info.colour, [p.colour for p in points], SPACE_SYMBOLS):
        members = [points[i] for i in group.places]
        for number, part in enumerate(_shown_and_faded(members, info.selected)):
            indices, opacity = part
            marker = {**group.marker, "size": size, "opacity": opacity, "line": {"width": 0}}
            if isinstance(colours := group.marker["color"], np.ndarray):
                # One scale for both, so one bar: two would be drawn over each other.
                marker |= {"color": colours[indices], "showscale": number == 0}
            name = look.escape(group.name)
            here = [members[i] for i in indices]
            _add_points(figure, info, here, name=name, marker=marker, showlegend=number == 0)


def _add_front(figure: go.Figure, info: Front3dInfo) -> None:
    """Draw a shape of its own: no reader needs the colour to tell the front."""
    for number, (indices, opacity) in enumerate(_shown_and_faded(info.front, info.selected)):
        marker = {"size": 10, "symbol": "diamond-open", "color": look.VERMILION, "opacity": opacity}
        here = [info.front[i] for i in indices]
        _add_points(figure, info, here, name="front", marker=marker, showlegend=number == 0)


def _add_points(
    figure: go.Figure,
    info: Front3dInfo,
    points: Sequence[TrialPoint],
    *,
    name: str,
    marker: Mapping[str, object],
    showlegend: bool,
) -> None:
    trace = go.Scatter3d(
        x=coordinates(points, 0),
        y=coordinates(points, 1),
        z=coordinates(points, 2),
        hovertemplate=hover_template(info.table.metrics, info.table.settings),
        mode="markers",
        name=name,
        legendgroup=name,
        showlegend=showlegend,
        marker=marker,
    )
    figure.add_trace(trace)
    # Not before: adding copies every single text.
    figure.data[-1].customdata = hover_data(points)


def _shown_and_faded(
    points: Sequence[TrialPoint], selected: frozenset[int] | None
) -> list[tuple[list[int], float]]:
    """Which points are drawn at which opacity: in space a trace has one for all its points."""
    shown = [i for i, p in enumerate(points) if selected is None or p.number in selected]
    found = set(shown)
    faded = [i for i in range(len(points)) if i not in found]
    return [(part, opacity) for part, opacity in ((shown, 1.0), (faded, FADED)) if part]
