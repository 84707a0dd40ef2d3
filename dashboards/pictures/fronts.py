"""Fronts of several studies over each other."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import moocore
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
from dashboards.elements.quantity import Quantity, searched_settings
from dashboards.elements.series import series_look, shortened
from dashboards.elements.several_studies import (
    clicks,
    comparable,
    describe_studies,
    named,
    reasons_apart,
)
from dashboards.picture_entry import PictureEntry
from dashboards.scene import Scene
from study.results.limit import meets
from study.results.mlflow.loaded_study import LoadedStudy
from study.results.plural import counted
from study.results.run_record import RunRecord


class StudyFront(NamedTuple):
    """One study's front in the two quantities of the picture, the best `x` first.

    Attributes:
        study: Its name.
        position: Its place among the studies asked for, which gives its look in every picture.
        numbers: Numbers of its trials.
        x: Horizontal places of its trials.
        y: Vertical places of its trials.
        hover: Their configurations, as lines of escaped HTML.
    """

    study: str
    position: int
    numbers: tuple[int, ...]
    x: tuple[float, ...]
    y: tuple[float, ...]
    hover: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class FrontsInfo(PictureInfo):
    """Words and data of the picture.

    Attributes:
        plane: Plane of both axes.
        fronts: Fronts of the studies that have one, in the order asked for.
    """

    plane: ObjectivePlane
    fronts: tuple[StudyFront, ...]


def get_fronts_info(
    studies: Sequence[LoadedStudy], *, x: Quantity | None = None, y: Quantity | None = None
) -> FrontsInfo:
    """Collect what the picture shows.

    Args:
        studies: Those that cannot be compared with the first are left out, and named.
        x: Horizontal metric; by default the first study's second objective, or the learnable
            parameters where it has one.
        y: Vertical metric; by default its first objective.
    """
    usual = usual_plane(studies[0].info.objectives)
    plane = ObjectivePlane(x=x or usual.x, y=y or usual.y)
    undirected = [axis.short for axis in plane if axis.direction is None]
    drawn = comparable(studies)
    found = [] if undirected else [_front(study, i, plane) for i, study in drawn]
    fronts = tuple(front for front in found if front.numbers)
    instead = "" if fronts else NOTHING_COMPLETE
    if undirected:
        instead = (
            f"There is no best {undirected[0]}: choose a metric that is better large or small."
        )
    return FrontsInfo(
        title=f"{theme.capitalised(str(plane))}: front of {named([study for _, study in drawn])}",
        common=tuple(describe_studies([study for _, study in drawn])),
        sentences=tuple(_sentences(studies, fronts, plane)),
        description=_description(fronts, plane),
        plane=plane,
        fronts=fronts,
        instead=instead,
    )


def get_fronts_figure(info: FrontsInfo) -> go.Figure:
    """Draw it."""
    figure = theme.new_figure()
    for front in info.fronts:
        figure.add_trace(_trace(front))
    return figure.update_layout(showlegend=True, **info.plane.axes(info.fronts))


def _columns(info: FrontsInfo) -> Columns:
    return {
        "study": [front.study for front in info.fronts for _ in front.numbers],
        "trial": [number for front in info.fronts for number in front.numbers],
        **plane_columns(info.plane, info.fronts),
    }


def _front(study: LoadedStudy, position: int, plane: ObjectivePlane) -> StudyFront:
    """Complete trials within the limits that no other one beats in both quantities."""
    points = [
        (values, record)
        for record in complete(study.records)
        if meets(record, study.info.limit) and (values := finite_values(record, plane)) is not None
    ]
    if points:
        kept = moocore.is_nondominated(
            [values for values, _ in points],
            maximise=[quantity.direction == "maximize" for quantity in plane],
            keep_weakly=True,
        )
        points = [point for point, keep in zip(points, kept, strict=True) if keep]
    sign = -1 if plane.x.direction == "maximize" else 1
    points.sort(key=lambda point: (sign * point[0][0], point[1].number))
    settings = searched_settings([record for _, record in points])
    return StudyFront(
        study=study.info.name,
        position=position,
        numbers=tuple(record.number for _, record in points),
        x=tuple(values[0] for values, _ in points),
        y=tuple(values[1] for values, _ in points),
        hover=tuple(_hover(study.info.name, record, plane, settings) for _, record in points),
    )


def _hover(
    study: str, record: RunRecord, axes: Sequence[Quantity], settings: Sequence[Quantity]
) -> str:
    lines = [f"<b>{theme.escape(study)}, trial {record.number}</b>"]
    lines += [
        theme.escape(f"{quantity.short}: {quantity.format(quantity.of(record))}")
        for quantity in (*axes, *settings)
    ]
    return "<br>".join(lines)


def _trace(front: StudyFront) -> go.Scatter:
    style = series_look(front.position)
    return go.Scatter(
        x=front.x,
        y=front.y,
        mode="lines+markers",
        line=style.steps(),
        marker=style.marker(9),
        name=theme.escape(shortened(front.study)),
        customdata=clicks(front.position, front.numbers),
        hovertext=front.hover,
        hoverinfo="text",
    )


def _sentences(
    studies: Sequence[LoadedStudy], fronts: Sequence[StudyFront], plane: ObjectivePlane
) -> list[str]:
    sentences = reasons_apart(studies)
    sentences.append(
        f"Each line passes through the complete trials that no other one of their study beats in "
        f"both {plane.y.short} and {plane.x.short}. {FROM_VALIDATION}"
    )
    shown = {front.study for front in fronts}
    sentences += [
        f"{study.info.name} is not drawn: no complete trial of it has both."
        for _, study in comparable(studies)
        if fronts and study.info.name not in shown
    ]
    if len(fronts) > 1:
        sentences.append(
            "One search each: which front lies higher may be the luck of its seed, and more trials "
            "alone lift a front."
        )
    return sentences


def _description(fronts: Sequence[StudyFront], plane: ObjectivePlane) -> str:
    x, y = plane
    lines = [
        f"{front.study}: {counted(len(front.numbers), 'trial')}, {y.short} "
        f"{y.format(min(front.y))} to {y.format(max(front.y))}, {x.short} "
        f"{x.format(min(front.x))} to {x.format(max(front.x))}"
        for front in fronts
    ]
    return f"Step lines of {plane}. " + "; ".join(lines or ["no front"]) + "."


def _info(scene: Scene) -> FrontsInfo:
    return get_fronts_info(scene.studies, x=scene.quantity("x"), y=scene.quantity("y"))


FRONTS = PictureEntry(
    name="fronts",
    views=("compare",),
    options=("x", "y"),
    needs="several studies",
    info=_info,
    figure=get_fronts_figure,
    columns=_columns,
)
