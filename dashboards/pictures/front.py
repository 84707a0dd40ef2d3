"""The front: what accuracy a number of parameters buys, or any two quantities of all trials."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import plotly.graph_objects as go

from dashboards.elements import theme
from dashboards.elements.axes import axis_of, choose_axes, coordinates, use_logarithms
from dashboards.elements.colour import colour_groups
from dashboards.elements.confirmed_points import (
    ConfirmedPoint,
    confirmed_columns,
    confirmed_points,
    confirmed_traces,
    describe_confirmed,
)
from dashboards.elements.front_trials import (
    FrontTrials,
    describe_front,
    get_front_trials,
    hover_data,
    trial_columns,
)
from dashboards.elements.picture import Cell, Columns, PictureInfo
from dashboards.elements.point_scale import scale_of_points
from dashboards.elements.quantity import INFERENCE, Quantity
from dashboards.elements.reported_levels import (
    ReportedLevel,
    describe_levels,
    level_columns,
    level_traces,
    reported_levels,
)
from dashboards.elements.reported_points import (
    ReportedPoint,
    describe_reported,
    reported_columns,
    reported_points,
    reported_traces,
)
from dashboards.elements.selection import FADED, selected_places
from dashboards.elements.trial_words import describe_complete, describe_points, tell_why_empty
from dashboards.picture_entry import PictureEntry
from dashboards.pictures.front_3d import (
    Front3dInfo,
    front_3d_columns,
    get_front_3d_figure,
    get_front_3d_info,
)
from dashboards.scene import Scene
from pnn_core.config import Task
from pnn_core.parts import palette
from study.results.mlflow.loaded_study import LoadedStudy

_HEIGHT_OF_TWO = 820  # pixels, of both panels
_SHARE_OF_TRIALS, _SHARE_OF_TESTS = 0.5, 0.42

_SIZES = ("learnable_params", "backbone_params")
"""Quantities along which a reported figure of unknown size is a line."""


@dataclass(frozen=True, kw_only=True)
class FrontInfo(PictureInfo):
    """Words and data of the picture.

    Attributes:
        trials: Complete trials, their places along x and y.
        note: Sentence in the middle of axes that hold no point; empty otherwise.
        log_x: True if the horizontal axis is logarithmic.
        log_y: True if the vertical axis is logarithmic.
        has_line: True if the front is a line: there are two objectives, and they are the axes.
        task: Task of the study.
        confirmed: Figures of merit on test images, by trial, then layer.
        reported: Figures reported for the data set, of networks of known size.
        levels: The same where the size of none is known.
    """

    trials: FrontTrials
    note: str
    log_x: bool
    log_y: bool
    has_line: bool
    task: Task
    confirmed: tuple[ConfirmedPoint, ...]
    reported: tuple[ReportedPoint, ...]
    levels: tuple[ReportedLevel, ...]

    @property
    def has_tests(self) -> bool:
        """True if there is a panel of test figures."""
        return bool(self.confirmed or self.reported or self.levels)

    @property
    def x(self) -> Quantity:
        """Horizontal quantity."""
        return self.trials.axes[0]

    @property
    def y(self) -> Quantity:
        """Vertical quantity."""
        return self.trials.axes[1]


def get_front_info(
    study: LoadedStudy,
    *,
    x: Quantity | None = None,
    y: Quantity | None = None,
    colour: Quantity | None = None,
    log_x: bool | None = None,
    log_y: bool | None = None,
    selected: frozenset[int] | None = None,
) -> FrontInfo:
    """Collect what the picture shows.

    Args:
        study: Study as read from the tracker.
        x: None for the second objective, or learnable parameters where there is one.
        y: None for the first objective.
        colour: None for the noise level where it is searched, else the first searched setting.
        log_x: True to take logarithms where all values have one; None for the usual scale.
        log_y: True, False or None for the vertical axis.
        selected: Numbers of the trials to show in full, the others faded; None for all.
    """
    y, x = choose_axes(study, (y, x))
    trials = get_front_trials(study, (x, y), colour, selected)
    confirmed, reported, levels = _tests_beside(study, x, y)
    sizes = _sizes(trials, confirmed, reported)
    levels = levels if sizes else ()  # a line needs something to be drawn along
    beside = [
        *describe_confirmed(study.confirmed, confirmed),
        *describe_reported(reported),
        *describe_levels(levels),
    ]
    objectives = sorted(objective.name for objective in study.info.objectives)
    points = trials.points
    return FrontInfo(
        title=f"{theme.capitalised(y.short)} against {x.short}: {study.info.name}",
        common=tuple(describe_complete(study, len(points), trials.axes)),
        sentences=describe_front(study, trials, beside),
        description=describe_points("Scatter plot", points, trials.axes, trials.front),
        note="" if confirmed or reported else tell_why_empty(study, len(points)),
        trials=trials,
        task=study.info.task,
        log_x=use_logarithms(x, log_x, sizes),
        log_y=use_logarithms(y, log_y, trials.places(1)),
        has_line=objectives == sorted((x.name, y.name)),
        confirmed=confirmed,
        reported=reported,
        levels=levels,
    )


def get_front_figure(info: FrontInfo) -> go.Figure:
    """Draw it."""
    figure = theme.new_figure()
    if info.note:
        theme.say_instead(figure, info.note)
    if info.has_line:
        figure.add_trace(_line_trace(info.trials))
    _add_trials(figure, info.trials)
    xs = _sizes(info.trials, info.confirmed, info.reported)
    figure.update_layout(
        xaxis=axis_of(info.x, xs, log=info.log_x),
        yaxis=axis_of(info.y, info.trials.places(1), log=info.log_y),
    )
    if info.has_tests:
        _add_tests(figure, info, xs)
    return figure


def _add_tests(figure: go.Figure, info: FrontInfo, xs: Sequence[float | str]) -> None:
    """Draw test accuracies in a panel of their own, at the scale of their points."""
    tests = [*confirmed_traces(info.confirmed, info.x, info.trials.selected)]
    tests += reported_traces(info.reported)
    tests += level_traces(info.levels, [x for x in xs if not isinstance(x, str)])
    figure.add_traces([trace.update(yaxis="y2") for trace in tests])
    accuracies = (
        *(point.accuracy.mean for point in info.confirmed),
        *(point.accuracy for point in info.reported),
        *(level.value for level in info.levels),
    )
    below = theme.axis(f"test {info.task.label} ({info.task.unit})", (), log=False)
    figure.update_layout(
        height=_HEIGHT_OF_TWO,
        # Below both panels stands what they share.
        xaxis_anchor="y2",
        yaxis_domain=[1 - _SHARE_OF_TRIALS, 1],
        yaxis2=below
        | {"domain": [0, _SHARE_OF_TESTS], "range": scale_of_points(accuracies), "anchor": "x"},
    )


def _figure(info: FrontInfo | Front3dInfo) -> go.Figure:
    return get_front_figure(info) if isinstance(info, FrontInfo) else get_front_3d_figure(info)


def _tests_beside(
    study: LoadedStudy, x: Quantity, y: Quantity
) -> tuple[tuple[ConfirmedPoint, ...], tuple[ReportedPoint, ...], tuple[ReportedLevel, ...]]:
    """Return test figures, which have a place beside the same on validation images alone."""
    if y.name != study.info.task.validated:
        return (), (), ()
    has_reported = x.name == "learnable_params"
    return (
        confirmed_points(study.confirmed, x.name),
        reported_points(study.info.dataset) if has_reported else (),
        reported_levels(study.info.dataset) if x.name in _SIZES else (),
    )


def _sizes(
    trials: FrontTrials, confirmed: Sequence[ConfirmedPoint], reported: Sequence[ReportedPoint]
) -> list[float | str]:
    """Return all that the horizontal axis holds."""
    beside = [*(point.x for point in confirmed), *(point.learnable_params for point in reported)]
    return [*trials.places(0), *beside]


def _line_trace(trials: FrontTrials) -> go.Scatter:
    """Draw what is reached within each budget of `x`: the last front trial that fits into it."""
    return go.Scatter(
        x=coordinates(trials.front, 0),
        y=coordinates(trials.front, 1),
        mode="lines",
        line={"shape": "hv", "color": palette.VERMILION, "width": 2.5},
        name="front",
        legendgroup="front",
        hoverinfo="skip",
        showlegend=False,
    )


def _add_trials(figure: go.Figure, trials: FrontTrials) -> None:
    """Draw every trial once by its colour, and a diamond around each one of the front."""
    points = trials.points
    is_many = len(points) > theme.MANY_POINTS
    xs, ys, words = coordinates(points, 0), coordinates(points, 1), hover_data(points)
    for group in colour_groups(trials.colour, [point.colour for point in points]):
        numbers = [points[i].number for i in group.places]
        trace = theme.scatter(
            len(points),
            x=xs[group.places],
            y=ys[group.places],
            hovertemplate=trials.hover,
            selectedpoints=selected_places(numbers, trials.selected),
            mode="markers",
            name=theme.escape(group.name),
            marker={
                "size": 5 if is_many else 8,
                # The scale's yellow alone is faint on white, its violet on black.
                "line": {"width": 0.5 if is_many else 1, "color": palette.GREY},
                **group.marker,
            },
            unselected_marker_opacity=FADED,
        )
        figure.add_trace(trace)
        # Set only now: adding copies every single text.
        figure.data[-1].customdata = words[group.places]
    if trials.front:
        figure.add_trace(_front_trace(trials))


def _front_trace(trials: FrontTrials) -> go.Scatter:
    """Draw a shape of its own: no reader needs the colour to tell the front."""
    numbers = [point.number for point in trials.front]
    return go.Scatter(
        x=coordinates(trials.front, 0),
        y=coordinates(trials.front, 1),
        customdata=[[number] for number in numbers],
        selectedpoints=selected_places(numbers, trials.selected),
        mode="markers",
        name="front",
        legendgroup="front",
        hoverinfo="skip",  # the trial within tells
        marker={
            "size": 12 if len(trials.off_front) > theme.MANY_POINTS else 16,
            "symbol": "diamond-open",
            "color": palette.VERMILION,
            "line": {"width": 2.5},
        },
        unselected_marker_opacity=FADED,
    )


def _columns(info: FrontInfo | Front3dInfo) -> Columns:
    """Stack trials, test accuracies and reported figures, told apart by their kind."""
    if isinstance(info, Front3dInfo):
        return front_3d_columns(info)
    trials: dict[str, list[Cell]] = {
        **trial_columns(info.trials),
        info.y.name: [*info.trials.places(1)],
        info.x.name: [*info.trials.places(0)],
    }
    parts = [trials, confirmed_columns(info.confirmed, info.x, info.task.tested)]
    if info.reported:
        parts.append(reported_columns(info.reported))
    if info.levels:
        parts.append(level_columns(info.levels, info.task.tested))
    return _stacked(parts)


def _stacked(parts: Sequence[Mapping[str, list[Cell]]]) -> Columns:
    """Put parts below each other; a part without a column has no value in it."""
    names = dict.fromkeys(name for part in parts for name in part)
    return {
        name: [cell for part in parts for cell in part.get(name, [None] * len(part["kind"]))]
        for name in names
    }


def _brushes(info: FrontInfo | Front3dInfo) -> tuple[str, ...]:
    if isinstance(info, Front3dInfo):
        return ()
    # A box over names means no numbers, and trials alone do not know their time per image.
    return tuple(
        ""
        if axis.name == INFERENCE or any(isinstance(p, str) for p in info.trials.places(i))
        else axis.name
        for i, axis in enumerate(info.trials.axes)
    )


def _info(scene: Scene) -> FrontInfo | Front3dInfo:
    x, y, z, colour = map(scene.quantity, ("x", "y", "z", "colour"))
    collect: Callable[..., FrontInfo | Front3dInfo] = get_front_info
    if scene.options.z:
        collect = partial(get_front_3d_info, z=z)
    return collect(
        scene.study,
        x=x,
        y=y,
        colour=colour,
        log_x=scene.options.log_x,
        log_y=scene.options.log_y,
        selected=scene.selected,
    )


FRONT = PictureEntry(
    name="front",
    views=("front",),
    options=("x", "y", "z", "colour", "log_x", "log_y"),
    info=_info,
    figure=_figure,
    columns=_columns,
    brushes=_brushes,
)
