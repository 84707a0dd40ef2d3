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
    layer_steps,
)
from dashboards.elements.front_trials import (
    FrontTrials,
    describe_front,
    get_front_trials,
    hover_data,
    trial_columns,
)
from dashboards.elements.picture import Cell, Columns, PictureInfo
from dashboards.elements.quantity import Quantity
from dashboards.elements.reported_points import (
    ReportedPoint,
    describe_reported,
    reported_columns,
    reported_points,
    reported_traces,
)
from dashboards.elements.selection import FADED, selected_places
from dashboards.elements.trial_words import describe_points, tell_why_empty
from dashboards.picture_entry import PictureEntry
from dashboards.pictures.front_3d import (
    Front3dInfo,
    front_3d_columns,
    get_front_3d_figure,
    get_front_3d_info,
)
from dashboards.scene import Scene
from study.results.mlflow.loaded_study import LoadedStudy


@dataclass(frozen=True, kw_only=True)
class FrontInfo(PictureInfo):
    """Words and data of the picture.

    Attributes:
        trials: Complete trials, their places along x and y.
        note: Sentence in the middle of axes that hold no point; empty otherwise.
        log_x: True if the horizontal axis is logarithmic.
        log_y: True if the vertical axis is logarithmic.
        has_line: True if the front is a line: there are two objectives, and they are the axes.
        confirmed: Test accuracies, by trial, then layer.
        reported: Figures reported for the data set.
    """

    trials: FrontTrials
    note: str
    log_x: bool
    log_y: bool
    has_line: bool
    confirmed: tuple[ConfirmedPoint, ...]
    reported: tuple[ReportedPoint, ...]

    @property
    def x(self) -> Quantity:
        """Horizontal quantity."""
        return self.trials.axes[0]

    @property
    def y(self) -> Quantity:
        """Vertical one."""
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
    confirmed, reported = _points_beside(study, x, y)
    xs, ys = _places(trials, confirmed, reported)
    log_x, log_y = use_logarithms(x, log_x, xs), use_logarithms(y, log_y, ys)
    beside = [
        *describe_confirmed(study.confirmed, confirmed, _steps(confirmed, xs, log=log_x)),
        *describe_reported(reported),
    ]
    objectives = sorted(objective.name for objective in study.info.objectives)
    points = trials.points
    return FrontInfo(
        title=f"{theme.capitalised(y.short)} against {x.short}: {study.info.name}",
        caption=describe_front(study, trials, beside),
        description=describe_points("Scatter plot", points, trials.axes, trials.front),
        note="" if confirmed or reported else tell_why_empty(study, len(points)),
        trials=trials,
        log_x=log_x,
        log_y=log_y,
        has_line=objectives == sorted((x.name, y.name)),
        confirmed=confirmed,
        reported=reported,
    )


def get_front_figure(info: FrontInfo) -> go.Figure:
    """Draw it."""
    figure = theme.new_figure()
    if info.note:
        theme.say_instead(figure, info.note)
    xs, ys = _places(info.trials, info.confirmed, info.reported)
    if info.has_line:
        figure.add_trace(_line_trace(info.trials))
    _add_trials(figure, info.trials)
    steps = _steps(info.confirmed, xs, log=info.log_x)
    figure.add_traces(confirmed_traces(info.confirmed, steps, info.x, info.trials.selected))
    figure.add_traces(reported_traces(info.reported))
    figure.update_layout(
        xaxis=axis_of(info.x, xs, log=info.log_x),
        yaxis=axis_of(info.y, ys, log=info.log_y),
    )
    if info.confirmed or info.reported:
        # Test accuracies, on the axis of the validation accuracies.
        figure.update_yaxes(title_text="Accuracy (correct / total)")
    return figure


def _figure(info: FrontInfo | Front3dInfo) -> go.Figure:
    return get_front_figure(info) if isinstance(info, FrontInfo) else get_front_3d_figure(info)


def _points_beside(
    study: LoadedStudy, x: Quantity, y: Quantity
) -> tuple[tuple[ConfirmedPoint, ...], tuple[ReportedPoint, ...]]:
    """Test accuracies, which have a place on the axis of the validation accuracy alone."""
    if y.name != "val_accuracy":
        return (), ()
    has_reported = x.name == "learnable_params"
    return (
        confirmed_points(study.confirmed, x.name),
        reported_points(study.info.dataset) if has_reported else (),
    )


def _places(
    trials: FrontTrials, confirmed: Sequence[ConfirmedPoint], reported: Sequence[ReportedPoint]
) -> tuple[list[float | str], list[float | str]]:
    """All that the two axes hold."""
    xs = [*(point.x for point in confirmed), *(point.learnable_params for point in reported)]
    ys = [*(point.accuracy.mean for point in confirmed), *(point.accuracy for point in reported)]
    return [*trials.places(0), *xs], [*trials.places(1), *ys]


def _steps(
    confirmed: Sequence[ConfirmedPoint], xs: Sequence[float | str], *, log: bool
) -> dict[str, float]:
    return layer_steps(confirmed, [x for x in xs if log and not isinstance(x, str)])


def _line_trace(trials: FrontTrials) -> go.Scatter:
    """Line of what is reached within each budget of `x`: the last front trial that fits into it."""
    return go.Scatter(
        x=coordinates(trials.front, 0),
        y=coordinates(trials.front, 1),
        mode="lines",
        line={"shape": "hv", "color": theme.VERMILION, "width": 2.5},
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
                "line": {"width": 0.5 if is_many else 1, "color": theme.GREY},
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
    """A shape of its own: no reader needs the colour to tell the front."""
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
            "color": theme.VERMILION,
            "line": {"width": 2.5},
        },
        unselected_marker_opacity=FADED,
    )


def _columns(info: FrontInfo | Front3dInfo) -> Columns:
    """Trials, then test accuracies, then reported figures, told apart by their kind."""
    if isinstance(info, Front3dInfo):
        return front_3d_columns(info)
    trials: dict[str, list[Cell]] = {
        **trial_columns(info.trials),
        info.y.name: [*info.trials.places(1)],
        info.x.name: [*info.trials.places(0)],
    }
    parts = [trials, confirmed_columns(info.confirmed, info.x)]
    if info.reported:
        parts.append(reported_columns(info.reported))
    return _stacked(parts)


def _stacked(parts: Sequence[Mapping[str, list[Cell]]]) -> Columns:
    """Parts below each other; a part without a column has no value in it."""
    names = dict.fromkeys(name for part in parts for name in part)
    return {
        name: [cell for part in parts for cell in part.get(name, [None] * len(part["kind"]))]
        for name in names
    }


def _brushes(info: FrontInfo | Front3dInfo) -> tuple[str, ...]:
    if isinstance(info, Front3dInfo):
        return ()
    # A box over names means no numbers.
    return tuple(
        "" if any(isinstance(place, str) for place in info.trials.places(i)) else axis.name
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
