"""The front in space: three quantities of all complete trials."""

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from dashboards.elements import theme
from dashboards.elements.axes import axis_of, choose_axes, coordinates, use_logarithms
from dashboards.elements.colour import SPACE_SYMBOLS, colour_groups
from dashboards.elements.complete_trials import TrialPoint
from dashboards.elements.front_trials import (
    FrontTrials,
    describe_front,
    get_front_trials,
    hover_data,
    trial_columns,
)
from dashboards.elements.picture import Columns, PictureInfo
from dashboards.elements.quantity import Quantity
from dashboards.elements.selection import FADED
from dashboards.elements.trial_words import describe_complete, describe_points, tell_why_empty
from pnn_core.parts import palette
from study.results.mlflow.loaded_study import LoadedStudy

_AXES = ("xaxis", "yaxis", "zaxis")
_WIDE = {"x": 2.3, "y": 1.3, "z": 1.0}
"""Edges of the box, which fills a page's width and not a phone's, whose box is a cube."""
_WIDE_EYE = {"x": 0.5, "y": -2.2, "z": 0.75}
_NARROW_EYE = {"x": 1.05, "y": -2.4, "z": 0.8}
_CENTER = {"x": 0, "y": 0, "z": -0.26}
_HEIGHT = 560  # pixels
_LETTERS = 16  # of a line of an axis's title


@dataclass(frozen=True, kw_only=True)
class Front3dInfo(PictureInfo):
    """Words and data of the picture.

    Attributes:
        trials: Complete trials, their places along x, y and z.
        logs: True for each axis that is logarithmic.
    """

    trials: FrontTrials
    logs: tuple[bool, ...]


def get_front_3d_info(
    study: LoadedStudy,
    *,
    x: Quantity | None = None,
    y: Quantity | None = None,
    z: Quantity | None = None,
    colour: Quantity | None = None,
    log_x: bool | None = None,
    log_y: bool | None = None,
    selected: frozenset[int] | None = None,
) -> Front3dInfo:
    """Collect what the picture shows.

    Args:
        study: Study as read from the tracker.
        x: None for the second objective, or a cost where there is one.
        y: None for the third objective, or a cost where there are two.
        z: Upwards; None for the first objective.
        colour: None for the noise level where it is searched, else the first searched setting.
        log_x: True to take logarithms where all values have one; None for the usual scale.
        log_y: True, False or None for the second axis.
        selected: Numbers of the trials to show in full, the others faded; None for all.
    """
    z, x, y = choose_axes(study, (z, x, y))
    trials = get_front_trials(study, (x, y, z), colour, selected)
    return Front3dInfo(
        title=f"{theme.capitalised(z.short)} over {x.short} and {y.short}: {study.info.name}",
        common=tuple(describe_complete(study, len(trials.points), trials.axes)),
        sentences=describe_front(study, trials, ["Chosen on validation data."]),
        description=describe_points(
            "Scatter plot in space", trials.points, trials.axes, trials.front
        ),
        instead=tell_why_empty(study, len(trials.points)),
        trials=trials,
        logs=tuple(
            use_logarithms(trials.axes[i], wanted, trials.places(i))
            for i, wanted in enumerate((log_x, log_y, None))
        ),
    )


def get_front_3d_figure(info: Front3dInfo) -> go.Figure:
    """Draw it."""
    figure = theme.new_figure()
    scene = {}
    for i, (name, quantity) in enumerate(zip(_AXES, info.trials.axes, strict=True)):
        # Two short lines, as there is little room in space.
        lines = textwrap.wrap(theme.capitalised(quantity.short), _LETTERS)
        title = {"text": "<br>".join(map(theme.escape, lines))}
        axis = axis_of(quantity, info.trials.places(i), log=info.logs[i])
        scene[name] = axis | {"title": title}
    # Costs grow together: seen along their diagonal, all trials would be one line.
    narrow = {
        "scene.aspectratio": {"x": 1, "y": 1, "z": 1},
        "scene.camera": {"eye": _NARROW_EYE, "center": _CENTER},
    }
    figure.update_layout(
        scene={
            **scene,
            "aspectmode": "manual",
            "aspectratio": _WIDE,
            "camera": {"eye": _WIDE_EYE, "center": _CENTER},
        },
        meta={"narrow": narrow},
        margin={"l": 0, "r": 0},
        height=_HEIGHT,
    )
    _add_trials(figure, info.trials)
    _add_front(figure, info.trials)
    return figure


def front_3d_columns(info: Front3dInfo) -> Columns:
    """Return what is drawn, a trial in each row."""
    columns = trial_columns(info.trials)
    for i, quantity in enumerate(info.trials.axes):
        columns[quantity.name] = [*info.trials.places(i)]
    return columns


def _add_trials(figure: go.Figure, trials: FrontTrials) -> None:
    points = trials.points
    size = 3 if len(points) > theme.MANY_POINTS else 5
    for group in colour_groups(trials.colour, [p.colour for p in points], SPACE_SYMBOLS):
        members = [points[i] for i in group.places]
        marker = {**group.marker, "size": size, "line": {"width": 0}}
        _add_points(figure, trials, members, name=theme.escape(group.name), marker=marker)


def _add_front(figure: go.Figure, trials: FrontTrials) -> None:
    """Draw a shape of its own: no reader needs the colour to tell the front."""
    marker = {"size": 10, "symbol": "diamond-open", "color": palette.VERMILION}
    _add_points(figure, trials, trials.front, name="front", marker=marker)


def _add_points(
    figure: go.Figure,
    trials: FrontTrials,
    points: Sequence[TrialPoint],
    *,
    name: str,
    marker: Mapping[str, object],
) -> None:
    """Draw points under one entry of the legend, those in full and then those faded."""
    for number, (indices, opacity) in enumerate(_shown_and_faded(points, trials.selected)):
        part = {**marker, "opacity": opacity}
        if isinstance(colours := marker["color"], np.ndarray):
            # One scale for both, so one bar: two would be drawn over each other.
            part |= {"color": colours[indices], "showscale": number == 0}
        here = [points[i] for i in indices]
        trace = go.Scatter3d(
            x=coordinates(here, 0),
            y=coordinates(here, 1),
            z=coordinates(here, 2),
            hovertemplate=trials.hover,
            mode="markers",
            name=name,
            legendgroup=name,
            showlegend=number == 0,
            marker=part,
        )
        figure.add_trace(trace)
        # Set only now: adding copies every single text.
        figure.data[-1].customdata = hover_data(here)


def _shown_and_faded(
    points: Sequence[TrialPoint], selected: frozenset[int] | None
) -> list[tuple[list[int], float]]:
    """Points by opacity: in space a trace has one for all its points."""
    shown = [i for i, p in enumerate(points) if selected is None or p.number in selected]
    found = set(shown)
    faded = [i for i in range(len(points)) if i not in found]
    return [(part, opacity) for part, opacity in ((shown, 1.0), (faded, FADED)) if part]
