"""The recorded configuration that stands for a proposed one."""

from collections.abc import Mapping

import numpy as np
from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution

from pnn_core.config import ParameterValue
from study.recording.table import Configuration, RecordedTable


class NearestConfiguration:
    """Snaps a point of a space to the table's nearest configuration.

    The distance is Euclidean over all settings that vary in the table. A setting that a numeric
    axis searches counts its difference as a share of the axis, between logarithms where the axis is
    logarithmic; any other setting counts 1 where it differs, and so does one that only one of the
    two has. So a proposal that was recorded has distance 0, a setting without effect plays no part,
    and another layer is as far away as the other end of an axis. Of several nearest, the first.

    Args:
        table: Table of configurations.
    """

    def __init__(self, table: RecordedTable) -> None:
        self._configurations = table.configurations
        recorded = [configuration.parameters for configuration in table.configurations]
        names = sorted({name for parameters in recorded for name in parameters})
        columns = {name: [parameters.get(name) for parameters in recorded] for name in names}
        self._columns = {
            name: _Column(values, table.space.axes.get(name))
            for name, values in columns.items()
            if len(set(values)) > 1
        }

    def find(self, parameters: Mapping[str, ParameterValue]) -> Configuration:
        """The configuration nearest to a training run.

        Args:
            parameters: Settings of the run by `TrialConfig.parameters`; others are ignored.
        """
        squared = np.zeros(len(self._configurations))
        for name, column in self._columns.items():
            squared += column.distances(parameters.get(name)) ** 2
        return self._configurations[int(np.argmin(squared))]


class _Column:
    """One setting of all configurations; None where it changes nothing."""

    def __init__(self, values: list[ParameterValue | None], axis: BaseDistribution | None) -> None:
        numeric = isinstance(axis, FloatDistribution | IntDistribution) and not axis.single()
        self._axis = axis if numeric else None
        self._values = [self._place(value) for value in values]
        self._places = (
            np.array([np.nan if v is None else v for v in self._values]) if numeric else None
        )

    def distances(self, value: ParameterValue | None) -> np.ndarray:
        """Return the distance of every configuration to a value, each from 0 to 1."""
        place = self._place(value)
        if self._places is None or place is None:
            return np.array([float(other != place) for other in self._values])
        away = np.abs(self._places - place)
        return np.where(np.isnan(away), 1.0, away)

    def _place(self, value: ParameterValue | None) -> ParameterValue | None:
        """Along a numeric axis, from 0 to 1; elsewhere the value itself."""
        axis = self._axis
        if value is None or not isinstance(axis, FloatDistribution | IntDistribution):
            return value
        scale = np.log if axis.log else np.asarray
        low, high, at = (float(scale(float(v))) for v in (axis.low, axis.high, value))
        return (at - low) / (high - low)
