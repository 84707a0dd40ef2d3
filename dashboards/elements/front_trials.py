"""The complete trials of a study in a picture of its front: on it or off it."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from dashboards.elements.complete_trials import CompleteTrials, TrialPoint, complete_trials
from dashboards.elements.file_column import as_column
from dashboards.elements.picture import Cell
from dashboards.elements.quantity import Quantity
from dashboards.elements.trial_hover import hover_template
from dashboards.elements.trial_words import describe_colour, describe_selection, describe_undrawn
from study.results.mlflow.loaded_study import LoadedStudy


class FrontTrials(NamedTuple):
    """Complete trials that have a place on every axis.

    Attributes:
        axes: Quantities of their places.
        colour: Quantity that tells the colour of points; None for one colour.
        off_front: Those off the front of the study's objectives, by number.
        front: Those on it, the best on the first axis first.
        hover: Text under a pointer over one of them, as a template in Plotly's words.
        selected: Numbers of those that are not faded; None for all.
    """

    axes: tuple[Quantity, ...]
    colour: Quantity | None
    off_front: tuple[TrialPoint, ...]
    front: tuple[TrialPoint, ...]
    hover: str
    selected: frozenset[int] | None

    @property
    def points(self) -> tuple[TrialPoint, ...]:
        """All of them, the front last."""
        return (*self.off_front, *self.front)

    def places(self, axis: int) -> list[float | str]:
        """Return the places of all of them on an axis."""
        return [point.place[axis] for point in self.points]


def get_front_trials(
    study: LoadedStudy,
    axes: Sequence[Quantity],
    colour: Quantity | None,
    selected: frozenset[int] | None,
) -> FrontTrials:
    """Collect what is drawn of the trials.

    Args:
        study: Study as read from the tracker.
        axes: The horizontal one first.
        colour: None for the noise level where it is searched, else the first searched setting.
        selected: Numbers of the trials to show in full, the others faded; None for all.
    """
    trials = complete_trials(study)
    colour = colour or usual_colour(trials)
    drawn = trials.points(axes, colour)
    on_front = set(trials.front)
    front = [point for point in drawn if point.number in on_front]
    front.sort(key=lambda point: point.place[0], reverse=axes[0].direction == "maximize")
    return FrontTrials(
        axes=tuple(axes),
        colour=colour,
        off_front=tuple(point for point in drawn if point.number not in on_front),
        front=tuple(front),
        hover=hover_template(trials.objectives, trials.searched),
        selected=selected,
    )


def describe_front(
    study: LoadedStudy, trials: FrontTrials, beside: Sequence[str]
) -> tuple[str, ...]:
    """Describe a picture of the front, in sentences of its own.

    Args:
        study: Study as read from the tracker.
        trials: Trials that are drawn.
        beside: Sentences on the choice of trials, and on what is drawn beside them.
    """
    points = trials.points
    return (
        *beside,
        *describe_colour(trials.colour, points),
        *describe_selection([point.number for point in points], trials.selected),
        *describe_undrawn(study, len(points)),
    )


def hover_data(points: Sequence[TrialPoint]) -> np.ndarray:
    """Number and words of each point: `customdata` for `FrontTrials.hover`."""
    return np.array([(point.number, *point.words) for point in points], dtype=object)


def trial_columns(trials: FrontTrials) -> dict[str, list[Cell]]:
    """Kind, number and colour of each trial drawn, for files."""
    points = trials.points
    kinds: list[Cell] = ["trial"] * len(trials.off_front)
    columns: dict[str, list[Cell]] = {
        "kind": [*kinds, *["front"] * len(trials.front)],
        "trial": [point.number for point in points],
    }
    if trials.colour:
        columns[trials.colour.name] = as_column([point.colour for point in points])
    return columns


def usual_colour(trials: CompleteTrials) -> Quantity | None:
    """Return what tells the colour by default: the noise level, else the first searched setting."""
    searched = {quantity.name: quantity for quantity in trials.searched}
    return searched.get("noise_level", next(iter(searched.values()), None))
