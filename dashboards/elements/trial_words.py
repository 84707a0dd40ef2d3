"""Words on a study's complete trials: captions, descriptions, and why there are none."""

from collections.abc import Iterable, Sequence

from dashboards.elements.caption import describe_trials
from dashboards.elements.colour import is_number
from dashboards.elements.complete_trials import TrialPoint, complete_trials
from dashboards.elements.quantity import MERITS, Quantity
from study.results.mlflow.loaded_study import LoadedStudy
from study.results.plural import counted

_FEW_TRIALS = 10


def describe_complete(study: LoadedStudy, drawn: int, axes: Sequence[Quantity]) -> list[str]:
    """Describe the complete trials of a study, as sentences that pictures share.

    Args:
        study: Study as read from the tracker.
        drawn: Trials that are drawn.
        axes: Quantities that they are drawn over.
    """
    sentences = [describe_trials(study.info, study.records)]
    if drawn > 1 and any(axis.name in MERITS for axis in axes):
        plural = study.info.task.plural
        sentences.append(f"The best of many validation {plural} is biased upwards.")
    if 0 < drawn < _FEW_TRIALS:
        sentences.append(f"So few ({drawn}) tell little of the search space.")
    return sentences


def describe_undrawn(study: LoadedStudy, drawn: int) -> list[str]:
    """Count complete trials that have no place in a picture, as a sentence; none without any."""
    undrawn = len(complete_trials(study).records) - drawn
    return [f"{counted(undrawn, 'trial')} without finite values not drawn."] if undrawn else []


def describe_colour(colour: Quantity | None, points: Sequence[TrialPoint]) -> list[str]:
    """Explain colours where they are names, which have no bar that tells it, as a sentence."""
    if colour is None or all(p.colour is None or is_number(p.colour) for p in points):
        return []
    return [f"Colours and symbols: {colour.label}."]


def describe_selection(numbers: Iterable[int], selected: frozenset[int] | None) -> list[str]:
    """Count the trials of a picture that are not faded, as a sentence; none where all are alike.

    Args:
        numbers: Numbers of the trials drawn.
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
        kind: Kind of picture.
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
            f"{quantity.short} {quantity.format(value)}"
            for quantity, value in zip(axes, point.place, strict=True)
        )
        + ")"
        for point in dict.fromkeys((front[0], front[-1]))
    ]
    return f"{text} {len(front)} on the front: {' to '.join(ends)}."


def tell_why_empty(study: LoadedStudy, drawn: int) -> str:
    """Say what to do where a picture of complete trials has none; empty otherwise."""
    if drawn:
        return ""
    if not study.records:
        return "No trials yet: they appear as they complete."
    if complete_trials(study).records:
        return "No trial has all these values: change an axis."
    if all(record.state.is_final for record in study.records):
        return "No trial completed: Progress tells why."
    return "No trial has completed its full budget yet."


def _span(quantity: Quantity, values: Sequence[float | str]) -> str:
    numbers = [value for value in values if not isinstance(value, str)]
    if len(numbers) < len(values):
        return f"({counted(len(set(values)), 'name')})"
    return f"{quantity.format(min(numbers))} to {quantity.format(max(numbers))}"
