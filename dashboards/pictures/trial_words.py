"""The complete trials of a study as columns, and what a pointer over one of them reads.

Ten thousand trials take tenths of a second to go through, and every change of an axis, of a colour
or of a selection draws anew. So everything is computed once for each study that is alive.
"""

import math
import weakref
from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from functools import cached_property
from typing import NamedTuple

from dashboards.pictures.caption import complete, describe_trials
from dashboards.pictures.colour import is_number
from dashboards.pictures.look import escape
from dashboards.pictures.picture import Cell
from dashboards.pictures.quantity import Quantity, metric_quantities, searched_settings
from pnn_core.config import ParameterValue
from study.results.counted import counted
from study.results.front_table import format_parameter
from study.results.mlflow.loaded_study import LoadedStudy
from study.results.pareto import front
from study.results.record import TrialRecord

_MOST_NAMED = 8  # trials in one place
_FEW_TRIALS = 10

Column = tuple[ParameterValue | None, ...]
AxisValues = tuple[float | None, ...] | tuple[str | None, ...]


class TrialPoint(NamedTuple):
    """One complete trial in a picture.

    Attributes:
        number: Of the trial.
        place: On each axis; a text where the axis has names.
        colour: What tells its colour; None where it has no such value.
        words: Cells of its hover: the trials in the same place, then metrics and settings.
    """

    number: int
    place: tuple[float | str, ...]
    colour: ParameterValue | None
    words: tuple[str, ...]


class TrialRow(NamedTuple):
    """A trial in a table that sorts.

    Attributes:
        trial: Its number.
        settings: Values of the table's settings; None where the trial has none.
        metrics: Values of its metrics.
    """

    trial: int
    settings: tuple[ParameterValue | None, ...]
    metrics: tuple[float | None, ...]


class TrialTable(NamedTuple):
    """Trials as rows of raw values.

    Attributes:
        settings: Those that the study searches.
        metrics: The objectives, then the others that some trial has.
        rows: In the order asked for.
    """

    settings: tuple[Quantity, ...]
    metrics: tuple[Quantity, ...]
    rows: tuple[TrialRow, ...]


class CompleteTrials:
    """The complete trials of a study, by number; what is asked for is computed once.

    Args:
        study: As read from the tracker.
    """

    def __init__(self, study: LoadedStudy) -> None:
        # Not the study itself: it would never be let go.
        self._all = study.records
        self._objectives = study.info.objectives
        self.records = tuple(sorted(complete(study.records), key=lambda record: record.number))
        self._columns: dict[Quantity, Column] = {}
        self._axes: dict[Quantity, AxisValues] = {}

    @cached_property
    def numbers(self) -> tuple[int, ...]:
        """Of the trials."""
        return tuple(record.number for record in self.records)

    @cached_property
    def searched(self) -> tuple[Quantity, ...]:
        """Settings that differ between trials, complete or not."""
        return searched_settings(self._all)

    @cached_property
    def front(self) -> tuple[int, ...]:
        """Numbers of the trials on the front of the study's objectives, in its order."""
        return tuple(record.number for record in front(self.records, self._objectives))

    @cached_property
    def metrics(self) -> tuple[Quantity, ...]:
        """The objectives, then every other final metric that some trial has."""
        objectives = [objective.name for objective in self._objectives]
        recorded = {name for metrics in self._metrics for name in metrics}
        known = {q.name: q for q in metric_quantities() if q.name in recorded | {*objectives}}
        return tuple(known[name] for name in dict.fromkeys((*objectives, *known)))

    def column(self, quantity: Quantity) -> Column:
        """The values of a quantity, one for each trial; None where it has none."""
        if quantity not in self._columns:
            if quantity.is_metric and quantity.name in {q.name for q in self.metrics}:
                # Not `quantity.of`, which takes the means over seeds anew for each metric.
                column: Column = tuple(metrics.get(quantity.name) for metrics in self._metrics)
            else:
                column = tuple(quantity.of(record) for record in self.records)
            self._columns[quantity] = column
        return self._columns[quantity]

    def axis(self, quantity: Quantity) -> AxisValues:
        """Where the trials stand on an axis: all numbers, or all texts where one is no number.

        None where a trial has no value, or no finite one.
        """
        if quantity not in self._axes:
            column = self.column(quantity)
            if all(value is None or is_number(value) for value in column):
                self._axes[quantity] = tuple(map(_size, column))
            else:
                self._axes[quantity] = tuple(
                    None if value is None else quantity.format(value) for value in column
                )
        return self._axes[quantity]

    @cached_property
    def hover_cells(self) -> tuple[tuple[str, ...], ...]:
        """Escaped texts of each trial, for `hover_template`: metrics, then searched settings."""
        columns = [
            [
                # Numbers hold no markup, and they are a hundred thousand.
                escape(value) if isinstance(value, str) else quantity.format(value)
                for value in self.column(quantity)
            ]
            for quantity in (*self.metrics, *self.searched)
        ]
        return tuple(zip(*columns, strict=True))

    def points(self, axes: Sequence[Quantity], colour: Quantity | None) -> tuple[TrialPoint, ...]:
        """All trials that have a place on every axis, by number."""
        colours = self.column(colour) if colour else (None,) * len(self.records)
        everywhere = zip(*map(self.axis, axes), strict=True)
        found = [
            (number, place, value, cells)
            for number, place, value, cells in zip(
                self.numbers, everywhere, colours, self.hover_cells, strict=True
            )
            if None not in place
        ]
        same = same_place_lines([each[0] for each in found], [each[1] for each in found])
        return tuple(
            TrialPoint(number, place, value, (line, *cells))
            for (number, place, value, cells), line in zip(found, same, strict=True)
        )

    def table(self, numbers: Sequence[int]) -> TrialTable:
        """Trials as rows.

        Args:
            numbers: Of complete trials, in the order of the rows.
        """
        place = {number: i for i, number in enumerate(self.numbers)}
        settings = [self.column(quantity) for quantity in self.searched]
        metrics = [self.column(quantity) for quantity in self.metrics]
        return TrialTable(
            settings=self.searched,
            metrics=self.metrics,
            rows=tuple(
                TrialRow(
                    trial=number,
                    settings=tuple(column[place[number]] for column in settings),
                    metrics=tuple(_size(column[place[number]]) for column in metrics),
                )
                for number in numbers
            ),
        )

    @cached_property
    def _metrics(self) -> tuple[dict[str, float], ...]:
        return tuple(record.metrics() for record in self.records)


_KEPT: dict[int, CompleteTrials] = {}


def complete_trials(study: LoadedStudy) -> CompleteTrials:
    """The complete trials of a study; the same object for the same study while that is alive."""
    key = id(study)
    if key not in _KEPT:
        _KEPT[key] = CompleteTrials(study)
        weakref.finalize(study, _KEPT.pop, key, None).atexit = False
    return _KEPT[key]


def hover_template(metrics: Sequence[Quantity], settings: Sequence[Quantity]) -> str:
    """What a pointer over a trial reads, in Plotly's words.

    The first two cells of `customdata` are the trial's number and the trials in the same place,
    then come the cells of `CompleteTrials.hover_cells`.
    """
    lines = ["<b>trial %{customdata[0]}</b>%{customdata[1]}"]
    cell = 2
    for quantities in (metrics, settings):
        for quantity in quantities:
            lines.append(f"{_plain(quantity.name)}: %{{customdata[{cell}]}}")
            cell += 1
        if quantities is metrics and settings:
            lines.append("")
    return "<br>".join(lines) + "<extra></extra>"


def same_place_lines(numbers: Sequence[int], places: Sequence[Hashable]) -> list[str]:
    """For each trial a line that names the others in its place; empty where there is none.

    Args:
        numbers: Of the trials.
        places: Where they are drawn.
    """
    found: defaultdict[Hashable, list[int]] = defaultdict(list)
    for number, place in zip(numbers, places, strict=True):
        found[place].append(number)
    return [
        _same_place(number, found[place]) if len(found[place]) > 1 else ""
        for number, place in zip(numbers, places, strict=True)
    ]


def configuration_lines(record: TrialRecord) -> tuple[str, ...]:
    """The whole configuration, a line of escaped text for each setting."""
    return tuple(
        f"{escape(name)}: {escape(format_parameter(value))}"
        for name, value in record.parameters.items()
    )


def describe_complete(study: LoadedStudy, drawn: int, axes: Sequence[Quantity]) -> list[str]:
    """Of what a picture of complete trials is drawn, and what is not, as sentences.

    Args:
        study: As read from the tracker.
        drawn: Trials that are drawn.
        axes: What they are drawn over.
    """
    sentences = [describe_trials(study.info, study.records)]
    undrawn = len(complete_trials(study).records) - drawn
    if undrawn:
        sentences.append(f"{counted(undrawn, 'trial')} without finite values not drawn.")
    if drawn > 1 and any(axis.name == "val_accuracy" for axis in axes):
        sentences.append("The best of many validation accuracies is biased upwards.")
    if 0 < drawn < _FEW_TRIALS:
        sentences.append(f"So few ({drawn}) tell little of the search space.")
    return sentences


def describe_colour(colour: Quantity | None, points: Sequence[TrialPoint]) -> list[str]:
    """What colours mean where they are names, which have no bar that tells it, as a sentence."""
    if colour is None or all(p.colour is None or is_number(p.colour) for p in points):
        return []
    return [f"Colours and symbols: {colour.label}."]


def describe_selection(numbers: Iterable[int], selected: frozenset[int] | None) -> list[str]:
    """How many trials of a picture are not faded, as a sentence; none where all are alike.

    Args:
        numbers: Of the trials drawn.
        selected: Numbers of trials; None for all.
    """
    if selected is None:
        return []
    return [f"{counted(len(selected.intersection(numbers)), 'trial')} selected, the others faded."]


def describe_points(
    kind: str,
    points: Sequence[TrialPoint],
    axes: Sequence[Quantity],
    front: Sequence[TrialPoint],
) -> str:
    """A picture of trials for those who do not see it.

    Args:
        kind: Of picture.
        points: All trials drawn.
        axes: The vertical one first, as people say it.
        front: Those on the front, in order.
    """
    if not points:
        return f"{kind} without a trial."
    spans = [
        f"{quantity.short} {_span(quantity, [point.place[i] for point in points])}"
        for i, quantity in enumerate(axes)
    ]
    text = f"{kind} of {counted(len(points), 'complete trial')}: {', '.join(spans)}."
    if not front:
        return text
    ends = [
        f"trial {point.number} ("
        + ", ".join(
            f"{quantity.short} {_text(quantity, value)}"
            for quantity, value in zip(axes, point.place, strict=True)
        )
        + ")"
        for point in dict.fromkeys((front[0], front[-1]))
    ]
    return f"{text} {len(front)} on the front: {' to '.join(ends)}."


def tell_why_empty(study: LoadedStudy, drawn: int) -> str:
    """What to say, and to do, where a picture of complete trials has none; else nothing."""
    if drawn:
        return ""
    if not study.records:
        return "No trials yet: they appear as they complete."
    if complete_trials(study).records:
        return "No trial has all these values: change an axis."
    if all(record.state.is_final for record in study.records):
        return "No trial completed: Progress tells why."
    return "No trial has completed its full budget yet."


def as_column(values: Sequence[ParameterValue | None]) -> list[Cell]:
    """Values as a column for files: all whole numbers, all numbers, all truth values or texts."""
    kinds = {type(value) for value in values if value is not None}
    if len(kinds) <= 1:
        return list(values)
    if kinds == {int, float}:
        return [None if value is None else float(value) for value in values]
    return [None if value is None else str(value) for value in values]


def _span(quantity: Quantity, values: Sequence[float | str]) -> str:
    numbers = [value for value in values if not isinstance(value, str)]
    if len(numbers) < len(values):
        return f"({counted(len(set(values)), 'name')})"
    return f"{quantity.format(min(numbers))} to {quantity.format(max(numbers))}"


def _text(quantity: Quantity, value: float | str) -> str:
    return value if isinstance(value, str) else quantity.format(value)


def _same_place(number: int, here: Sequence[int]) -> str:
    # A few more than are named, so that ten thousand trials in one place stay cheap.
    named = [str(other) for other in here[: _MOST_NAMED + 1] if other != number][:_MOST_NAMED]
    more = len(here) - 1 - len(named)
    return f"<br>in the same place: trial {', '.join(named)}{f' and {more} more' if more else ''}"


def _plain(name: str) -> str:
    """A name within a template: neither markup nor one of its variables."""
    return escape(name).replace("%{", "%&#123;")


def _size(value: ParameterValue | None) -> float | None:
    return value if isinstance(value, int | float) and math.isfinite(value) else None
