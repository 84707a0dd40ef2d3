"""Growth of a search's hypervolume, as a share of the table's best."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from dashboards.elements.objective_scale import ObjectiveScale, objective_scales
from dashboards.measures.steps import Steps
from study.recording.table import RecordedTable
from study.results.growing_hypervolume import growing_hypervolume
from study.results.objective import Objective
from study.results.run_record import RunState
from study.simulation.simulated_search import TrialEnd


class Growth(NamedTuple):
    """Hypervolume of the complete trials so far, over two kinds of budget.

    Attributes:
        by_epochs: Against epochs spent by all trials together, pruned ones included.
        by_seconds: Against simulated time.
    """

    by_epochs: Steps
    by_seconds: Steps


class HypervolumeShare:
    """Measures searches of one table on one scale, from 0 to 1, the table's whole front.

    A trial counts with the values that its configuration has on the mean of all recorded seeds, not
    with those that the search saw: the luck of a seed makes no search look better. Every objective
    is scaled as in the pictures of a study (`ObjectiveScale`), over all configurations.

    Args:
        table: Table that is searched.
        objectives: Objectives of the searches.

    Raises:
        KeyError: An objective is not recorded.
        ValueError: All configurations have the same values.
    """

    def __init__(self, table: RecordedTable, objectives: tuple[Objective, ...]) -> None:
        values = np.array([c.values(objectives) for c in table.configurations])
        self.scales: tuple[ObjectiveScale, ...] = objective_scales(values, objectives)
        if not self.scales:
            raise ValueError("all configurations of the table have the same values")
        columns = zip(self.scales, values.T, strict=True)
        points = np.column_stack([scale.apply(column) for scale, column in columns])
        self._points = {c.number: p for c, p in zip(table.configurations, points, strict=True)}
        self._best = float(growing_hypervolume(points)[-1])

    def growth(self, ends: Sequence[TrialEnd]) -> Growth:
        """Return its growth in one search, from nothing to all its complete trials.

        Args:
            ends: Ends of its trials, in order.
        """
        complete = [end for end in ends if end.state is RunState.COMPLETE]
        points = np.array([self._points[end.configuration.number] for end in complete])
        shares = growing_hypervolume(points.reshape(-1, len(self.scales))) / self._best
        heights = tuple(shares.tolist())
        return Growth(
            by_epochs=Steps(tuple(float(end.epochs_spent) for end in complete), heights),
            by_seconds=Steps(tuple(end.seconds for end in complete), heights),
        )
