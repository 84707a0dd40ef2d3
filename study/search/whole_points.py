"""Samplers that are asked for whole points."""

from collections.abc import Mapping
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.trial import FrozenTrial


class WholePointSampler(BaseSampler):
    """Proposes all axes of a space at once, in `sample_relative`; what it leaves out is random.

    Args:
        axes: Axes of the space.
        seed: Seed of what is random.
    """

    def __init__(self, axes: Mapping[str, BaseDistribution], seed: int) -> None:
        self._axes = dict(axes)
        self._uniform = RandomSampler(seed=seed)

    def infer_relative_search_space(
        self, study: optuna.Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """Return all axes."""
        return self._axes

    def sample_independent(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:  # noqa: ANN401  # Optuna's signature
        """Draw a value."""
        return self._uniform.sample_independent(study, trial, param_name, param_distribution)
