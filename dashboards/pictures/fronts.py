"""Fronts of several studies over each other; and what makes studies comparable at all."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import moocore
import plotly.graph_objects as go

from dashboards.pictures import look
from dashboards.pictures.caption import complete, describe_seeds, describe_trials
from dashboards.pictures.picture import Picture
from dashboards.pictures.quantity import Quantity, objective_quantity, searched_settings
from study.results.counted import counted
from study.results.mlflow.loaded_study import LoadedStudy
from study.results.objective import OBJECTIVES, Objective
from study.results.record import TrialRecord
from study.results.study_info import StudyInfo

CHOOSE = "Choose at least one study."
_LONGEST_NAME = 24


class SeriesLook(NamedTuple):
    """How one of several studies or methods is told from the others, in Plotly's words."""

    colour: str
    dash: str
    symbol: str


class StudyFront(NamedTuple):
    """One study's front in the two quantities of the picture, the best `x` first.

    Attributes:
        study: Its name.
        position: Its place among the studies asked for, which gives its look in every picture.
        numbers: Of its trials.
        x: Their places.
        y: Likewise.
        hover: Their configurations, as lines of escaped HTML.
    """

    study: str
    position: int
    numbers: tuple[int, ...]
    x: tuple[float, ...]
    y: tuple[float, ...]
    hover: tuple[str, ...]


class FrontsInfo(NamedTuple):
    """Everything that the picture shows.

    Attributes:
        title: What it shows.
        caption: Of what it is drawn, and what must not be concluded.
        description: For those who do not see it.
        x: Horizontal quantity, as `y` None without a study.
        y: Vertical quantity.
        fronts: Of the studies that have one, in the order asked for.
        instead: What to say where there is nothing to draw; empty otherwise.
    """

    title: str
    caption: str
    description: str
    x: Quantity | None
    y: Quantity | None
    fronts: tuple[StudyFront, ...]
    instead: str


def get_fronts_info(
    studies: Sequence[LoadedStudy], *, x: Quantity | None = None, y: Quantity | None = None
) -> FrontsInfo:
    """Collect what the picture shows.

    Args:
        studies: The others are compared with the first.
        x: Horizontal metric; by default the first study's second objective, or the learnable
            parameters where it has one.
        y: Vertical metric; by default its first objective.
    """
    if not studies:
        return FrontsInfo("Fronts of studies", "", CHOOSE, None, None, (), CHOOSE)
    default_y, default_x = map(objective_quantity, default_axes(studies[0].info.objectives))
    x, y = x or default_x, y or default_y
    undirected = [axis.short for axis in (x, y) if axis.direction is None]
    found = [] if undirected else [_front(study, i, x, y) for i, study in enumerate(studies)]
    fronts = tuple(front for front in found if front.numbers)
    instead = "" if fronts else "No trial has completed its full budget with both metrics yet."
    if undirected:
        instead = (
            f"There is no best {undirected[0]}: choose a metric that is better large or small."
        )
    return FrontsInfo(
        title=f"{look.capitalised(y.short)} against {x.short}: front of {named(studies)}",
        caption=_caption(studies, fronts, x, y),
        description=_description(fronts, x, y),
        x=x,
        y=y,
        fronts=fronts,
        instead=instead,
    )


def get_fronts_figure(info: FrontsInfo) -> go.Figure:
    """Draw it."""
    figure = look.new_figure()
    if info.instead or info.x is None or info.y is None:
        return look.say_instead(figure, info.instead)
    for front in info.fronts:
        figure.add_trace(_trace(front))
    xs = [value for front in info.fronts for value in front.x]
    ys = [value for front in info.fronts for value in front.y]
    return figure.update_layout(
        showlegend=True,
        xaxis=look.axis(info.x.label, xs, log=info.x.spans_decades, counts=info.x.counts),
        yaxis=look.axis(info.y.label, ys, log=info.y.spans_decades, counts=info.y.counts),
    )


def get_fronts_picture(info: FrontsInfo) -> Picture:
    """The picture with its words and data."""
    x, y = (axis.name if axis else "" for axis in (info.x, info.y))
    return Picture(
        name="fronts",
        title=info.title,
        caption=info.caption,
        description=info.description,
        figure=get_fronts_figure(info),
        data={
            "study": [front.study for front in info.fronts for _ in front.numbers],
            "trial": [number for front in info.fronts for number in front.numbers],
            x or "x": [value for front in info.fronts for value in front.x],
            y or "y": [value for front in info.fronts for value in front.y],
        },
    )


def series_look(position: int) -> SeriesLook:
    """The look of the study or method at a place; no two of the first 42 share colour and dash."""
    return SeriesLook(
        colour=look.SERIES_COLOURS[position % len(look.SERIES_COLOURS)],
        dash=look.DASHES[position % len(look.DASHES)],
        symbol=look.SYMBOLS[position % len(look.SYMBOLS)],
    )


def shortened(name: str) -> str:
    """A name that fits a phone beside others: its beginning and its end."""
    if len(name) <= _LONGEST_NAME:
        return name
    half = _LONGEST_NAME // 2
    return f"{name[:half]}…{name[1 - half :]}"


def named(studies: Sequence[LoadedStudy]) -> str:
    """Studies in a title: by name while they are few."""
    names = [study.info.name for study in studies]
    return ", ".join(names) if len(names) <= 3 else f"{len(names)} studies"


def what_differs(info: StudyInfo, first: StudyInfo) -> str:
    """Why a study cannot be compared with another one; empty where it can.

    Such as: data set mnist instead of digits, 10 epochs instead of 4.
    """
    differences = []
    if info.dataset != first.dataset:
        differences.append(f"data set {info.dataset} instead of {first.dataset}")
    if info.epochs != first.epochs:
        differences.append(f"{counted(info.epochs, 'epoch')} instead of {first.epochs}")
    if {*info.objectives} != {*first.objectives}:
        ours, theirs = (" and ".join(o.name for o in i.objectives) for i in (info, first))
        differences.append(f"objectives {ours} instead of {theirs}")
    return ", ".join(differences)


def describe_studies(studies: Sequence[LoadedStudy]) -> list[str]:
    """Of what a picture of several studies is drawn: a sentence for each data set and budget."""
    if len(studies) == 1:
        return [describe_trials(studies[0].info, studies[0].records)]
    of_budget: dict[str, list[str]] = {}
    for study in studies:
        info, n = study.info, len(complete(study.records))
        seeds = describe_seeds(study.records)
        budget = f"{info.dataset}, {counted(info.epochs, 'epoch')} each, {seeds} per trial"
        share = f"{info.name} ({n} of {counted(len(study.records), 'trial')} complete)"
        of_budget.setdefault(budget, []).append(share)
    return [f"{budget}: {', '.join(shares)}." for budget, shares in of_budget.items()]


def default_axes(objectives: Sequence[Objective]) -> tuple[Objective, Objective]:
    """The vertical and the horizontal objective of a study."""
    first = objectives[0]
    if len(objectives) > 1:
        return first, objectives[1]
    other = "val_accuracy" if first.name == "learnable_params" else "learnable_params"
    return first, OBJECTIVES[other]


def finite_values(record: TrialRecord, quantities: Sequence[Quantity]) -> tuple[float, ...] | None:
    """Values of a trial; None where one is missing or not finite."""
    metrics = record.metrics()
    values = []
    for quantity in quantities:
        value = metrics[quantity.name] if quantity.name in metrics else quantity.of(record)
        if isinstance(value, str) or value is None or not math.isfinite(value):
            return None
        values.append(float(value))
    return tuple(values)


def _front(study: LoadedStudy, position: int, x: Quantity, y: Quantity) -> StudyFront:
    """Complete trials that no other one beats in both quantities."""
    points = [
        (values, record)
        for record in complete(study.records)
        if (values := finite_values(record, (x, y))) is not None
    ]
    if points:
        kept = moocore.is_nondominated(
            [values for values, _ in points],
            maximise=[quantity.direction == "maximize" for quantity in (x, y)],
            keep_weakly=True,
        )
        points = [point for point, keep in zip(points, kept, strict=True) if keep]
    sign = -1 if x.direction == "maximize" else 1
    points.sort(key=lambda point: (sign * point[0][0], point[1].number))
    settings = searched_settings([record for _, record in points])
    return StudyFront(
        study=study.info.name,
        position=position,
        numbers=tuple(record.number for _, record in points),
        x=tuple(values[0] for values, _ in points),
        y=tuple(values[1] for values, _ in points),
        hover=tuple(_hover(study.info.name, record, (x, y), settings) for _, record in points),
    )


def _hover(
    study: str, record: TrialRecord, axes: Sequence[Quantity], settings: Sequence[Quantity]
) -> str:
    lines = [f"<b>{look.escape(study)}, trial {record.number}</b>"]
    lines += [
        look.escape(f"{quantity.short}: {quantity.format(quantity.of(record))}")
        for quantity in (*axes, *settings)
    ]
    return "<br>".join(lines)


def _trace(front: StudyFront) -> go.Scatter:
    style = series_look(front.position)
    return go.Scatter(
        x=front.x,
        y=front.y,
        mode="lines+markers",
        # Until the next trial fits the budget, the last one is the best.
        line={"shape": "hv", "color": style.colour, "dash": style.dash, "width": 2},
        marker={"symbol": style.symbol, "color": style.colour, "size": 9},
        name=look.escape(shortened(front.study)),
        # A click opens a trial of the study looked at, which is the first one.
        customdata=None if front.position else [[number] for number in front.numbers],
        hovertext=front.hover,
        hoverinfo="text",
    )


def _caption(
    studies: Sequence[LoadedStudy], fronts: Sequence[StudyFront], x: Quantity, y: Quantity
) -> str:
    first = studies[0].info
    sentences = describe_studies(studies)
    sentences.append(
        f"Each line passes through the complete trials that no other one of their study beats in "
        f"both {y.short} and {x.short}. Chosen on validation data; the test set was not read."
    )
    missing = {study.info.name for study in studies} - {front.study for front in fronts}
    sentences += [
        f"{study.info.name} is not drawn: no complete trial of it has both."
        for study in studies
        if fronts and study.info.name in missing
    ]
    sentences += [
        f"{study.info.name} cannot be compared with {first.name}: {difference}."
        for study in studies[1:]
        if study.info.name not in missing and (difference := what_differs(study.info, first))
    ]
    if len(fronts) > 1:
        sentences.append(
            "One search each: which front lies higher may be the luck of its seed, and more trials "
            "alone lift a front."
        )
    return " ".join(sentences)


def _description(fronts: Sequence[StudyFront], x: Quantity, y: Quantity) -> str:
    lines = [
        f"{front.study}: {counted(len(front.numbers), 'trial')}, {y.short} "
        f"{y.format(min(front.y))} to {y.format(max(front.y))}, {x.short} "
        f"{x.format(min(front.x))} to {x.format(max(front.x))}"
        for front in fronts
    ]
    return f"Step lines of {y.short} against {x.short}. " + "; ".join(lines or ["no front"]) + "."
