"""A metric over two settings as a landscape, no farther than the trials reach."""

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from scipy.interpolate import LinearNDInterpolator
from scipy.spatial import QhullError

from dashboards.elements import theme
from dashboards.elements.colour import ColourScale
from dashboards.elements.file_column import as_column
from dashboards.elements.picture import Columns, PictureInfo
from dashboards.elements.quantity import Quantity
from dashboards.elements.setting_axis import SettingAxis
from dashboards.elements.trial_hover import template_text
from dashboards.elements.trial_words import describe_complete, describe_undrawn, tell_why_empty
from dashboards.elements.two_settings import (
    MetricPoint,
    metric_points,
    surface_colours,
    usual_metric,
)
from dashboards.picture_entry import PictureEntry
from dashboards.scene import Scene
from pnn_core.parts import palette
from study.results.mlflow.loaded_study import LoadedStudy
from study.results.plural import counted

CELLS = 16
"""Along each axis: trials within one are averaged before the landscape is laid over them."""
GRID = 90
"""Places along each axis at which the landscape is drawn."""

FEWEST_TRIALS = 30
"""Number of trials below which the page shows points alone: terrain of a dozen is invented."""

_LEVELS = 10
_FEWEST_KNOTS = 3
_LETTERS_A_LINE = 40  # on a phone

Floats = NDArray[np.float64]


class Landscape(NamedTuple):
    """The metric between the trials.

    Attributes:
        x: Horizontal places, in the setting's unit.
        y: Vertical ones.
        z: A row for each vertical place; NaN where trials do not surround it.
        knots: Means that it passes through.
        at_zero: Trials left out, as a logarithmic scale has no place for their zero.
    """

    x: tuple[float, ...]
    y: tuple[float, ...]
    z: tuple[tuple[float, ...], ...]
    knots: int
    at_zero: int


@dataclass(frozen=True, kw_only=True)
class ContourInfo(PictureInfo):
    """Words and data of the picture.

    Attributes:
        x: Horizontal setting.
        y: Vertical setting.
        z: The metric.
        points: By number of the trial.
        landscape: None where there cannot be one.
        why_not: Reason why there is none; empty where there is one.
    """

    x: Quantity
    y: Quantity
    z: Quantity
    points: tuple[MetricPoint, ...]
    landscape: Landscape | None
    why_not: str


def get_contour_info(
    study: LoadedStudy,
    *,
    x: Quantity,
    y: Quantity,
    z: Quantity | None = None,
    fewest: int = 0,
) -> ContourInfo:
    """Collect what the picture shows.

    Args:
        study: Study as read from the tracker.
        x: Horizontal setting.
        y: Vertical setting.
        z: A metric; by default the figure of merit.
        fewest: Fewest trials that a landscape is laid over.
    """
    z = z or usual_metric(study)
    points = metric_points(study, x, y, z)
    landscape, why_not = _landscape(x, y, points)
    if len(points) < fewest:
        landscape, why_not = None, f"No contours of fewer than {fewest} trials: points alone."
    info = ContourInfo(
        title=f"{theme.capitalised(z.short)} over {x.short} and {y.short}: {study.info.name}",
        description="",
        instead=tell_why_empty(study, len(points)),
        x=x,
        y=y,
        z=z,
        points=points,
        landscape=landscape,
        why_not=why_not if points else "",
    )
    return replace(
        info,
        common=tuple(describe_complete(study, len(points), (x, y, z))),
        sentences=(*_describe(info), *describe_undrawn(study, len(points))),
        description=_description(info),
    )


def get_contour_figure(info: ContourInfo) -> go.Figure:
    """Draw it: the landscape, and the trials on it."""
    figure = theme.new_figure()
    scale = ColourScale(info.z, _heights(info))
    if info.landscape is not None:
        figure.add_trace(_surface(info, info.landscape, scale))
    elif info.why_not:
        figure.add_annotation(
            text="<br>".join(map(theme.escape, textwrap.wrap(info.why_not, _LETTERS_A_LINE))),
            xref="paper",
            yref="paper",
            x=0.5,
            y=1.01,
            yanchor="bottom",
            showarrow=False,
        )
    across = SettingAxis(info.x, [point.x for point in info.points])
    up = SettingAxis(info.y, [point.y for point in info.points])
    figure.add_trace(_points(info, across, up, scale))
    return figure.update_layout(
        showlegend=False,
        xaxis=across.layout(),
        yaxis=up.layout(),
        margin={"t": 50, "b": 140},  # no legend above, the scale below
    )


def _columns(info: ContourInfo) -> Columns:
    return {
        "trial": [point.number for point in info.points],
        info.x.name: as_column([point.x for point in info.points]),
        info.y.name: as_column([point.y for point in info.points]),
        info.z.name: [point.z for point in info.points],
    }


def _landscape(
    x: Quantity, y: Quantity, points: Sequence[MetricPoint]
) -> tuple[Landscape | None, str]:
    """The landscape, or a sentence that says why there is none."""
    places = []
    for quantity, values in ((x, [p.x for p in points]), (y, [p.y for p in points])):
        if any(isinstance(value, str) for value in values):
            return None, f"No contours: {quantity.short} has names and no numbers."
        axis = SettingAxis(quantity, values)
        numbers = np.array(values, dtype=float)
        if axis.is_log:
            # Zero has no place between others on a logarithmic scale.
            numbers = np.log10(np.where(numbers > 0, numbers, np.nan))
        places.append((numbers, axis.is_log))
    (across, log_x), (up, log_y) = places
    used = np.isfinite(across) & np.isfinite(up)
    knots = _knots(across[used], up[used], np.array([p.z for p in points])[used])
    on_one_line = "No contours: they need three trials that are not on one line."
    if len(knots) < _FEWEST_KNOTS:
        return None, on_one_line
    try:
        surface = LinearNDInterpolator(knots[:, :2], knots[:, 2], rescale=True)
    except QhullError:
        return None, on_one_line
    grid_x, grid_y = (np.linspace(knots[:, i].min(), knots[:, i].max(), GRID) for i in (0, 1))
    heights = surface(*np.meshgrid(grid_x, grid_y))
    xs, ys = (
        tuple((10**grid if log else grid).tolist())
        for grid, log in ((grid_x, log_x), (grid_y, log_y))
    )
    rows = tuple(map(tuple, heights.tolist()))
    return Landscape(xs, ys, rows, len(knots), int((~used).sum())), ""


def _knots(x: Floats, y: Floats, z: Floats) -> Floats:
    """Means of place and height over trials that lie close together, a row each."""
    cells = np.zeros(len(x), dtype=int)
    for values in (x, y):
        low, high = values.min(initial=math.inf), values.max(initial=-math.inf)
        share = (values - low) / ((high - low) or 1.0)
        cells = cells * CELLS + np.minimum((share * CELLS).astype(int), CELLS - 1)
    _, cell_of, counts = np.unique(cells, return_inverse=True, return_counts=True)
    return np.column_stack([np.bincount(cell_of, values) / counts for values in (x, y, z)])


def _heights(info: ContourInfo) -> list[float]:
    """Everything that has a colour."""
    heights = [z for row in info.landscape.z for z in row] if info.landscape is not None else []
    if len(info.points) <= theme.MANY_POINTS or info.landscape is None:
        heights += [point.z for point in info.points]
    return [z for z in heights if not math.isnan(z)]


def _surface(info: ContourInfo, landscape: Landscape, scale: ColourScale) -> go.Contour:
    heights = np.array(
        [[math.nan if math.isnan(z) else scale.place(z) for z in row] for row in landscape.z]
    )
    return go.Contour(
        x=landscape.x,
        y=landscape.y,
        z=heights,
        **surface_colours(scale),
        ncontours=_LEVELS,
        # Labels of a logarithmic scale would read exponents.
        contours={"showlabels": not info.z.spans_decades, "labelfont": {"size": 10}},
        connectgaps=False,
        hoverinfo="skip",
    )


def _points(
    info: ContourInfo, across: SettingAxis, up: SettingAxis, scale: ColourScale
) -> go.Scatter | go.Scattergl:
    size = len(info.points)
    axes = (info.x, info.y, info.z)
    lines = [
        f"{template_text(quantity.short)}: %{{customdata[{i}]}}"
        for i, quantity in enumerate(axes, start=1)
    ]
    is_many = size > theme.MANY_POINTS
    marker: dict[str, object] = {"color": palette.GREY, "size": 3, "opacity": 0.35}
    if not is_many or info.landscape is None:  # else the landscape alone has colours
        marker = {
            "color": np.array([scale.place(point.z) for point in info.points]),
            "size": 5 if is_many else 8,
            # Keeps a point visible: without it one on ground of its own height could not be seen.
            "line": {"width": 1, "color": palette.GREY},
            **scale.marker(),
            "showscale": info.landscape is None,
        }
    return theme.scatter(
        size,
        # Arrays: Plotly looks at each item of a list.
        x=np.array([across.stand(point.x) for point in info.points]),
        y=np.array([up.stand(point.y) for point in info.points]),
        mode="markers",
        customdata=np.array(
            [
                [p.number, *(theme.escape(q.format(v)) for q, v in zip(axes, p[1:], strict=True))]
                for p in info.points
            ],
            dtype=object,
        ),
        hovertemplate="<br>".join(["trial %{customdata[0]}", *lines]) + "<extra></extra>",
        marker=marker,
    )


def _describe(info: ContourInfo) -> list[str]:
    if not info.points:
        return []
    sentences = [info.why_not] if info.why_not else []
    if info.landscape is not None:
        sentences.append(
            f"Points: trials. Colours between them: straight lines between {info.landscape.knots} "
            f"means over trials that lie within a {CELLS}th of both axes; nothing where trials do "
            "not surround it."
        )
        if info.landscape.at_zero:
            sentences.append("Trials at zero have no place on a logarithmic scale: points only.")
    sentences.append(
        "Other settings differ from point to point, and single trials carry the luck of their "
        "seeds: a small hill may be nothing."
    )
    return sentences


def _description(info: ContourInfo) -> str:
    kind = "Contours and points" if info.landscape is not None else "Points"
    text = f"{kind} of {info.z.short} over {info.x.short} and {info.y.short}, "
    text += f"{counted(len(info.points), 'trial')}."
    if not info.points:
        return text
    best = max(info.points, key=lambda point: point.z)
    return (
        f"{text} Highest: {info.z.format(best.z)} at {info.x.format(best.x)} and "
        f"{info.y.format(best.y)}."
    )


def _info(scene: Scene) -> ContourInfo:
    first, second = scene.two_settings("noise_level", "mask_count")
    return get_contour_info(scene.study, x=first, y=second, fewest=FEWEST_TRIALS)


CONTOUR = PictureEntry(
    name="contour",
    views=("matters",),
    options=("parameter", "second"),
    info=_info,
    figure=get_contour_figure,
    columns=_columns,
)
