"""Places along numeric axes, each on its own scale."""

import numpy as np
from optuna.distributions import FloatDistribution, IntDistribution

from pnn_core.config import ParameterValue


def place_on_axis(axis: FloatDistribution | IntDistribution, value: ParameterValue) -> float:
    """Return where a value lies along an axis, from 0 to 1, logarithmic if the axis is.

    Args:
        axis: Axis of more than one value.
        value: Number on it.
    """
    low, high, at = float(axis.low), float(axis.high), float(value)
    if axis.log:
        low, high, at = float(np.log(low)), float(np.log(high)), float(np.log(at))
    return (at - low) / (high - low)
