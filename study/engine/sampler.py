"""Samplers: Optuna's own, kept from proposing what was proposed before or cannot be built."""

import difflib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, GPSampler, NSGAIISampler, RandomSampler, TPESampler
from optuna.trial import FrozenTrial, TrialState

from pnn_core.config import DatasetShape
from search_spaces import SearchSpace

SAMPLERS: dict[str, Callable[[int], BaseSampler]] = {
    "tpe": lambda seed: TPESampler(multivariate=True, constant_liar=True, seed=seed),
    "nsga2": lambda seed: NSGAIISampler(seed=seed),
    "gp": lambda seed: GPSampler(seed=seed),
    "random": lambda seed: RandomSampler(seed=seed),
}
"""Optuna's samplers, by the name that the command line gives them."""

DEFAULT_SAMPLER = "tpe"
GRID = "grid"
SAMPLER_NAMES = (*SAMPLERS, GRID)

PROPOSALS_BEFORE_RANDOM = 3
"""How often a sampler is asked before a random point takes its place. Few, because each answer of
a Gaussian process costs a fit and its next one is much the same."""

POINTS_LISTED = 10_000
"""Up to how many points a space is listed, so that its last new points are found."""

RANDOM_DRAWS = 10_000
"""How many random points are drawn in search of a new one that can be built."""


def require_sampler(name: str) -> None:
    """Check a sampler's name.

    Raises:
        ValueError: The name is unknown; the nearest is suggested.
    """
    if name not in SAMPLER_NAMES:
        near = difflib.get_close_matches(name, SAMPLER_NAMES, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise ValueError(
            f"{name!r} is not a sampler: accepted are {', '.join(SAMPLER_NAMES)}{hint}"
        )


class DistinctSampler(BaseSampler):
    """Proposes points that are new and can be built.

    Small spaces make samplers repeat themselves, and a repeated trial tells nothing new. Instead
    of training it again, the sampler is asked again, then a random new point is taken.

    Args:
        name: One of `SAMPLER_NAMES`.
        space: What is searched.
        dataset: Shape of the images, which decides what can be built.
        seed: Of the sampler.
    """

    def __init__(self, name: str, space: SearchSpace, dataset: DatasetShape, seed: int) -> None:
        require_sampler(name)
        self._space = space
        self._dataset = dataset
        self._axes = dict(space.axes)
        self._random = np.random.default_rng(seed)
        self._uniform = RandomSampler(seed=seed)
        self._inner = self._uniform if name == GRID else SAMPLERS[name](seed)
        enumerable = name == GRID or (space.is_finite() and space.grid_size() <= POINTS_LISTED)
        self._points = list(space.grid_points(dataset)) if enumerable else None
        self._in_order = name == GRID

    def is_exhausted(self, study: optuna.Study) -> bool:
        """Whether every point has been proposed; a space too large to list is never exhausted."""
        return self._points is not None and not self._remaining(_proposed(study))

    def infer_relative_search_space(
        self, study: optuna.Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """All axes: only a whole point can be new or not."""
        return self._axes

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """A new point.

        Raises:
            RuntimeError: None was found; see `is_exhausted`.
        """
        taken = _proposed(study)
        if self._in_order:
            return self._remaining(taken)[0]
        for _ in range(PROPOSALS_BEFORE_RANDOM):
            point = self._ask(self._inner, study, trial)
            if _key(point) not in taken and self._is_listed_or_valid(point):
                return point
        return self._random_new_point(study, trial, taken)

    def sample_independent(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:  # noqa: ANN401  # Optuna's signature
        """For parameters that are no axis; there are none."""
        return self._inner.sample_independent(study, trial, param_name, param_distribution)

    def before_trial(self, study: optuna.Study, trial: FrozenTrial) -> None:
        """Pass on, as samplers keep state per trial."""
        self._inner.before_trial(study, trial)

    def after_trial(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        state: TrialState,
        values: Any,  # noqa: ANN401  # Optuna's signature
    ) -> None:
        """Pass on, as samplers keep state per trial."""
        self._inner.after_trial(study, trial, state, values)

    def _ask(self, sampler: BaseSampler, study: optuna.Study, trial: FrozenTrial) -> dict[str, Any]:
        """A whole point, with what the sampler does not choose jointly chosen axis by axis."""
        joint = sampler.infer_relative_search_space(study, trial)
        point = dict(sampler.sample_relative(study, trial, joint))
        for name, axis in self._axes.items():
            if name not in point:
                point[name] = sampler.sample_independent(study, trial, name, axis)
        return point

    def _random_new_point(
        self, study: optuna.Study, trial: FrozenTrial, taken: set[Any]
    ) -> dict[str, Any]:
        if self._points is not None:
            remaining = self._remaining(taken)
            return remaining[self._random.integers(len(remaining))]
        for _ in range(RANDOM_DRAWS):
            point = self._ask(self._uniform, study, trial)
            if _key(point) not in taken and self._space.is_valid(point, self._dataset):
                return point
        raise RuntimeError(f"no new point of {self._space.name!r} in {RANDOM_DRAWS} random draws")

    def _is_listed_or_valid(self, point: dict[str, Any]) -> bool:
        """A list leaves out what describes the same training run as another point."""
        if self._points is not None:
            return point in self._points
        return self._space.is_valid(point, self._dataset)

    def _remaining(self, taken: set[Any]) -> list[dict[str, Any]]:
        return [point for point in self._points or () if _key(point) not in taken]


def _proposed(study: optuna.Study) -> set[Any]:
    """Points of all trials, whatever became of them: a failed one fails again."""
    trials: Iterable[FrozenTrial] = study.get_trials(deepcopy=False)
    return {_key(trial.params) for trial in trials if trial.params}


def _key(point: Mapping[str, Any]) -> Any:  # noqa: ANN401  # any hashable
    return tuple(sorted(point.items()))
