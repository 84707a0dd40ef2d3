"""Tuning before a confirmation as it was asked for: what is refused, and what it costs."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice

from pnn_core.config import TrialConfig
from study.config import StudyConfig
from study.results.confirmed_choice import ALL, FRONT, NONE, layers_beside, numbered_trials
from study.results.plural import counted
from study.results.tuning_grid import require_used, tuning_grid

TRIALS_TRIED = 200
"""Number of a space's training runs that are asked whether they use what is tuned."""


@dataclass(frozen=True, kw_only=True)
class TuningCost:
    """Cost of a tuning.

    Attributes:
        each_trial: True if it is that of one trial of a front, which is not known yet; False if it
            is that of the study.
        networks: Number of networks, trials and controls alike; of a trial, the largest.
        grid_points: Number of points of a network's grid.
        runs: Number of training runs, each of one network at one point.
        seeds: Number of seeds of each run.
        epochs: Number of epochs of all seeds of all runs.
    """

    each_trial: bool
    networks: int
    grid_points: int
    runs: int
    seeds: int
    epochs: int

    def __str__(self) -> str:
        of = "for each trial of the front, " if self.each_trial else ""
        return (
            f"--tune-controls trains, before the confirmation, {of}"
            f"{counted(self.networks, 'network')} at {counted(self.grid_points, 'grid point')}: "
            f"{counted(self.runs, 'run')} of {counted(self.seeds, 'seed')}, "
            f"{counted(self.epochs, 'epoch')}"
        )


def require_tuning(config: StudyConfig) -> None:
    """Refuse a tuning of which a network of the study has no use.

    Args:
        config: Study that confirms.

    Raises:
        ValueError: Names the setting and what does not use it, or the planned experiment.
    """
    choice = config.tune_controls
    if choice is None:
        return
    if config.space.experiment is not None:
        raise ValueError(
            f"space {config.space.name} plans an experiment, whose settings are fixed beforehand, "
            "the same in all blocks: tune by a study of its own, and write what it chose into the "
            "space"
        )
    for trial in islice(config.space.examples(config.shape), TRIALS_TRIED):
        require_used(choice, trial)
        for layer in layers_beside(trial.model, config.controls or NONE):
            require_used(choice, replace(trial, model=trial.model.with_layer(layer)))
        tuning_grid(choice, trial)


def tuning_cost(config: StudyConfig, trials: Sequence[TrialConfig]) -> TuningCost | None:
    """Count the runs of a tuning, and their epochs.

    Args:
        config: Study.
        trials: Its trials, as far as they are known before it begins; at least one.

    Returns:
        None where nothing is tuned.
    """
    if config.tune_controls is None:
        return None
    choice = config.confirm_trials or FRONT
    numbers = numbered_trials(choice)
    taken = [trial for n, trial in enumerate(trials) if n in numbers] or trials
    networks = [1 + len(layers_beside(t.model, config.controls or NONE)) for t in taken]
    each_trial = choice != ALL and not numbers
    counts = max(networks) if each_trial else sum(networks)
    grid_points = len(tuning_grid(config.tune_controls, taken[0]))
    runs = counts * grid_points
    return TuningCost(
        each_trial=each_trial,
        networks=counts,
        grid_points=grid_points,
        runs=runs,
        seeds=config.replicates,
        epochs=runs * config.replicates * config.epochs,
    )
