"""Bound on the points of a picture in a page: a file that is opened at once shows fewer."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from plotly.graph_objects import Figure

MOST_POINTS = 2000
"""Points of one trace that a page holds: more would lie on each other."""

_KINDS = frozenset({"bar", "parcoords", "scatter", "scatter3d", "scattergl"})
"""Kinds of traces with a point for each trial."""


def thin(figure: Figure, most: int = MOST_POINTS) -> tuple[Figure, int]:
    """Take an even sample of the points of each trace that has too many, its ends among them.

    Lines that consist of pieces are left whole.

    Args:
        figure: Figure; it is not changed.
        most: Number of points of a trace that are kept.

    Returns:
        Figure, and the number of points of the largest trace that was thinned; 0 for none.
    """
    traces, largest = [], 0
    for trace in figure.data:
        values = trace.to_plotly_json()
        points = _count_points(values)
        if points > most and not _is_in_pieces(values):
            largest = max(largest, points)
            kept = np.linspace(0, points - 1, most).round().astype(int)
            values = _sample(values, points, kept)
        traces.append(values)
    return (Figure(data=traces, layout=figure.layout), largest) if largest else (figure, 0)


def _count_points(trace: Mapping[str, Any]) -> int:
    """Count the points of a trace; 0 for kinds that have none."""
    if trace.get("type") not in _KINDS:
        return 0
    if dimensions := trace.get("dimensions"):
        return len(dimensions[0]["values"])
    return max((len(trace[axis]) for axis in ("x", "y") if trace.get(axis) is not None), default=0)


def _is_in_pieces(trace: Mapping[str, Any]) -> bool:
    """Return True for a line with gaps: fewer points would join what they part."""
    return "lines" in trace.get("mode", "") and any(value is None for value in trace["y"])


def _sample(value: Any, points: int, kept: "np.ndarray[Any, Any]") -> Any:  # noqa: ANN401  # of a trace
    """Take the kept ones of every value that there is for each point."""
    if isinstance(value, Mapping):
        return {name: _sample(part, points, kept) for name, part in value.items()}
    if isinstance(value, np.ndarray) and len(value) == points:
        return value[kept]
    if isinstance(value, list | tuple):
        if len(value) == points:
            return [value[place] for place in kept]
        return [_sample(part, points, kept) for part in value]
    return value
