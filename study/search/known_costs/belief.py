"""Belief of a user in some settings, weighed less as trials come.

A candidate's gain is multiplied by π(x)^(β / n), n the number of trials that have shown a value:
the rule of πBO (Hvarfner et al. 2022), under which a wrong belief is forgotten.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution

from pnn_core.config import ParameterValue
from search_spaces.space import Point
from study.search.known_costs.axis_place import place_on_axis

Array = npt.NDArray[np.float64]

SPREAD = 0.25
"""Standard deviation of the belief around its values, as a share of each axis."""

OTHER_CHOICE = 0.5
"""Distance of another choice than the believed one, on the same scale."""

STRENGTH = 10.0
"""β: number of trials after which the belief counts once."""


def log_belief(belief: Point, point: Point, axes: Mapping[str, BaseDistribution]) -> float:
    """Return the logarithm of a belief's density at a point, up to a constant.

    Args:
        belief: Values of the axes that tell something of the point; it may be empty.
        point: A value for every axis.
        axes: Axes of the space.
    """
    away = [_distance(axes[name], point[name], value) for name, value in belief.items()]
    return -0.5 * sum(distance**2 for distance in away) / SPREAD**2


def belief_weight(log_beliefs: Array, trials: int) -> Array:
    """Return what gains are multiplied by.

    Args:
        log_beliefs: Logarithms of the density of each candidate.
        trials: Number of trials that have shown a value, at least 1.
    """
    return np.asarray(np.exp(STRENGTH / trials * log_beliefs), dtype=np.float64)


def _distance(axis: BaseDistribution, a: ParameterValue, b: ParameterValue) -> float:
    if a == b:
        return 0.0
    if not isinstance(axis, FloatDistribution | IntDistribution):
        return OTHER_CHOICE
    return abs(place_on_axis(axis, a) - place_on_axis(axis, b))
