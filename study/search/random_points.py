"""Points of a space by chance."""

from collections.abc import Iterator, Mapping
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.samplers import RandomSampler
from optuna.trial import TrialState, create_trial

from search_spaces import SearchSpace


def draw_point(axes: Mapping[str, BaseDistribution], sampler: RandomSampler) -> dict[str, Any]:
    """Draw a value for every axis; a random sampler looks at no trial, and none has begun."""
    nobody = create_trial(state=TrialState.WAITING)
    return {
        name: sampler.sample_independent(None, nobody, name, axis)  # type: ignore[arg-type]
        for name, axis in axes.items()
    }


def random_points(space: SearchSpace, seed: int) -> Iterator[dict[str, Any]]:
    """Yield random points of a space without end; some cannot be built.

    Args:
        space: Space that holds them.
        seed: Seed of chance.
    """
    sampler = RandomSampler(seed=seed)
    while True:
        yield draw_point(space.axes, sampler)
