"""Points of a space as numbers: where they lie along its axes, and what their networks cost."""

from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from pnn_core.config import PARAMETER_NAMES, ParameterValue
from search_spaces.space import Point
from study.search.known_costs.axis_place import place_on_axis
from study.search.known_costs.belief import log_belief
from study.search.known_costs.problem import SearchProblem

Array = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]

KEPT = 20_000
"""Number of points above which all that were placed are forgotten."""

IDLE = 0.5
"""Place of a setting that changes nothing about a training run, as noise of a layer without."""


class Placed(NamedTuple):
    """Points as numbers.

    Attributes:
        settings: Places along the axes, n × d, each from 0 to 1.
        costs: Logarithms of the known costs, n × k.
        log_beliefs: Logarithms of the density of the user's belief, up to a constant, n.
    """

    settings: Array
    costs: Array
    log_beliefs: Array


class _Row(NamedTuple):
    """One point as numbers."""

    settings: Array
    costs: Array
    log_belief: float


class PlacedPoints:
    """Places points of one study; each of the last ones is placed once.

    A numeric axis is one column on its own scale, logarithmic or not. A categorical axis has a
    column for each choice, √½ where it is chosen, so that two choices are 1 apart.

    Args:
        problem: The study.
    """

    def __init__(self, problem: SearchProblem) -> None:
        self._problem = problem
        self._axes = dict(problem.space.axes)
        self._known = [problem.objectives[place].name for place in problem.known]
        self._rows: dict[Hashable, _Row] = {}
        widths = [_width(axis) for axis in self._axes.values()]
        self.axis_of_column: Places = np.repeat(np.arange(len(widths)), widths)

    def place(self, points: Sequence[Point]) -> Placed:
        """Place points that can be built.

        Raises:
            ValueError: One cannot be built.
        """
        rows = [self._row(point) for point in points]
        return Placed(
            settings=np.array([row.settings for row in rows]).reshape(len(rows), -1),
            costs=np.array([row.costs for row in rows]).reshape(len(rows), len(self._known)),
            log_beliefs=np.array([row.log_belief for row in rows]),
        )

    def _row(self, point: Point) -> _Row:
        key = tuple(point[name] for name in self._axes)
        if len(self._rows) > KEPT:
            self._rows.clear()
        if key not in self._rows:
            config = self._problem.configure(point)
            idle = set(PARAMETER_NAMES) - config.parameters().keys()
            columns = [
                np.full(_width(axis), IDLE) if name in idle else _columns(axis, point[name])
                for name, axis in self._axes.items()
            ]
            costs = self._problem.count_costs(config) if self._known else None
            belief = self._problem.belief or {}
            told = {name: value for name, value in belief.items() if name not in idle}
            self._rows[key] = _Row(
                settings=np.concatenate([np.zeros(0), *columns]),
                # A network without noise has no mask values.
                costs=np.log([max(1.0, float(getattr(costs, name))) for name in self._known]),
                log_belief=log_belief(told, point, self._axes),
            )
        return self._rows[key]


def _width(axis: BaseDistribution) -> int:
    return len(axis.choices) if isinstance(axis, CategoricalDistribution) else 1


def _columns(axis: BaseDistribution, value: ParameterValue) -> Array:
    if isinstance(axis, CategoricalDistribution):
        row = np.zeros(len(axis.choices))
        row[axis.choices.index(value)] = np.sqrt(0.5)
        return row
    if not isinstance(axis, FloatDistribution | IntDistribution) or axis.single():
        return np.array([IDLE])
    return np.array([place_on_axis(axis, value)])
