"""Values of trials as a column for files."""

from collections.abc import Sequence

from dashboards.elements.picture import Cell
from pnn_core.config import ParameterValue


def as_column(values: Sequence[ParameterValue | None]) -> list[Cell]:
    """Values as one type, or None: all whole numbers, all numbers, all truth values or texts."""
    kinds = {type(value) for value in values if value is not None}
    if len(kinds) <= 1:
        return list(values)
    if kinds == {int, float}:
        return [None if value is None else float(value) for value in values]
    return [None if value is None else str(value) for value in values]
