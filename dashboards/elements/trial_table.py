"""Trials as rows of a table that sorts."""

from typing import NamedTuple

from dashboards.elements.quantity import Quantity
from pnn_core.config import ParameterValue


class TrialRow(NamedTuple):
    """A trial in a table.

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
        rows: Rows in the order asked for.
    """

    settings: tuple[Quantity, ...]
    metrics: tuple[Quantity, ...]
    rows: tuple[TrialRow, ...]
