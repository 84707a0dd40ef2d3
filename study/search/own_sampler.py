"""Samplers of one's own: any of Optuna's interface."""

import math
from collections.abc import Callable

import optuna
from optuna.samplers import BaseSampler

from pnn_core.config import DatasetShape
from pnn_core.parts.own_code import OwnCode, describe
from search_spaces import SearchSpace
from study.results.objective import Objective
from study.search.sampler import SAMPLERS, DistinctSampler

TRIALS_TRIED = 12
"""Number of made-up trials that a sampler is tried with: more than Optuna's own start by chance."""


def add_sampler(code: OwnCode) -> None:
    """Add a sampler of one's own to `SAMPLERS`.

    Args:
        code: Function from a seed to a sampler. It is called for each trial, with a seed that
            follows from the study's and the trial's number, so that nothing that a sampler keeps
            in memory is lost on resume: what it learns from are the trials in the study's storage.

    Raises:
        ValueError: It gives no sampler; says so in one sentence.
    """
    function: Callable[..., object] = code.load()

    def sampler(seed: int) -> BaseSampler:
        try:
            made = function(seed=seed)
        except Exception as error:
            raise ValueError(f"{code.name} raised {describe(error)}") from error
        if not isinstance(made, BaseSampler):
            raise ValueError(
                f"{code.name} returned a {type(made).__name__}: accepted is a sampler of Optuna's "
                "interface (optuna.samplers.BaseSampler)"
            )
        return made

    sampler(0)
    SAMPLERS[code.name] = sampler


def require_proposals(
    name: str, space: SearchSpace, dataset: DatasetShape, objectives: tuple[Objective, ...]
) -> None:
    """Check that a sampler proposes points of a space after trials with several objectives.

    Args:
        name: Name of the sampler.
        space: Space that is searched.
        dataset: Shape of the images.
        objectives: Objectives of the study.

    Raises:
        ValueError: It raises, as one that takes a single objective alone does.
    """
    directions = [objective.direction for objective in objectives]
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        random = DistinctSampler("random", space, dataset, 0)
        study = optuna.create_study(directions=directions, sampler=random)
        for number in range(TRIALS_TRIED):
            if random.is_exhausted(study):
                return
            values = [math.sin(number + place) for place in range(len(directions))]
            study.tell(study.ask(dict(space.axes)), values)
        study.sampler = own = DistinctSampler(name, space, dataset, 0)
        if not own.is_exhausted(study):
            study.ask(dict(space.axes))
    except Exception as error:
        raise ValueError(
            f"it proposes no point for {len(directions)} objectives over "
            f"{', '.join(space.axes)}: {describe(error)}"
        ) from error
    finally:
        optuna.logging.set_verbosity(before)
