"""The paper's figures for the cells of a heat map."""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from dashboards.elements.quantity import Quantity
from dashboards.elements.setting_parts import Part
from pnn_core.config import ParameterValue
from study.results.published_results import PAPER, reported_results


class ReportedCell(NamedTuple):
    """Figures of the paper for a pair of values.

    Attributes:
        column: Place of the horizontal part.
        row: Place of the vertical part.
        text: The figures with their tables and networks.
    """

    column: int
    row: int
    text: str


def reported_cells(
    dataset: str,
    x: tuple[Quantity, Sequence[Part]],
    y: tuple[Quantity, Sequence[Part]],
    z: Quantity,
) -> tuple[ReportedCell, ...]:
    """The paper's figures for the same data set, where the picture has a cell for them.

    Args:
        dataset: Data set of the study.
        x: Horizontal setting and its parts.
        y: Vertical setting and its parts.
        z: The metric: the paper has accuracies alone.
    """
    texts: defaultdict[tuple[int, int], list[str]] = defaultdict(list)
    for result in reported_results():
        if (result.source, result.dataset) != (PAPER, dataset) or z.name != "val_accuracy":
            continue
        settings = result.settings()
        row, column = (_find(settings.get(axis.name), parts) for axis, parts in (y, x))
        if row is not None and column is not None:
            text = f"{z.format(result.value)} ({result.where}, {result.model}, test)"
            texts[row, column].append(text)
    return tuple(
        ReportedCell(column, row, f"reported: {', '.join(found)}")
        for (row, column), found in sorted(texts.items())
    )


def _find(value: ParameterValue | None, parts: Sequence[Part]) -> int | None:
    for i, part in enumerate(parts):
        if part.low is None or part.high is None:
            if value == part.label:
                return i
        elif isinstance(value, int | float) and part.low <= value <= part.high:
            return i
    return None
