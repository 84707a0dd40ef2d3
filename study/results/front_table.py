"""The front as a table, for people."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from pnn_core.config import ParameterValue
from study.results.objective import MEASURED_OBJECTIVES, OBJECTIVES, Objective, format_kind
from study.results.run_record import RunRecord


class TextTable(NamedTuple):
    """Formatted cells.

    Attributes:
        header: `trial`, the searched parameters, then the objectives.
        rows: Rows of as many cells each.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def __str__(self) -> str:
        """Return aligned columns for a terminal."""
        return "\n".join(self._aligned("  "))

    def fitted(self, width: int) -> list[str]:
        """Return columns that fit a terminal; where they cannot, a line of words for each row.

        Args:
            width: Characters of a line.
        """
        for gap in ("  ", " "):
            lines = self._aligned(gap)
            if len(lines[0]) <= width:
                return lines
        return [
            ", ".join(f"{name} {cell}" for name, cell in zip(self.header, row, strict=True))
            for row in self.rows
        ]

    def _aligned(self, gap: str) -> list[str]:
        lines = (self.header, *self.rows)
        widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
        return [
            gap.join(cell.rjust(width) for cell, width in zip(line, widths, strict=True))
            for line in lines
        ]


def front_table(
    front: Iterable[RunRecord], axes: Sequence[str], objectives: Sequence[Objective]
) -> TextTable:
    """Lay out a front.

    Args:
        front: Its trials, in the order of the rows.
        axes: Searched parameters, in the order of the columns.
        objectives: The first one's column is the last: it is what one looks for.
    """
    metrics = [objective.name for objective in reversed(objectives)]
    return TextTable(
        header=("trial", *axes, *metrics),
        rows=tuple(
            (
                str(record.number),
                *(format_parameter(record.parameters.get(axis)) for axis in axes),
                *(format_metric(name, record.metrics()[name]) for name in metrics),
            )
            for record in front
        ),
    )


def format_parameter(value: ParameterValue | None) -> str:
    """Format a setting: three significant digits tell noise levels and learning rates apart.

    Args:
        value: None where the setting does not apply, such as a noise level without noise.
    """
    if value is None:
        return "–"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def format_metric(name: str, value: float) -> str:
    """Format a metric: an objective as it says, others as seconds by their name or as values."""
    if known := OBJECTIVES.get(name) or MEASURED_OBJECTIVES.get(name):
        return known.format(value)
    return format_kind("seconds" if name.endswith("_seconds") else "value", value)
