"""Points of a tuning grid, and the choice of one by validation images alone."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pnn_core.config import ParameterValue
from pnn_core.config.equality import has_equal_fields


@dataclass(frozen=True, kw_only=True)
class TuningPoint:
    """Point of a tuning grid with the results of one network there.

    Attributes:
        settings: Values of the tuned settings, by name.
        seeds: Number of seeds, which no search and no confirmation uses.
        val_accuracy: Mean figure of merit over the seeds after the last epoch, in [0, 1]: accuracy,
            in detection mean average precision; NaN where one of them did not train to its end.
        val_loss: Mean over the seeds after the last epoch, in nats; NaN as above.
    """

    settings: Mapping[str, ParameterValue]
    seeds: int
    val_accuracy: float
    val_loss: float

    def __eq__(self, other: object) -> bool:
        """Compare as tuples do: NaN, for seeds that failed, equals itself."""
        return has_equal_fields(self, other) if isinstance(other, TuningPoint) else NotImplemented

    @property
    def is_complete(self) -> bool:
        """True if every seed trained to its end."""
        return not math.isnan(self.val_accuracy)


def best_point(points: Sequence[TuningPoint]) -> TuningPoint | None:
    """Return the point of the highest figure of merit, of equal ones that of lowest loss.

    Args:
        points: Points of one network's grid; those with a seed that failed are not taken.

    Returns:
        None where no point is complete.
    """
    complete = (point for point in points if point.is_complete)
    return max(complete, key=lambda p: (p.val_accuracy, -p.val_loss), default=None)


def settings_at_the_edge(points: Sequence[TuningPoint]) -> tuple[str, ...]:
    """Return the settings whose chosen value is the smallest or the largest of the grid.

    A better value may lie beyond.

    Args:
        points: Points of one network's grid.
    """
    chosen = best_point(points)
    if chosen is None:
        return ()
    grid = {name: [point.settings[name] for point in points] for name in chosen.settings}
    return tuple(
        name
        for name, value in chosen.settings.items()
        if value in (min(grid[name], key=float), max(grid[name], key=float))
    )
