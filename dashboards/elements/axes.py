"""The axes of a picture of trials: what they show, on which scale, and where points stand."""

from collections.abc import Sequence

import numpy as np

from dashboards.elements import theme
from dashboards.elements.complete_trials import TrialPoint
from dashboards.elements.quantity import MERITS, Quantity, objective_quantity
from study.results.mlflow.loaded_study import LoadedStudy
from study.results.objective import OBJECTIVES

_FALLBACK_COSTS = ("learnable_params", "macs")


def choose_axes(study: LoadedStudy, wanted: Sequence[Quantity | None]) -> tuple[Quantity, ...]:
    """Choose as many quantities as wanted; open ones are the objectives in order, then others.

    Args:
        study: Study that has the objectives.
        wanted: The vertical axis first; None leaves one open.
    """
    taken = {quantity.name for quantity in wanted if quantity}
    known = {objective.name: objective for objective in study.info.objectives}
    fallback = (study.info.task.validated, *_FALLBACK_COSTS)
    known |= {name: OBJECTIVES[name] for name in fallback if name not in known}
    free = iter([objective_quantity(o) for name, o in known.items() if name not in taken])
    return tuple(quantity or next(free) for quantity in wanted)


def use_logarithms(quantity: Quantity, wanted: bool | None, values: Sequence[float | str]) -> bool:
    """Return True for a logarithmic axis: as wanted or usual, where all values have a logarithm."""
    numbers = [value for value in values if not isinstance(value, str)]
    is_wanted = quantity.spans_decades if wanted is None else wanted
    return is_wanted and len(numbers) == len(values) and theme.is_log_possible(numbers)


def axis_of(quantity: Quantity, values: Sequence[float | str], *, log: bool) -> dict[str, object]:
    """An axis of numbers or of names, in Plotly's words.

    Args:
        quantity: Quantity that it shows.
        values: All that are drawn.
        log: True to take logarithms, where all values have one.
    """
    numbers = [value for value in values if not isinstance(value, str)]
    if len(numbers) < len(values):
        title = {"text": theme.escape(theme.capitalised(quantity.label))}
        return {"type": "category", "categoryorder": "category ascending", "title": title}
    axis = theme.axis(quantity.label, numbers, log=log, counts=quantity.counts)
    if quantity.name in MERITS and "type" not in axis:
        # A single trial would get an axis from 1 below to 1 above it.
        axis["autorangeoptions"] = {"clipmin": -0.02, "clipmax": 1.02}
    return axis


def coordinates(points: Sequence[TrialPoint], axis: int) -> np.ndarray:
    """Return the places of points on an axis, for Plotly: names are escaped."""
    places = [point.place[axis] for point in points]
    if places and isinstance(places[0], str):
        return np.array([theme.escape(str(place)) for place in places], dtype=object)
    return np.array(places, dtype=float)
