"""The front: what accuracy a number of parameters buys, or any two quantities of all trials."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go

from dashboards.pictures import look
from dashboards.pictures.colour import colour_groups
from dashboards.pictures.picture import Cell, Columns, Picture
from dashboards.pictures.quantity import Quantity, objective_quantity
from dashboards.pictures.trial_words import (
    CompleteTrials,
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
from dashboards.replication.axes import side_steps
from dashboards.replication.confirmed_front import ReportedPoint, get_confirmed_front_info
from dashboards.replication.layers import layer_look
from study.results.comparison import layer_results
from study.results.counted import counted
from study.results.intervals import CONFIDENCE, Estimate, format_percent
from study.results.mlflow.loaded_study import LoadedStudy
from study.results.objective import OBJECTIVES

FADED = 0.15
"""Opacity of what is not selected."""

_TESTED_COSTS = ("learnable_params", "mask_values", "macs")  # known of controls too
_FALLBACK_AXES = ("val_accuracy", "learnable_params", "macs")


class ConfirmedPoint(NamedTuple):
    """Test accuracy of a confirmed trial, with its own spatial layer or a control's.

    Attributes:
        trial: Its number.
        layer: Its spatial layer.
        x: Horizontal place.
        accuracy: Vertical place: the mean over seeds, a fraction, with its interval.
    """

    trial: int
    layer: str
    x: float
    accuracy: Estimate


class FrontInfo(NamedTuple):
    """Everything that the picture shows.

    Attributes:
        title: What it shows.
        caption: Of what it is drawn.
        description: For those who do not see it.
        message: What to say where nothing is drawn; empty otherwise.
        x: Horizontal quantity.
        y: Vertical one.
        colour: What tells the colour of points; None for one colour.
        log_x: Whether the axis is logarithmic.
        log_y: Likewise.
        points: Complete trials off the front, by number.
        front: Complete trials on it, the best `x` first.
        has_line: Whether the front is a line here: there are two objectives, and they are the axes.
        confirmed: Test accuracies, by trial, then layer.
        reported: Figures reported for the data set.
        selected: Trials that are not faded; None for all.
        table: The front, drawn or not, in the order of `study.results.pareto.front`.
    """

    title: str
    caption: str
    description: str
    message: str
    x: Quantity
    y: Quantity
    colour: Quantity | None
    log_x: bool
    log_y: bool
    points: tuple[TrialPoint, ...]
    front: tuple[TrialPoint, ...]
    has_line: bool
    confirmed: tuple[ConfirmedPoint, ...]
    reported: tuple[ReportedPoint, ...]
    selected: frozenset[int] | None
    table: TrialTable


def get_front_info(
    study: LoadedStudy,
    *,
    x: Quantity | None = None,
    y: Quantity | None = None,
    colour: Quantity | None = None,
    log_x: bool | None = None,
    log_y: bool | None = None,
    selected: frozenset[int] | None = None,
    with_reported: bool = True,
) -> FrontInfo:
    """Collect what the picture shows.

    Args:
        study: As read from the tracker.
        x: None for the second objective, or learnable parameters where there is one.
        y: None for the first objective.
        colour: None for the noise level where it is searched, else the first searched setting.
        log_x: Whether to take logarithms where all values have one; None for what is usual.
        log_y: Likewise.
        selected: Numbers of the trials to show in full, the others faded; None for all.
        with_reported: Whether to show what others reported for the data set.
    """
    trials = complete_trials(study)
    y, x = choose_axes(study, (y, x))
    colour = colour or choose_colour(trials)
    drawn = trials.points((x, y), colour)
    front = order_front(trials, drawn, x)
    on_front = {point.number for point in front}
    confirmed = _confirmed_points(study, x, y)
    reported = _reported_points(study, x, y) if with_reported else ()
    xs, ys = _places(drawn, confirmed, reported)
    log_x, log_y = use_logarithms(x, log_x, xs), use_logarithms(y, log_y, ys)
    sentences = [
        *describe_complete(study, len(drawn), (x, y)),
        *_confirmed_sentences(study, confirmed, xs if log_x else []),
        *_reported_sentences(reported),
        *describe_colour(colour, drawn),
        *describe_selection([point.number for point in drawn], selected),
    ]
    objectives = sorted(objective.name for objective in study.info.objectives)
    return FrontInfo(
        title=f"{look.capitalised(y.short)} against {x.short}: {study.info.name}",
        caption=" ".join(sentences),
        description=describe_points("Scatter plot", drawn, (x, y), front),
        message="" if confirmed or reported else tell_why_empty(study, len(drawn)),
        x=x,
        y=y,
        colour=colour,
        log_x=log_x,
        log_y=log_y,
        points=tuple(point for point in drawn if point.number not in on_front),
        front=front,
        has_line=objectives == sorted((x.name, y.name)),
        confirmed=confirmed,
        reported=reported,
        selected=selected,
        table=trials.table(trials.front),
    )


def get_front_figure(info: FrontInfo) -> go.Figure:
    """Draw it."""
    figure = look.new_figure()
    if info.message:
        look.say_instead(figure, info.message)
    points = (*info.points, *info.front)
    xs, ys = _places(points, info.confirmed, info.reported)
    figure.add_traces(_line_traces(info))
    _add_trials(figure, info)
    figure.add_traces(
        _confirmed_traces(info, _side_steps(info.confirmed, xs if info.log_x else []))
    )
    figure.add_traces(_reported_traces(info.reported))
    figure.update_layout(
        xaxis=axis_of(info.x, xs, log=info.log_x),
        yaxis=axis_of(info.y, ys, log=info.log_y),
    )
    if info.confirmed or info.reported:
        # Test accuracies, on the axis of the validation accuracies.
        figure.update_yaxes(title_text="Accuracy (correct / total)")
    return figure


def get_front_picture(info: FrontInfo) -> Picture:
    """The picture with its words and data."""
    return Picture(
        name="front",
        title=info.title,
        caption=info.caption,
        description=info.description,
        figure=get_front_figure(info),
        data=_data(info),
    )


def choose_axes(study: LoadedStudy, wanted: Sequence[Quantity | None]) -> tuple[Quantity, ...]:
    """As many quantities as wanted; those left open are the objectives in order, then others.

    Args:
        study: That has the objectives.
        wanted: The vertical axis first; None leaves one open.
    """
    taken = {quantity.name for quantity in wanted if quantity}
    names = dict.fromkeys((*(o.name for o in study.info.objectives), *_FALLBACK_AXES))
    free = iter([objective_quantity(OBJECTIVES[name]) for name in names if name not in taken])
    return tuple(quantity or next(free) for quantity in wanted)


def choose_colour(trials: CompleteTrials) -> Quantity | None:
    """The noise level where it is searched, else the first searched setting."""
    searched = {quantity.name: quantity for quantity in trials.searched}
    return searched.get("noise_level", next(iter(searched.values()), None))


def order_front(
    trials: CompleteTrials, points: Sequence[TrialPoint], x: Quantity
) -> tuple[TrialPoint, ...]:
    """Those of the points that are on the study's front, the best `x` first.

    Args:
        trials: Of the study.
        points: All that are drawn.
        x: The quantity whose place comes first.
    """
    on_front = set(trials.front)
    front = [point for point in points if point.number in on_front]
    front.sort(key=lambda point: point.place[0], reverse=x.direction == "maximize")
    return tuple(front)


def axis_of(quantity: Quantity, values: Sequence[float | str], *, log: bool) -> dict[str, object]:
    """An axis of numbers or of names, in Plotly's words.

    Args:
        quantity: That it shows.
        values: All that are drawn.
        log: Whether to take logarithms, where all values have one.
    """
    numbers = [value for value in values if not isinstance(value, str)]
    if len(numbers) < len(values):
        title = {"text": look.escape(look.capitalised(quantity.label))}
        return {"type": "category", "categoryorder": "category ascending", "title": title}
    axis = look.axis(quantity.label, numbers, log=log, counts=quantity.counts)
    if quantity.name == "val_accuracy" and "type" not in axis:
        # A single trial would get an axis from 1 below to 1 above it.
        axis["autorangeoptions"] = {"clipmin": -0.02, "clipmax": 1.02}
    return axis


def coordinates(points: Sequence[TrialPoint], axis: int) -> np.ndarray:
    """Where points stand on an axis, for Plotly: names are escaped."""
    places = [point.place[axis] for point in points]
    if places and isinstance(places[0], str):
        return np.array([look.escape(str(place)) for place in places], dtype=object)
    return np.array(places, dtype=float)


def hover_data(points: Sequence[TrialPoint]) -> np.ndarray:
    """Number and words of each point: `customdata` for `hover_template`."""
    return np.array([(point.number, *point.words) for point in points], dtype=object)


def use_logarithms(quantity: Quantity, wanted: bool | None, values: Sequence[float | str]) -> bool:
    """Whether an axis is logarithmic: as wanted or usual, where all values have a logarithm."""
    numbers = [value for value in values if not isinstance(value, str)]
    is_wanted = quantity.spans_decades if wanted is None else wanted
    return is_wanted and len(numbers) == len(values) and look.is_log_possible(numbers)


def selected_places(
    points: Sequence[TrialPoint], selected: frozenset[int] | None
) -> list[int] | None:
    """Which points are not faded, as Plotly counts them; None for all."""
    if selected is None:
        return None
    return [i for i, point in enumerate(points) if point.number in selected]


def _places(
    points: Sequence[TrialPoint],
    confirmed: Sequence[ConfirmedPoint],
    reported: Sequence[ReportedPoint],
) -> tuple[list[float | str], list[float | str]]:
    """All that the two axes hold."""
    xs: list[float | str] = [point.place[0] for point in points]
    ys: list[float | str] = [point.place[1] for point in points]
    xs += [point.x for point in confirmed] + [point.learnable_params for point in reported]
    ys += [point.accuracy.mean for point in confirmed] + [point.accuracy for point in reported]
    return xs, ys


def _confirmed_points(study: LoadedStudy, x: Quantity, y: Quantity) -> tuple[ConfirmedPoint, ...]:
    if y.name != "val_accuracy" or x.name not in _TESTED_COSTS:
        return ()
    found = []
    for result in layer_results(study.confirmed):
        cost = next((run.metrics()[x.name] for run in result.runs if run.costs is not None), None)
        accuracy = result.test_accuracy
        if cost is not None and accuracy is not None:
            found.append(ConfirmedPoint(result.trial, result.layer, cost, accuracy))
    return tuple(found)


def _reported_points(study: LoadedStudy, x: Quantity, y: Quantity) -> tuple[ReportedPoint, ...]:
    if (x.name, y.name) != ("learnable_params", "val_accuracy"):
        return ()
    return get_confirmed_front_info(study).reported


def _confirmed_sentences(
    study: LoadedStudy, confirmed: Sequence[ConfirmedPoint], xs: Sequence[float | str]
) -> list[str]:
    if not study.confirmed:
        return ["Chosen on validation data; the test set was not read."]
    if not confirmed:
        return ["Chosen on validation data."]
    seeds = sorted({point.accuracy.n for point in confirmed})
    sentences = [
        "Chosen on validation data. “test”: test accuracy of confirmed trials and their controls, "
        f"means over fresh seeds (n = {' or '.join(map(str, seeds))}) with {CONFIDENCE:.0%} t "
        "intervals."
    ]
    if 1 in seeds:
        sentences.append("One seed has no interval.")
    farthest = max(abs(step - 1) for step in _side_steps(confirmed, xs).values())
    if farthest:
        sentences.append(f"Layers stand side by side, up to {farthest:.0%} beside their true size.")
    return sentences


def _reported_sentences(reported: Sequence[ReportedPoint]) -> list[str]:
    if not reported:
        return []
    return [
        f"Hollow: {counted(len(reported), 'figure')} reported by others, those of known size; test "
        "accuracy of one run each, at another budget and by another protocol."
    ]


def _side_steps(confirmed: Sequence[ConfirmedPoint], xs: Sequence[float | str]) -> dict[str, float]:
    """Factors that set layers of one size side by side.

    Args:
        confirmed: All that are drawn.
        xs: All that a logarithmic axis holds; empty for a linear one, on which none is moved.
    """
    layers = [*dict.fromkeys(point.layer for point in confirmed)]
    numbers = [x for x in xs if not isinstance(x, str)]
    return side_steps(layers, numbers)


def _line_traces(info: FrontInfo) -> list[go.Scatter]:
    """What is reached within each budget of `x`: the last front trial that fits into it."""
    if not info.has_line:
        return []
    return [
        go.Scatter(
            x=coordinates(info.front, 0),
            y=coordinates(info.front, 1),
            mode="lines",
            line={"shape": "hv", "color": look.VERMILION, "width": 2.5},
            name="front",
            legendgroup="front",
            hoverinfo="skip",
            showlegend=False,
        )
    ]


def _add_trials(figure: go.Figure, info: FrontInfo) -> None:
    """Draw every trial once by its colour, and a diamond around each one of the front."""
    points = (*info.points, *info.front)
    is_many = len(points) > look.MANY_POINTS
    xs, ys, words = coordinates(points, 0), coordinates(points, 1), hover_data(points)
    for group in colour_groups(info.colour, [point.colour for point in points]):
        trace = look.scatter(
            len(points),
            x=xs[group.places],
            y=ys[group.places],
            hovertemplate=hover_template(info.table.metrics, info.table.settings),
            selectedpoints=selected_places([points[i] for i in group.places], info.selected),
            mode="markers",
            name=look.escape(group.name),
            marker={
                "size": 5 if is_many else 8,
                # The scale's yellow alone is faint on white, its violet on black.
                "line": {"width": 0.5 if is_many else 1, "color": look.GREY},
                **group.marker,
            },
            unselected_marker_opacity=FADED,
        )
        figure.add_trace(trace)
        # Not before: adding copies every single text.
        figure.data[-1].customdata = words[group.places]
    if info.front:
        figure.add_trace(_front_trace(info))


def _front_trace(info: FrontInfo) -> go.Scatter:
    """A shape of its own: no reader needs the colour to tell the front."""
    return go.Scatter(
        x=coordinates(info.front, 0),
        y=coordinates(info.front, 1),
        customdata=[[point.number] for point in info.front],
        selectedpoints=selected_places(info.front, info.selected),
        mode="markers",
        name="front",
        legendgroup="front",
        hoverinfo="skip",  # the trial within tells
        marker={
            "size": 12 if len(info.points) > look.MANY_POINTS else 16,
            "symbol": "diamond-open",
            "color": look.VERMILION,
            "line": {"width": 2.5},
        },
        unselected_marker_opacity=FADED,
    )


def _confirmed_traces(info: FrontInfo, steps: Mapping[str, float]) -> list[go.Scatter]:
    traces = []
    for layer, step in steps.items():
        points = [point for point in info.confirmed if point.layer == layer]
        shown = layer_look(layer)
        widths = [point.accuracy.half_width for point in points]
        selected = info.selected
        traces.append(
            go.Scatter(
                x=[point.x * step for point in points],
                y=[point.accuracy.mean for point in points],
                # Plotly draws a missing bar as none.
                error_y={
                    "array": [math.nan if width is None else width for width in widths],
                    "color": shown.colour,
                    "thickness": 1.8,
                    "width": 6,
                },
                customdata=[[point.trial] for point in points],
                hovertext=[_confirmed_words(point, info.x) for point in points],
                hoverinfo="text",
                selectedpoints=None
                if selected is None
                else [i for i, point in enumerate(points) if point.trial in selected],
                mode="markers",
                name=look.escape(f"test: {shown.name}"),
                marker={"size": 10, "symbol": shown.symbol, "color": shown.colour},
                unselected_marker_opacity=FADED,
            )
        )
    return traces


def _confirmed_words(point: ConfirmedPoint, x: Quantity) -> str:
    layer = look.escape(layer_look(point.layer).name)
    return (
        f"<b>trial {point.trial}, {layer}: test accuracy</b><br>{format_percent(point.accuracy)} %"
        f"<br>n = {point.accuracy.n}<br>{x.name}: {x.format(point.x)}"
    )


def _reported_traces(reported: Sequence[ReportedPoint]) -> list[go.Scatter]:
    traces: list[go.Scatter] = []
    for layer in dict.fromkeys(point.layer for point in reported):
        points = [point for point in reported if point.layer == layer]
        shown = layer_look(layer)
        traces.append(
            go.Scatter(
                x=[point.learnable_params for point in points],
                y=[point.accuracy for point in points],
                hovertext=[
                    f"<b>reported, {look.escape(shown.name)}</b><br>{look.escape(point.label)}"
                    f"<br>{100 * point.accuracy:.2f} %<br>about {point.learnable_params:,} "
                    "learnable parameters "
                    f"({'counted by this project' if point.is_counted else 'from a ratio'})"
                    for point in points
                ],
                hoverinfo="text",
                mode="markers",
                # One short word for all layers: a phone has no room above the plot for more.
                name="reported",
                legendgroup="reported",
                showlegend=not traces,
                marker={
                    "size": 12,
                    "symbol": f"{shown.symbol}-open",
                    "color": look.GREY,
                    "line": {"width": 1.5},
                },
            )
        )
    return traces


def _data(info: FrontInfo) -> Columns:
    """Trials, then test accuracies, then reported figures, told apart by their kind."""
    points = (*info.points, *info.front)
    trials, tests, reported = len(points), len(info.confirmed), len(info.reported)
    none: list[Cell] = [None]
    kinds = ["trial"] * len(info.points) + ["front"] * len(info.front)
    columns: dict[str, list[Cell]] = {
        "kind": [*kinds, *["test"] * tests, *["reported"] * reported],
        "trial": [p.number for p in points] + [p.trial for p in info.confirmed] + none * reported,
    }
    beside = none * (tests + reported)
    if info.colour:
        columns[info.colour.name] = as_column([p.colour for p in points]) + beside
    columns[info.y.name] = [*(p.place[1] for p in points), *beside]
    columns[info.x.name] = [*_places(points, info.confirmed, info.reported)[0]]
    estimates = [p.accuracy for p in info.confirmed]
    accuracies: list[Cell] = [e.mean for e in estimates]
    accuracies += [p.accuracy for p in info.reported]
    layers: list[Cell] = [p.layer for p in info.confirmed]
    layers += [p.layer for p in info.reported]
    return {
        **columns,
        "test_accuracy": none * trials + accuracies,
        "interval_half_width": none * trials + [e.half_width for e in estimates] + none * reported,
        "seeds": none * trials + [e.n for e in estimates] + none * reported,
        "tested_layer": none * trials + layers,
    }
