"""The complete trials of a study as columns, computed once while the study is alive.

Ten thousand trials take tenths of a second to go through, and every change of an axis, of a colour
or of a selection draws anew.
"""

import math
import weakref
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

from dashboards.elements.caption import complete
from dashboards.elements.colour import is_number
from dashboards.elements.quantity import (
    INFERENCE,
    Quantity,
    find_quantity,
    metric_quantities,
    objective_quantity,
    searched_settings,
)
from dashboards.elements.theme import escape
from dashboards.elements.trial_hover import same_place_lines
from pnn_core.config import ParameterValue
from study.results.limit import meets
from study.results.mlflow.loaded_study import LoadedStudy
from study.results.pareto import front

Column = tuple[ParameterValue | None, ...]
AxisValues = tuple[float | None, ...] | tuple[str | None, ...]


class TrialPoint(NamedTuple):
    """One complete trial in a picture.

    Attributes:
        number: Number of the trial.
        place: On each axis; a text where the axis has names.
        colour: Value that tells its colour; None where it has none.
        words: Cells of its hover: the trials in the same place, then metrics and settings.
    """

    number: int
    place: tuple[float | str, ...]
    colour: ParameterValue | None
    words: tuple[str, ...]


class CompleteTrials:
    """The complete trials of a study, by number; what is asked for is computed once.

    Args:
        study: Study as read from the tracker.
    """

    def __init__(self, study: LoadedStudy) -> None:
        # Keeps records and not the study itself, which would never be let go.
        self._all = study.records
        self._objectives = study.info.objectives
        self._limits = study.info.limit
        self._images = study.info.validation_images
        self.records = tuple(sorted(complete(study.records), key=lambda record: record.number))
        self._columns: dict[Quantity, Column] = {}
        self._axes: dict[Quantity, AxisValues] = {}

    @cached_property
    def numbers(self) -> tuple[int, ...]:
        """Numbers of the trials."""
        return tuple(record.number for record in self.records)

    @cached_property
    def searched(self) -> tuple[Quantity, ...]:
        """Settings that differ between trials, complete or not."""
        return searched_settings(self._all)

    @cached_property
    def front(self) -> tuple[int, ...]:
        """Numbers of the trials on the front of the study's objectives, in its order."""
        return tuple(
            record.number for record in front(self.records, self._objectives, self._limits)
        )

    @cached_property
    def within_limits(self) -> tuple[bool, ...]:
        """True for each trial that the study's limits leave on fronts."""
        return tuple(meets(record, self._limits) for record in self.records)

    @cached_property
    def objectives(self) -> tuple[Quantity, ...]:
        """The objectives, in the study's order."""
        return tuple(map(objective_quantity, self._objectives))

    @cached_property
    def metrics(self) -> tuple[Quantity, ...]:
        """The objectives, then every other metric that some trial has after its last epoch."""
        objectives = [objective.name for objective in self._objectives]
        recorded = {name for metrics in self._metrics for name in metrics}
        recorded |= {INFERENCE} if self.knows_inference else set()
        own = {o.name: objective_quantity(o) for o in self._objectives}
        measured = (name for record in self.records for name in record.measured)
        known = {q.name: q for q in metric_quantities(measured) if q.name in recorded} | own
        return tuple(known[name] for name in dict.fromkeys((*objectives, *known)))

    @property
    def knows_inference(self) -> bool:
        """True if the time per image is known: earlier studies do not tell how many there were."""
        return bool(self._images) and bool(self.records)

    def column(self, quantity: Quantity) -> Column:
        """The values of a quantity, one for each trial; None where it has none."""
        if quantity not in self._columns:
            if quantity.name == INFERENCE:
                column: Column = self._inference()
            elif quantity.is_metric and quantity.name in {q.name for q in self.metrics}:
                # Avoids `quantity.of`, which takes means over seeds anew for each metric.
                column = tuple(metrics.get(quantity.name) for metrics in self._metrics)
            else:
                column = tuple(quantity.of(record) for record in self.records)
            self._columns[quantity] = column
        return self._columns[quantity]

    def axis(self, quantity: Quantity) -> AxisValues:
        """Return the places of trials on an axis: all numbers, or all texts where one is no number.

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
        """Escaped texts of each trial, for `hover_template`: objectives, then searched settings."""
        columns = [
            [
                # Numbers hold no markup, and they are a hundred thousand.
                escape(value) if isinstance(value, str) else quantity.format(value)
                for value in self.column(quantity)
            ]
            for quantity in (*self.objectives, *self.searched)
        ]
        return tuple(zip(*columns, strict=True))

    def placed(self, axes: Sequence[Quantity]) -> Iterator[tuple[int, tuple[float | str, ...]]]:
        """Yield the trials, counted from 0, that have a place on every axis, with that place."""
        for i, place in enumerate(zip(*map(self.axis, axes), strict=True)):
            if None not in place:
                yield i, place

    def points(self, axes: Sequence[Quantity], colour: Quantity | None) -> tuple[TrialPoint, ...]:
        """All trials that have a place on every axis, by number."""
        colours = self.column(colour) if colour else (None,) * len(self.records)
        cells = self.hover_cells
        found = [(i, self.numbers[i], place) for i, place in self.placed(axes)]
        same = same_place_lines([number for _, number, _ in found], [place for *_, place in found])
        return tuple(
            TrialPoint(number, place, colours[i], (line, *cells[i]))
            for (i, number, place), line in zip(found, same, strict=True)
        )

    def _inference(self) -> Column:
        """Return the milliseconds per image of the median epoch; None where it is not known."""
        seconds = self.column(find_quantity("epoch_val_seconds", ()))
        images = self._images or 0
        return tuple(
            1000 * value / images if images and isinstance(value, int | float) else None
            for value in seconds
        )

    @cached_property
    def _metrics(self) -> tuple[dict[str, float], ...]:
        return tuple(record.metrics() for record in self.records)


_KEPT: dict[int, CompleteTrials] = {}
"""By identity of the study: it holds dicts and so has no hash, and to compare ten thousand records
would take longer than to go through them. An entry goes with its study, before another object can
get the identity: there are never more entries than living studies, nor one of another study."""


def complete_trials(study: LoadedStudy) -> CompleteTrials:
    """The complete trials of a study; the same object for the same study while that is alive."""
    key = id(study)
    if key not in _KEPT:
        # Two threads that come at once both get the same.
        _KEPT.setdefault(key, CompleteTrials(study))
        weakref.finalize(study, _KEPT.pop, key, None).atexit = False
    return _KEPT[key]


def _size(value: ParameterValue | None) -> float | None:
    return value if isinstance(value, int | float) and math.isfinite(value) else None
