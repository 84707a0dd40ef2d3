"""Every complete trial as a line through its settings and objectives, the front above the rest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go

from dashboards.elements import theme
from dashboards.elements.complete_trials import complete_trials
from dashboards.elements.file_column import as_column
from dashboards.elements.picture import Cell, Columns, PictureInfo
from dashboards.elements.quantity import Quantity, objective_quantity
from dashboards.elements.setting_axis import SettingAxis, cut_off
from dashboards.elements.trial_words import describe_complete, describe_undrawn, tell_why_empty
from dashboards.picture_entry import PictureEntry
from pnn_core.parts import palette
from study.results.mlflow.loaded_study import LoadedStudy
from study.results.plural import counted

MOST_AXES = 8
"""More than these no page is wide enough for."""
MOST_LINES = 400
"""Beside the front's. More become a grey area that says nothing, and take long to draw."""
SEED = 0

_LONGEST_LABEL = 20  # letters
_TICK_GAP = 0.055  # of an axis: what a tick's text needs
_FAINT = 0.12
"""Opacity of lines that are not selected."""

_BETTER = {"maximize": " ↑", "minimize": " ↓"}


class ParallelLine(NamedTuple):
    """One trial.

    Attributes:
        number: Number of the trial.
        values: On each axis; None where the trial does not have the setting.
    """

    number: int
    values: tuple[float | str | None, ...]


@dataclass(frozen=True, kw_only=True)
class ParallelInfo(PictureInfo):
    """Words and data of the picture.

    Attributes:
        quantities: One for each axis, from left to right: settings, then objectives.
        others: Trials off the front, all of them or a sample.
        front: Trials on it.
        faded: Trials that are not selected, all of them or a sample; axes reach to them, too.
    """

    quantities: tuple[Quantity, ...]
    others: tuple[ParallelLine, ...]
    front: tuple[ParallelLine, ...]
    faded: tuple[ParallelLine, ...] = ()

    @property
    def axes(self) -> list[SettingAxis]:
        """Axes of the quantities, which hold what is selected and what is not."""
        lines = (*self.others, *self.front, *self.faded)
        columns = zip(*(line.values for line in lines), strict=True)
        return [SettingAxis(q, column) for q, column in zip(self.quantities, columns, strict=True)]


def get_parallel_info(
    study: LoadedStudy, *, selected: frozenset[int] | None = None
) -> ParallelInfo:
    """Collect what the picture shows.

    Args:
        study: Study as read from the tracker.
        selected: Numbers of the trials to show in full, the others faded; None for all.
    """
    complete = complete_trials(study)
    objectives = tuple(map(objective_quantity, study.info.objectives))
    # Many objectives leave half of the room to settings.
    shown = objectives[: max(MOST_AXES - len(complete.searched), MOST_AXES // 2)]
    settings = complete.searched[: MOST_AXES - len(shown)]
    lines = [
        ParallelLine(number, tuple(values))
        for number, *values in zip(
            complete.numbers, *map(complete.axis, (*settings, *shown)), strict=True
        )
        if None not in values[len(settings) :]
    ]
    chosen = [line for line in lines if selected is None or line.number in selected]
    on_front = set(complete.front)
    front = tuple(line for line in chosen if line.number in on_front)
    others = [line for line in chosen if line.number not in on_front]
    sample = _sample(others)
    faded = _sample([line for line in lines if selected is not None and line not in chosen])
    quantities = (*settings, *shown)
    sentences = _describe_lines(len(sample), len(others), len(front))
    if selected is not None:
        sentences.append(f"Selected: {len(chosen)} of {counted(len(lines), 'trial')}.")
    homeless = [q.short for q in (*complete.searched, *objectives) if q not in quantities]
    if homeless:
        sentences.append(f"No room for an axis: {', '.join(homeless)}.")
    sentences += describe_undrawn(study, len(lines))
    return ParallelInfo(
        title=f"Settings and objectives of every trial: {study.info.name}",
        common=tuple(describe_complete(study, len(lines), quantities)),
        sentences=tuple(sentences),
        description=_description(quantities, len(others), len(front)),
        instead=tell_why_empty(study, len(lines)),
        quantities=quantities,
        others=sample,
        front=front,
        faded=faded,
    )


def get_parallel_figure(info: ParallelInfo) -> go.Figure:
    """Draw it: the front in wide lines with diamonds over thin ones.

    Not Plotly's own parallel coordinates: their lines differ in nothing but colour, and a box over
    an axis does not reach the other pictures.
    """
    figure = theme.new_figure()
    axes = info.axes
    names = [
        cut_off(theme.capitalised(q.short), _LONGEST_LABEL) + _BETTER.get(q.direction or "", "")
        for q in info.quantities
    ]
    if info.faded:
        faded = _trace(info.quantities, info.faded, axes, name="not selected")
        faded.update(mode="lines", line={"color": palette.GREY, "width": 1}, opacity=_FAINT)
        figure.add_trace(faded)
    others = _trace(info.quantities, info.others, axes, name="other trials")
    others.update(
        mode="lines",
        line={"color": palette.GREY, "width": 1},
        opacity=max(0.3, min(0.7, 60 / max(len(info.others), 1))),
    )
    front = _trace(info.quantities, info.front, axes, name="front")
    front.update(
        mode="lines+markers",
        line={"color": palette.VERMILION, "width": 2.5},
        marker={"symbol": "diamond", "size": 8},
    )
    figure.add_traces([others, front])
    return figure.update_layout(
        annotations=(labels := _tick_texts(axes)),
        meta={"scales": [axis.scale() for axis in axes], "narrow": _ends_alone(labels)},
        xaxis={
            "tickvals": list(range(len(names))),
            "ticktext": list(map(theme.escape, names)),
            "autotickangles": [0, 40, 90],
            "ticklabeloverflow": "allow",
            "range": [-0.25, len(names) - 0.5],  # room for texts on the right of the last axis
            "showline": False,
            "ticks": "",
        },
        yaxis={"visible": False, "range": [-0.06, 1.06]},
        margin={"l": 30, "r": 50},
    )


def _columns(info: ParallelInfo) -> Columns:
    lines = (*info.others, *info.front)
    data: dict[str, Sequence[Cell]] = {
        "trial": [line.number for line in lines],
        "on_front": [False] * len(info.others) + [True] * len(info.front),
    }
    for i, quantity in enumerate(info.quantities):
        data[quantity.name] = as_column([line.values[i] for line in lines])
    return data


def _sample(lines: Sequence[ParallelLine]) -> tuple[ParallelLine, ...]:
    if len(lines) <= MOST_LINES:
        return tuple(lines)
    drawn = np.random.default_rng(SEED).choice(len(lines), MOST_LINES, replace=False)
    return tuple(lines[i] for i in sorted(drawn))


def _trace(
    quantities: Sequence[Quantity],
    lines: Sequence[ParallelLine],
    axes: Sequence[SettingAxis],
    *,
    name: str,
) -> go.Scatter:
    """All lines in one trace, parted by gaps."""
    x: list[float | None] = []
    y: list[float | None] = []
    hover: list[str] = []
    numbers: list[int | None] = []
    for line in lines:
        x += [*range(len(axes)), None]
        y += [*(axis.share(value) for axis, value in zip(axes, line.values, strict=True)), None]
        numbers += [*[line.number] * len(axes), None]
        hover += [
            theme.escape(f"trial {line.number}, {quantity.short}: {quantity.format(value)}")
            for quantity, value in zip(quantities, line.values, strict=True)
        ]
        hover.append("")
    return go.Scatter(
        x=x,
        y=y,
        customdata=numbers,
        hovertext=hover,
        hoverinfo="text",
        connectgaps=False,
        name=name,
        showlegend=bool(lines),
    )


def _tick_texts(axes: Sequence[SettingAxis]) -> list[dict[str, object]]:
    """Return the ticks as annotations, which lie above all lines."""
    return [
        {
            "templateitemname": theme.ON_PAPER,
            "visible": True,
            "text": theme.escape(text),
            "x": i,
            "y": place,
            "xanchor": "left",
            "xshift": 7,
            "showarrow": False,
            "font": {"size": 11},
            "captureevents": False,
        }
        for i, axis in enumerate(axes)
        for place, text in axis.ticks_with_ends(_TICK_GAP)
    ]


def _ends_alone(labels: Sequence[Mapping[str, object]]) -> dict[str, bool]:
    """Return the change that leaves room on a phone: labels of both ends, and no others."""
    return {
        f"annotations[{i}].visible": False
        for i, label in enumerate(labels)
        if label["y"] not in (0.0, 1.0)
    }


def _describe_lines(drawn: int, others: int, front: int) -> list[str]:
    sentences = [
        f"Wide lines with diamonds: the front of the study's objectives, {counted(front, 'trial')}."
    ]
    if drawn < others:
        sentences.append(
            f"Thin lines: {drawn} of the {others} other complete trials, drawn with seed {SEED}."
        )
    else:
        sentences.append(f"Thin lines: the other complete trials, {others}.")
    sentences.append("Arrows: where an objective is better. A box over an axis selects trials.")
    return sentences


def _description(quantities: Sequence[Quantity], others: int, front: int) -> str:
    axes = ", ".join(quantity.short for quantity in quantities)
    return (
        f"Parallel coordinates over the axes {axes}: {counted(front, 'trial')} on the front among "
        f"{others} others."
    )


PARALLEL = PictureEntry(
    name="parallel",
    views=("matters",),
    info=lambda scene: get_parallel_info(scene.study, selected=scene.selected),
    figure=get_parallel_figure,
    columns=_columns,
    brushes=lambda _: ("", ""),  # by the axes that a box covers: see `layout.meta.scales`
)
