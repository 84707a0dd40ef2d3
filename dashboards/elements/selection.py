"""Trials that a reader has selected in a picture: the others are faded."""

from collections.abc import Iterable

FADED = 0.15
"""Opacity of what is not selected."""


def selected_places(numbers: Iterable[int], selected: frozenset[int] | None) -> list[int] | None:
    """Return the points that are not faded, as Plotly counts them; None for all.

    Args:
        numbers: The trial of each point.
        selected: Numbers of trials; None for all.
    """
    if selected is None:
        return None
    return [i for i, number in enumerate(numbers) if number in selected]
