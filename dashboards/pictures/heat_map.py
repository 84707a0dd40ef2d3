"""Mean accuracy by two settings, a cell for each pair of values (the paper's Table 6)."""

import statistics
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go
from plotly.colors import sample_colorscale

from dashboards.elements import theme
from dashboards.elements.colour import ColourScale, tick_text
from dashboards.elements.picture import Columns, PictureInfo
from dashboards.elements.quantity import Quantity
from dashboards.elements.series import shortened
from dashboards.elements.setting_parts import Part, divide
from dashboards.elements.trial_words import describe_complete, describe_undrawn, tell_why_empty
from dashboards.elements.two_settings import metric_points, surface_colours, usual_metric
from dashboards.picture_entry import PictureEntry
from dashboards.pictures.reported_cells import ReportedCell, reported_cells
from dashboards.scene import Scene
from study.results.mlflow.loaded_study import LoadedStudy
from study.results.plural import counted

BINS = 6

_AS_FAR_FROM_BLACK_AS_FROM_WHITE = 0.179  # relative luminance, WCAG 2


class HeatCell(NamedTuple):
    """The trials of one pair of parts.

    Attributes:
        column: Place of the horizontal part.
        row: Place of the vertical part.
        trials: Number of trials.
        mean: Mean of the metric.
        lowest: Lowest value of the metric.
        highest: Highest value of the metric.
    """

    column: int
    row: int
    trials: int
    mean: float
    lowest: float
    highest: float


@dataclass(frozen=True, kw_only=True)
class HeatMapInfo(PictureInfo):
    """Words and data of the picture.

    Attributes:
        x: Horizontal setting.
        y: Vertical setting.
        z: The metric.
        columns: Labels of the horizontal parts, from left to right.
        rows: Labels of the vertical parts, from below.
        cells: Those with at least one trial, row by row.
        reported: Figures of the paper for the same data set.
    """

    x: Quantity
    y: Quantity
    z: Quantity
    columns: tuple[str, ...]
    rows: tuple[str, ...]
    cells: tuple[HeatCell, ...]
    reported: tuple[ReportedCell, ...]


def get_heat_map_info(
    study: LoadedStudy, *, x: Quantity, y: Quantity, z: Quantity | None = None
) -> HeatMapInfo:
    """Collect what the picture shows.

    Args:
        study: Study as read from the tracker.
        x: Horizontal setting.
        y: Vertical setting.
        z: A metric; by default the figure of merit.
    """
    z = z or usual_metric(study)
    points = metric_points(study, x, y, z)
    columns = divide(x, [point.x for point in points], bins=BINS)
    rows = divide(y, [point.y for point in points], bins=BINS)
    cells = _cells(columns, rows, [point.z for point in points])
    reported = reported_cells(study.info.dataset, (x, columns), (y, rows), z)
    return HeatMapInfo(
        title=f"{theme.capitalised(z.short)} by {x.short} and {y.short}: {study.info.name}",
        common=tuple(describe_complete(study, len(points), (x, y, z))),
        sentences=(
            *_describe_cells(z, cells, reported),
            *describe_undrawn(study, len(points)),
        ),
        description=_description(x, y, z, columns, rows, cells),
        instead=tell_why_empty(study, len(points)),
        x=x,
        y=y,
        z=z,
        columns=tuple(part.label for part in columns),
        rows=tuple(part.label for part in rows),
        cells=cells,
        reported=reported,
    )


def get_heat_map_figure(info: HeatMapInfo) -> go.Figure:
    """Draw it: a colour and a number in each cell, a dash in an empty one."""
    figure = theme.new_figure()
    scale = ColourScale(info.z, [cell.mean for cell in info.cells])
    size = (len(info.rows), len(info.columns))
    colours = np.full(size, np.nan)
    hover = np.array(
        [[_place_text(info, i, j) for j in range(size[1])] for i in range(size[0])], dtype=object
    )
    for cell in info.cells:
        colours[cell.row, cell.column] = scale.place(cell.mean)
        hover[cell.row, cell.column] += _cell_text(info, cell)
    for figures in info.reported:
        hover[figures.row, figures.column] += f"<br>{theme.escape(figures.text)}"
    figure.add_trace(
        go.Heatmap(
            z=colours,
            hovertext=hover,
            hoverinfo="text",
            hoverongaps=False,
            xgap=2,
            ygap=2,
            **surface_colours(scale),
        )
    )
    figure.add_trace(_numbers(info, scale))
    figure.add_trace(_dashes(np.argwhere(np.isnan(colours)), hover))
    return figure.update_layout(
        showlegend=False,
        xaxis=_axis(info.x, info.columns),
        yaxis=_axis(info.y, info.rows),
        margin={"t": 20, "b": 140},  # no legend above, the scale below
    )


def _columns(info: HeatMapInfo) -> Columns:
    return {
        info.x.name: [info.columns[cell.column] for cell in info.cells],
        info.y.name: [info.rows[cell.row] for cell in info.cells],
        f"mean_{info.z.name}": [cell.mean for cell in info.cells],
        "trials": [cell.trials for cell in info.cells],
        "lowest": [cell.lowest for cell in info.cells],
        "highest": [cell.highest for cell in info.cells],
    }


def _cells(
    columns: Sequence[Part], rows: Sequence[Part], values: Sequence[float]
) -> tuple[HeatCell, ...]:
    column_of = {place: i for i, part in enumerate(columns) for place in part.places}
    inside: defaultdict[tuple[int, int], list[float]] = defaultdict(list)
    for row, part in enumerate(rows):
        for place in part.places:
            inside[row, column_of[place]].append(values[place])
    return tuple(
        HeatCell(column, row, len(found), statistics.fmean(found), min(found), max(found))
        for (row, column), found in sorted(inside.items())
    )


def _axis(quantity: Quantity, labels: Sequence[str]) -> dict[str, object]:
    return theme.axis(quantity.label, (), log=False) | {
        "tickvals": list(range(len(labels))),
        "ticktext": [theme.escape(shortened(label)) for label in labels],
        "range": [-0.5, len(labels) - 0.5],
        "showgrid": False,
    }


def _numbers(info: HeatMapInfo, scale: ColourScale) -> go.Scatter:
    marker = scale.marker()
    low, high = float(str(marker["cmin"])), float(str(marker["cmax"]))
    shares = [(scale.place(cell.mean) - low) / (high - low) for cell in info.cells]
    return go.Scatter(
        x=[cell.column for cell in info.cells],
        y=[cell.row for cell in info.cells],
        mode="text",
        text=[f"{tick_text(cell.mean)}<br>n={cell.trials}" for cell in info.cells],
        # On the cells' own colours, the same in every theme.
        textfont={"color": ["white" if _is_dark(share) else "black" for share in shares]},
        hoverinfo="skip",
    )


def _is_dark(share: float) -> bool:
    """Return True if white is read better than black on a place of the colour scale."""
    (colour,) = sample_colorscale(theme.SCALE, [share], colortype="tuple")
    linear = [((c + 0.055) / 1.055) ** 2.4 if c > 0.04045 else c / 12.92 for c in colour]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return bool(luminance < _AS_FAR_FROM_BLACK_AS_FROM_WHITE)


def _dashes(empty: np.ndarray, hover: np.ndarray) -> go.Scatter:
    """A dash in each cell without a trial: paper alone could be a trial of the palest colour."""
    return go.Scatter(
        x=[int(column) for _, column in empty],
        y=[int(row) for row, _ in empty],
        mode="text",
        text=["–"] * len(empty),
        hovertext=[f"{hover[row, column]}<br>no complete trial" for row, column in empty],
        hoverinfo="text",
    )


def _place_text(info: HeatMapInfo, row: int, column: int) -> str:
    lines = (f"{info.x.short}: {info.columns[column]}", f"{info.y.short}: {info.rows[row]}")
    return "<br>".join(map(theme.escape, lines))


def _cell_text(info: HeatMapInfo, cell: HeatCell) -> str:
    lowest, mean, highest = map(info.z.format, (cell.lowest, cell.mean, cell.highest))
    text = f"{info.z.short}: {mean}, the mean of {counted(cell.trials, 'trial')}"
    return f"<br>{theme.escape(text)}<br>from {lowest} to {highest}"


def _describe_cells(
    z: Quantity, cells: Sequence[HeatCell], reported: Sequence[ReportedCell]
) -> list[str]:
    if not cells:
        return []
    sentences = [
        f"In each cell the mean {z.short} of its n complete trials; a dash stands for none."
    ]
    if any(cell.trials == 1 for cell in cells):
        sentences.append("A cell of n=1 is one trial, and no mean.")
    sentences.append(
        "Other settings differ within and between cells, so a difference may be theirs."
    )
    if reported:
        sentences.append(
            "A pointer over a cell also reads what the paper reports for it: test accuracy, of "
            "another budget and maybe another network."
        )
    return sentences


def _description(
    x: Quantity,
    y: Quantity,
    z: Quantity,
    columns: Sequence[Part],
    rows: Sequence[Part],
    cells: Sequence[HeatCell],
) -> str:
    text = (
        f"Heat map of {z.short}: {counted(len(columns), 'column')} of {x.short}, "
        f"{counted(len(rows), 'row')} of {y.short}, {len(cells)} cells with trials"
    )
    if not cells:
        return f"{text}."
    best, worst = (choose(cells, key=lambda cell: cell.mean) for choose in (max, min))
    return f"{text}. " + " ".join(
        f"{word}: {z.format(cell.mean)} at {columns[cell.column].label} and {rows[cell.row].label}."
        for word, cell in (("Highest", best), ("Lowest", worst))
    )


def _info(scene: Scene) -> HeatMapInfo:
    first, second = scene.two_settings("mask_count", "batch_size")
    return get_heat_map_info(scene.study, x=first, y=second)


HEAT_MAP = PictureEntry(
    name="heat-map",
    views=("matters",),
    options=("parameter", "second"),
    info=_info,
    figure=get_heat_map_figure,
    columns=_columns,
)
