"""The same search with many seeds."""

import statistics
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from dashboards.measures.steps import Steps
from study.recording.table import RecordedTable
from study.simulation.growth import Growth, HypervolumeShare
from study.simulation.simulated_search import SearchSettings, Stopper, TrialEnd, simulate

NEARLY_ALL = 0.95
"""Share of the table's best hypervolume whose budget is compared."""


@dataclass(frozen=True, kw_only=True)
class RepeatedSearch:
    """One sampler with one scheduler, over several seeds.

    Attributes:
        sampler: Its name.
        scheduler: Its name.
        seeds: Seeds of the searches.
        ends: Ends of all trials of each search.
        growths: Growth of each search.
    """

    sampler: str
    scheduler: str
    seeds: tuple[int, ...]
    ends: tuple[tuple[TrialEnd, ...], ...]
    growths: tuple[Growth, ...]

    @property
    def name(self) -> str:
        """Sampler and scheduler."""
        return f"{self.sampler}, {self.scheduler}"

    @property
    def epochs(self) -> tuple[Steps, ...]:
        """Growth of each search against epochs spent."""
        return tuple(growth.by_epochs for growth in self.growths)

    @property
    def seconds(self) -> tuple[Steps, ...]:
        """Growth of each search against simulated time."""
        return tuple(growth.by_seconds for growth in self.growths)


def repeat(
    table: RecordedTable,
    settings: SearchSettings,
    *,
    scheduler: str,
    seeds: Iterable[int],
    make_stopper: Callable[[], Stopper] | None = None,
) -> RepeatedSearch:
    """Run one search with each of several seeds.

    Args:
        table: Table that is searched.
        settings: Settings of the search; its seed is replaced.
        scheduler: Name of what stops trials.
        seeds: Seeds of the searches.
        make_stopper: Makes what stops trials beside the study's own rungs, one for each search.
    """
    share = HypervolumeShare(table, settings.objectives)
    seeds = tuple(seeds)
    ends = tuple(
        simulate(table, replace(settings, seed=seed), make_stopper and make_stopper())
        for seed in seeds
    )
    return RepeatedSearch(
        sampler=settings.sampler,
        scheduler=scheduler,
        seeds=seeds,
        ends=ends,
        growths=tuple(map(share.growth, ends)),
    )


def median_reach(functions: Iterable[Steps], height: float) -> float | None:
    """Find where the median search reaches a height; None where fewer than half of them do."""
    reached = [function.reaches(height) for function in functions]
    places = [float("inf") if place is None else place for place in reached]
    middle = statistics.median_high(places)
    return None if middle == float("inf") else middle
