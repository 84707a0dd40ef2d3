"""Limits of a study as they were asked for: those that no point of the space meets are refused."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from itertools import chain, islice

from pnn_core.config import Costs, DatasetShape
from search_spaces import SearchSpace
from search_spaces.axis_values import is_continuous
from search_spaces.space import Point
from study.command_line import blaming
from study.config import StudyConfig
from study.results.limit import Limit, Limits, describe_limits
from study.results.objective import OBJECTIVES
from study.results.setting import spell
from study.search.known_costs.problem import SearchProblem, count_network_costs
from study.search.optuna_storage import search_problem
from study.search.random_points import random_points

POINTS_TRIED = 10_000
"""Number of points of a space that are asked for what they cost."""

DRAWN = 1_000
"""Number of random points that are asked where there are more."""


def number_on_grid(space: SearchSpace, shape: DatasetShape, limits: Limits) -> int:
    """Count the points of a space's grid that are within the limits known before training.

    Args:
        space: Space with a grid.
        shape: Shape of the images.
        limits: Limits of the study, of metrics that are known.
    """
    problem = SearchProblem(
        space=space,
        dataset=shape,
        objectives=(),
        epochs=1,
        rungs=None,
        count_costs=count_network_costs,
        limits=limits,
    )
    points = space.grid_points(shape)
    return sum(map(problem.admits, points)) if _known(limits) else sum(1 for _ in points)


def require_limits(config: StudyConfig) -> None:
    """Refuse limits that no point of the space meets, as far as that is known before training.

    Args:
        config: Study with limits.

    Raises:
        BadInputError: None does; says how near the nearest is.
    """
    if not config.limit:
        return
    with blaming("--limit", spell(config.limit)):
        if config.space.experiment is not None:
            raise ValueError(
                f"space {config.space.name} plans an experiment, whose arms are all trained and "
                "confirmed: leave it out"
            )
        if known := _known(config.limit):
            _require_met(config, known)


def _require_met(config: StudyConfig, known: Limits) -> None:
    problem = search_problem(replace(config, limit=()))
    seen: list[Costs] = []
    for point in _points(config):
        if problem.admits(point):
            costs = problem.count_costs(problem.configure(point))
            seen.append(costs)
            if all(limit.is_met(asdict(costs)) for limit in known):
                return
    of = "no point" if _is_listed(config) else f"none of {DRAWN:,} random points"
    raise ValueError(
        f"{of} of space {config.space.name} meets {describe_limits(known)}: "
        f"{', '.join(_nearest(limit, seen) for limit in known)}"
    )


def _nearest(limit: Limit, seen: Sequence[Costs]) -> str:
    best = min if limit.is_ceiling else max
    value = best((getattr(costs, limit.name) for costs in seen), default=0)
    shown = OBJECTIVES[limit.name].format(value)
    return f"the {'smallest' if limit.is_ceiling else 'largest'} {limit.name} is {shown}"


def _points(config: StudyConfig) -> Iterator[Point]:
    if _is_listed(config):
        return chain.from_iterable(config.space.example_points().values())
    return islice(random_points(config.space, config.seed), DRAWN)


def _is_listed(config: StudyConfig) -> bool:
    """Return True for a space all of whose networks are looked at.

    Axes that are continuous, as noise levels are, change no cost.
    """
    axes = config.space.axes
    listed = (config.space.listed_values(n) for n, axis in axes.items() if not is_continuous(axis))
    return math.prod(map(len, listed)) <= POINTS_TRIED


def _known(limits: Limits) -> Limits:
    return tuple(limit for limit in limits if limit.is_known_before_training)
