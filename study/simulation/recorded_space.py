"""The space that a simulated search proposes from: as many networks as the table has."""

from collections.abc import Hashable
from dataclasses import dataclass, fields

from pnn_core.config import DatasetShape
from search_spaces import SearchSpace
from search_spaces.axis_values import is_continuous
from search_spaces.space import Point
from study.recording.table import RecordedTable
from study.simulation.nearest import NearestConfiguration


@dataclass(frozen=True, kw_only=True)
class RecordedSpace(SearchSpace):
    """A recorded space, in which points that stand for the same configuration are the same point.

    A study never trains the same point twice (`study.search.sampler.DistinctSampler`). Here two
    points between which the table knows no difference are the same, or a sampler that looks closely
    at one corner of a continuous axis would be given a single network again and again.

    Attributes:
        nearest: Search for the configuration that stands for a point.
    """

    nearest: NearestConfiguration

    def run_key(self, point: Point, dataset: DatasetShape) -> Hashable:
        """The number of the configuration that stands for a point, if it can be built."""
        trial = self._trial(point, dataset)
        if trial is None:
            return frozenset(point.items())
        return self.nearest.find(trial.parameters()).number

    def is_finite(self) -> bool:
        """Return True if the table was recorded on a grid, so that its points can be listed."""
        return all(name in self.grid for name, axis in self.axes.items() if is_continuous(axis))


def recorded_space(table: RecordedTable) -> RecordedSpace:
    """The space of a table, as a simulated search sees it."""
    own = {field.name: getattr(table.space, field.name) for field in fields(SearchSpace)}
    return RecordedSpace(**own, nearest=NearestConfiguration(table))
