"""Every complete trial as a line through its settings and objectives, the front above the rest."""

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go

from dashboards.pictures import look
from dashboards.pictures.colour import round_ticks, tick_text
from dashboards.pictures.picture import Cell, Picture
from dashboards.pictures.quantity import Quantity, objective_quantity
from dashboards.pictures.trial_words import (
    as_column,
    complete_trials,
    describe_complete,
    tell_why_empty,
)
from study.results.counted import counted
from study.results.mlflow.loaded_study import LoadedStudy

MOST_AXES = 8
"""More than these no page is wide enough for."""
MOST_LINES = 400
"""Beside the front's. More become a grey area that says nothing, and take long to draw."""
SEED = 0

_MOST_TICKS = 8
_GAP = 0.12  # of an axis: between its values and what stands apart
_LEAST_DECADES = 0.3
_TICK_GAP = 0.09  # of an axis: what a tick's text needs on a phone
_NONE_CHOSEN = "None of the selected trials can be drawn: select others, or none."
_LONGEST_TICK, _LONGEST_LABEL = 10, 20  # letters


class SettingAxis:
    """Where the values of a quantity stand along a line, and what its ticks read.

    Numbers stand on a logarithmic scale where that is usual for the quantity and nothing is
    negative; zero then stands apart below them. Names stand side by side. What a trial does not
    have stands below everything.

    Args:
        quantity: That has the values.
        values: All numbers, or all names; None for what is missing.

    Attributes:
        is_log: Whether the scale is logarithmic.
        is_few: Whether each value has a tick of its own.
    """

    def __init__(self, quantity: Quantity, values: Iterable[float | str | None]) -> None:
        self._quantity = quantity
        distinct = set(values)
        self._names = sorted(value for value in distinct if isinstance(value, str))
        self._numbers = sorted(v for v in distinct if v is not None and not isinstance(v, str))
        positive = [number for number in self._numbers if number > 0]
        self.is_log = quantity.spans_decades and bool(positive) and self._numbers[0] >= 0
        self.is_few = bool(self._names) or len(self._numbers) <= _MOST_TICKS
        self._has_zero = self.is_log and self._numbers[0] == 0
        self._has_missing = None in distinct
        inner = positive if self.is_log else self._numbers
        if self._names:
            inner = [0.0, len(self._names) - 1.0]
        # Of what stands between the ends, zero and missing apart.
        self._low, self._high = (inner[0], inner[-1]) if inner else (0.0, 0.0)

    def stand(self, value: float | str | None) -> float:
        """Where a value stands, in the axis's own unit."""
        if isinstance(value, str):
            return float(self._names.index(value))
        if value is None:
            return self._below(1 + self._has_zero)
        return self._below(1) if self._has_zero and value == 0 else float(value)

    def break_at(self) -> float | None:
        """Between zero and the smallest positive value, where zero stands apart."""
        return math.sqrt(self._below(1) * self._low) if self._has_zero else None

    def beside(self, value: float | str | None, share: float) -> float:
        """Where something of a value stands that is not to cover it.

        Args:
            value: The value.
            share: Of the axis, to the right.
        """
        low, high = self._ends()
        width = (high - low) or 1.0
        if self.is_log:
            return self.stand(value) * 10 ** (share * width)
        return self.stand(value) + share * width

    def share(self, value: float | str | None) -> float:
        """Where a value stands between the lowest one, at 0, and the highest, at 1."""
        low, high = self._ends()
        if low == high:
            return 0.5
        place = self.stand(value)
        return ((math.log10(place) if self.is_log else place) - low) / (high - low)

    def ticks(self) -> Sequence[tuple[float | str | None, str]]:
        """Values and texts, from below: every value while they are few, else round ones."""
        inner: Sequence[float | str] = self._names or self._numbers
        if not self.is_few:
            ends = [self._low, self._high]
            marked = [self._low, (self._low + self._high) / 2, self._high]
            if self.is_log:
                fitting = (t for t in round_ticks(*ends) if len(t) <= _MOST_TICKS)
                marked = next(fitting, ends)
            inner = [0.0, *marked] if self._has_zero else marked
        ticks = [(value, self._text(value)) for value in inner]
        return [(None, "none"), *ticks] if self._has_missing else ticks

    def layout(self) -> dict[str, object]:
        """A Plotly axis on which values stand where `stand` says."""
        ends = (self._below(self._has_zero), self._high)
        found = look.axis(self._quantity.label, ends, log=self.is_log, counts=self._quantity.counts)
        if not self.is_few and not (self.is_log and not self._quantity.counts):
            return found  # Plotly marks it, and finer when a part of it is enlarged
        kept: list[tuple[float, str]] = []
        last = -1.0
        for value, text in self.ticks():
            if self.share(value) - last >= _TICK_GAP:
                last = self.share(value)
                kept.append((self.stand(value), look.escape(_shortened(text, _LONGEST_TICK))))
        return found | {"tickvals": [x for x, _ in kept], "ticktext": [text for _, text in kept]}

    def _text(self, value: float | str) -> str:
        if isinstance(value, str):
            return value
        if self._quantity.counts:
            return tick_text(value)
        # Three digits, also of what has four elsewhere.
        return f"{value:.3g}" if isinstance(value, float) else str(value)

    def _ends(self) -> tuple[float, float]:
        """Where the lowest and the highest value stand; their logarithms where it has such."""
        ends = (self._below(self._has_zero + self._has_missing), self._high)
        low, high = map(math.log10, ends) if self.is_log else ends
        return low, high

    def _below(self, steps: int) -> float:
        """So many steps below the lowest value."""
        if self.is_log:
            step = max(_GAP * math.log10(self._high / self._low), _LEAST_DECADES)
            return self._low / 10 ** (steps * step)
        return self._low - steps * (_GAP * (self._high - self._low) or 1.0)


class ParallelLine(NamedTuple):
    """One trial.

    Attributes:
        number: Of the trial.
        values: On each axis; None where the trial does not have the setting.
    """

    number: int
    values: tuple[float | str | None, ...]


class ParallelInfo(NamedTuple):
    """Everything that the picture shows.

    Attributes:
        title: What it shows.
        caption: Of what it is drawn, and what is left out.
        description: For those who do not see it.
        message: What to do where nothing is drawn; empty otherwise.
        quantities: One for each axis, from left to right: settings, then objectives.
        others: Trials off the front, all of them or a sample.
        front: Trials on it.
    """

    title: str
    caption: str
    description: str
    message: str
    quantities: tuple[Quantity, ...]
    others: tuple[ParallelLine, ...]
    front: tuple[ParallelLine, ...]


def get_parallel_info(
    study: LoadedStudy, *, selected: frozenset[int] | None = None
) -> ParallelInfo:
    """Collect what the picture shows.

    Args:
        study: As read from the tracker.
        selected: Numbers of the trials to draw; None for all.
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
    quantities = (*settings, *shown)
    sentences = describe_complete(study, len(lines), quantities)
    sentences += _describe_lines(len(sample), len(others), len(front))
    if selected is not None:
        sentences.append(f"Only selected trials: {len(chosen)} of {len(lines)}.")
    homeless = [q.short for q in (*complete.searched, *objectives) if q not in quantities]
    if homeless:
        sentences.append(f"No room for an axis: {', '.join(homeless)}.")
    return ParallelInfo(
        title=f"Settings and objectives of every trial: {study.info.name}",
        caption=" ".join(sentences),
        description=_description(quantities, len(others), len(front)),
        message=tell_why_empty(study, len(lines)) or ("" if chosen else _NONE_CHOSEN),
        quantities=quantities,
        others=sample,
        front=front,
    )


def get_parallel_figure(info: ParallelInfo) -> go.Figure:
    """Draw it: the front in wide lines with diamonds over thin ones.

    Not Plotly's own parallel coordinates: their lines differ in nothing but colour.
    """
    figure = look.new_figure()
    if info.message:
        return look.say_instead(figure, info.message)
    columns = zip(*(line.values for line in (*info.others, *info.front)), strict=True)
    axes = [SettingAxis(q, column) for q, column in zip(info.quantities, columns, strict=True)]
    names = [_shortened(look.capitalised(q.short), _LONGEST_LABEL) for q in info.quantities]
    others = _trace(info.quantities, info.others, axes, name="other trials")
    others.update(
        mode="lines",
        line={"color": look.GREY, "width": 1},
        opacity=max(0.3, min(0.7, 60 / max(len(info.others), 1))),
    )
    front = _trace(info.quantities, info.front, axes, name="front")
    front.update(
        mode="lines+markers",
        line={"color": look.VERMILION, "width": 2.5},
        marker={"symbol": "diamond", "size": 8},
    )
    figure.add_traces([others, front, _tick_texts(axes)])
    return figure.update_layout(
        xaxis={
            "tickvals": list(range(len(names))),
            "ticktext": list(map(look.escape, names)),
            "autotickangles": [0, 40, 90],
            "ticklabeloverflow": "allow",
            "range": [-0.15, len(names) - 0.5],  # room for texts on the right of the last axis
            "showline": False,
            "ticks": "",
        },
        yaxis={"visible": False, "range": [-0.04, 1.04]},
        margin={"l": 30, "r": 50},
    )


def get_parallel_picture(info: ParallelInfo) -> Picture:
    """The picture with its words and data."""
    lines = (*info.others, *info.front)
    data: dict[str, Sequence[Cell]] = {
        "trial": [line.number for line in lines],
        "on_front": [False] * len(info.others) + [True] * len(info.front),
    }
    for i, quantity in enumerate(info.quantities):
        data[quantity.name] = as_column([line.values[i] for line in lines])
    return Picture(
        name="parallel",
        title=info.title,
        caption=info.caption,
        description=info.description,
        figure=get_parallel_figure(info),
        data=data,
    )


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
            look.escape(f"trial {line.number}, {quantity.short}: {_text(quantity, value)}")
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


def _text(quantity: Quantity, value: float | str | None) -> str:
    return value if isinstance(value, str) else quantity.format(value)


def _tick_texts(axes: Sequence[SettingAxis]) -> go.Scatter:
    ticks = [(i, axis.share(v), text) for i, axis in enumerate(axes) for v, text in axis.ticks()]
    return go.Scatter(
        x=[i for i, _, _ in ticks],
        y=[place for _, place, _ in ticks],
        text=[f"\u2002{look.escape(_shortened(text, _LONGEST_TICK))}" for _, _, text in ticks],
        mode="text",
        textposition="middle right",
        textfont={"size": 11},
        cliponaxis=False,
        hoverinfo="skip",
        showlegend=False,
    )


def _shortened(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


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
    return sentences


def _description(quantities: Sequence[Quantity], others: int, front: int) -> str:
    axes = ", ".join(quantity.short for quantity in quantities)
    return (
        f"Parallel coordinates over the axes {axes}: {counted(front, 'trial')} on the front among "
        f"{others} others."
    )
