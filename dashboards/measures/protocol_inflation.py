"""Inflation of the published protocol over correct over total, by run and by batch size."""

import statistics
from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from study.results.run_record import RunRecord


class InflationPoint(NamedTuple):
    """One confirmed run by both protocols.

    Attributes:
        trial: Number of the trial that it confirms.
        layer: Its spatial layer.
        seed: Its seed.
        batch_size: Images per step, in training and in the published protocol.
        true: Correct over total on the test images, in [0, 1].
        published: Published code's figure on the same images.
    """

    trial: int
    layer: str
    seed: int
    batch_size: int
    true: float
    published: float

    @property
    def points(self) -> float:
        """Published figure minus correct over total, in percentage points."""
        return 100 * (self.published - self.true)


class InflationMean(NamedTuple):
    """All runs of one batch size.

    Attributes:
        batch_size: Batch size of all of them.
        points: Their mean inflation, in percentage points.
        n: Runs.
    """

    batch_size: int
    points: float
    n: int


def inflation_points(confirmed: Iterable[RunRecord]) -> tuple[InflationPoint, ...]:
    """The inflation of every complete run, in their order."""
    return tuple(
        InflationPoint(
            trial=run.trial,
            layer=run.layer,
            seed=run.seed,
            batch_size=int(run.parameters["batch_size"]),
            true=run.result.test_accuracy,
            published=run.result.published_test_accuracy,
        )
        for run in confirmed
        if run.result is not None
    )


def inflation_means(runs: Iterable[InflationPoint]) -> tuple[InflationMean, ...]:
    """The mean inflation of each batch size, ascending."""
    groups: defaultdict[int, list[float]] = defaultdict(list)
    for run in runs:
        groups[run.batch_size].append(run.points)
    return tuple(
        InflationMean(batch_size=size, points=statistics.fmean(groups[size]), n=len(groups[size]))
        for size in sorted(groups)
    )
