"""A study's trials and their costs, without training."""

from collections.abc import Iterator
from dataclasses import asdict, replace
from functools import cache
from itertools import islice
from typing import Any, NamedTuple

import optuna

from pnn_core.config import Costs, TrialConfig
from pnn_core.models.costs import count_costs
from search_spaces.space import Point
from study.config import StudyConfig
from study.search.optuna_storage import search_problem
from study.search.sampler import DistinctSampler


class PreviewedTrial(NamedTuple):
    """A trial that a study could run.

    Attributes:
        point: A value for every axis of the space.
        config: The training run that it describes.
        costs: Costs of its network.
    """

    point: Point
    config: TrialConfig
    costs: Costs

    def as_json(self) -> dict[str, Any]:
        """Return the axes, then every other setting of the training run, for `--json`."""
        parameters = {**self.point, **self.config.parameters()}
        return {"parameters": parameters, "costs": asdict(self.costs)}


def preview_trials(config: StudyConfig) -> Iterator[PreviewedTrial]:
    """Return a grid's trials, or samples as a study without results yet would propose them."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = DistinctSampler(config.sampler, search_problem(config), config.seed)
    study = optuna.create_study(
        directions=[objective.direction for objective in config.objectives], sampler=sampler
    )
    for wanted in config.enqueued:
        study.enqueue_trial(dict(wanted))
    costs = cache(count_costs)
    for point in islice(_points(study, sampler, config), config.trials):
        trial = config.space.configure(
            point, dataset=config.shape, epochs=config.epochs, seed=config.seed
        )
        # Noise costs the same at every level, so networks are built once for all of them; which
        # level stands for all is of no matter, but trained masks need one above 0.
        model = replace(trial.model, mask=replace(trial.model.mask, noise_level=1.0))
        yield PreviewedTrial(point=point, config=trial, costs=costs(model))


def _points(study: optuna.Study, sampler: DistinctSampler, config: StudyConfig) -> Iterator[Point]:
    waiting = len(config.enqueued)
    while waiting > 0 or not sampler.is_exhausted(study):
        waiting -= 1
        yield study.ask(dict(config.space.axes)).params
