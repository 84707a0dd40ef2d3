"""Points that a study tries first, as they were asked for: what cannot be tried is refused."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any

from pnn_core.config.checks import require_known
from search_spaces.axis_values import combinations, read_value
from search_spaces.space import Point
from study.command_line import blaming
from study.config import StudyConfig
from study.planning.limits import DRAWN, POINTS_TRIED
from study.results.enqueued_points import (
    PAPER_POINT,
    TypedPoint,
    read_enqueued,
    spell_point,
    spell_points,
    typed_points,
)
from study.results.limit import describe_limits
from study.results.plural import counted
from study.results.published_results import PAPER, reported_results
from study.search.begun_points import BegunPoints
from study.search.optuna_storage import search_problem
from study.search.random_points import random_points
from study.search.sampler import GRID

_FLAG = "--enqueue"


def with_enqueued(config: StudyConfig) -> StudyConfig:
    """Return a study whose points to try first are spelt by its axes alone.

    Args:
        config: Study with points as they were typed.

    Raises:
        BadInputError: A point names what the space does not search, is not in the space, cannot be
            built, is beyond a limit or stands twice; or there are more points than trials.
    """
    typed = typed_points(config.enqueue)
    if not typed:
        return config
    points: list[Point] = []
    for settings in typed:
        is_paper = PAPER_POINT in settings
        with blaming(_FLAG, PAPER_POINT if is_paper else spell_point(settings)):
            if config.space.experiment is not None:
                raise ValueError(
                    f"space {config.space.name} plans an experiment, whose arms are all trained in "
                    "their order: leave it out"
                )
            point = _papers_best(config) if is_paper else searched_point(config, settings)
            _require_new(config, point, points)
            points.append(point)
    if len(points) > config.trials:
        with blaming(_FLAG, config.enqueue):
            raise ValueError(
                f"{counted(len(points), 'point')} and --trials {config.trials}: raise --trials"
            )
    return replace(config, enqueue=spell_points(points))


def with_more_points(config: StudyConfig, typed: str, found: BegunPoints) -> StudyConfig:
    """Return a running study that is asked for further points.

    Args:
        config: Study, with the points that it was asked for before.
        typed: Further points, as they are typed; no file, which would be one of this machine.
        found: Points that it has begun.

    Raises:
        BadInputError: A point cannot be tried, was tried before, or has no trial left.
        ValueError: It is no point.
    """
    if any(PAPER_POINT not in point and "=" not in point for point in typed.split(";")):
        raise ValueError(f"{typed!r} must be settings such as mask_count=32,noise_level=0.1")
    points = filter(None, (config.enqueue, read_enqueued(typed)))
    more = with_enqueued(replace(config, enqueue=";".join(points)))
    require_new_points(more, config.enqueue, found)
    return more


def require_new_points(config: StudyConfig, before: str | None, found: BegunPoints) -> None:
    """Refuse points that were tried before, or for which a study that goes on has no trials left.

    Args:
        config: Study that goes on, with all points that it was ever asked for.
        before: Those that it was asked for before.
        found: Points that it has begun.

    Raises:
        BadInputError: Names the point.
    """
    points = config.enqueued
    added = points[len(typed_points(before)) :]
    for point in added:
        with blaming(_FLAG, spell_point(point)):
            _require_new(config, point, [p for p in found.asked if p.keys() >= point.keys()])
    left = config.trials - len(found.asked)
    waiting = len(points) - found.enqueued
    if added and waiting > left:
        with blaming(_FLAG, spell_points(added)):
            raise ValueError(
                f"{counted(waiting, 'point')} would wait, and --trials {config.trials} leaves "
                f"{counted(left, 'trial')}: raise --trials"
            )


def searched_point(config: StudyConfig, settings: TypedPoint) -> Point:
    """Read a point by the space's axes; what else it says must be so in the space anyway.

    Raises:
        ValueError: It names what the space does not search, or the space holds no such point that
            can be built within the study's limits.
    """
    axes = config.space.axes
    for name in settings:
        if name not in axes and name not in _fixed(config):
            require_known(f"a setting that space {config.space.name} searches", name, axes)
    point = {n: read_value(n, axes[n], text) for n, text in settings.items() if n in axes}
    if not point:
        raise ValueError(
            f"names no setting that space {config.space.name} searches: accepted are "
            f"{', '.join(axes)}"
        )
    if (whole := _completed(config, point)) is None:
        where = "on the grid" if config.sampler == GRID else "that can be built"
        within = f" and is within {describe_limits(config.limit)}" if config.limit else ""
        raise ValueError(f"the space holds no such point {where}{within}")
    trained = {**_fixed(config, whole), **whole}
    for name, text in settings.items():
        if name in trained and name not in axes and str(trained[name]) != text:
            raise ValueError(
                f"{name} (={text}) is {trained[name]} in all trials of space {config.space.name}: "
                "leave it out"
            )
    return point


def _fixed(config: StudyConfig, point: Point | None = None) -> Mapping[str, Any]:
    """Return all settings of a training run of the space."""
    if point is None:
        return next(config.space.examples(config.shape)).parameters()
    return search_problem(config).configure(point).parameters()


def _completed(config: StudyConfig, point: Point) -> Point | None:
    """Return a whole point of the space with some settings as they are asked for, if there is one.

    Every one is looked at where they can be listed, else some by chance.
    """
    admits = search_problem(config).admits
    return next((whole for whole in _completions(config, point) if admits(whole)), None)


def _completions(config: StudyConfig, point: Point) -> Iterator[Point]:
    space = config.space
    if config.sampler == GRID:
        yield from (p for p in space.grid_points(config.shape) if point.items() <= p.items())
    elif point.keys() == space.axes.keys():
        yield point
    elif space.is_finite() and space.grid_size() <= POINTS_TRIED:
        values = {n: [point[n]] if n in point else v for n, v in space.grid_values().items()}
        yield from combinations(values)
    else:
        drawn = islice(random_points(space, config.seed), DRAWN)
        yield from ({**one, **point} for one in drawn)


def _require_new(config: StudyConfig, point: Point, before: list[Any]) -> None:
    """Refuse a point that describes a training run which is tried already.

    One that leaves settings out is refused beside the very same, as the sampler completes it anew.
    """
    axes, key = config.space.axes.keys(), config.space.run_key
    if point.keys() == axes:
        runs = {key(other, config.shape) for other in before if other.keys() == axes}
        if key(point, config.shape) in runs:
            raise ValueError("the study tries this point already: leave it out")
    elif any(other == point for other in before):
        raise ValueError("it stands twice: leave one out")


def _papers_best(config: StudyConfig) -> Point:
    """Return what the paper tells of its best figure on the images, in the space's own axes."""
    fixed = _fixed(config)
    found: list[tuple[float, Point]] = []
    for result in reported_results():
        told = result.settings()
        if result.source != PAPER or result.dataset != config.dataset or result.metric != "top1":
            continue
        searched = {name: told[name] for name in config.space.axes if name in told}
        others = ("network", "layer")
        if not searched or any(
            told.get(name) != fixed[name] for name in others if name not in config.space.axes
        ):
            continue
        try:
            texts = {name: str(value) for name, value in searched.items()}
            found.append((result.value, searched_point(config, texts)))
        except ValueError:  # a setting that this space does not reach
            continue
    if not found:
        raise ValueError(
            f"the paper tells of no point of space {config.space.name} with network "
            f"{fixed['network']} on {config.dataset}: name the settings"
        )
    return max(found, key=lambda pair: pair[0])[1]
