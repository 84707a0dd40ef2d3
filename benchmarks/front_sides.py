"""A search by the stock recipe, by this project with the same trials, and by all that it has."""

import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from process_tree import Usage, measure
from study_overhead import AXES, HERE, NAME, Points

from study.results.growing_hypervolume import growing_hypervolume
from study.results.mlflow.store import MlflowStore
from study.results.run_record import RunRecord, RunState

MORE_TRIALS = 2
"""Factor of the number of trials if most are stopped early."""


@dataclass(frozen=True, kw_only=True)
class Search:
    """Search that all sides run.

    Attributes:
        dataset: Name of the data set.
        data_dir: Folder of its files; an empty one for embedded data sets.
        trials: Number of networks to train.
        epochs: Number of epochs of each.
        seed: Seed of the search.
    """

    dataset: str
    data_dir: Path
    trials: int
    epochs: int
    seed: int


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A trial that has ended.

    Attributes:
        seconds: Seconds from the command's start to the trial's end.
        val_accuracy: Validation accuracy after its last epoch.
        learnable_params: Learnable parameters of its network.
    """

    seconds: float
    val_accuracy: float
    learnable_params: int


@dataclass(frozen=True, kw_only=True)
class Training:
    """Time of a trial's training, complete or not.

    Attributes:
        ended: End, in seconds since 1970.
        seconds: Seconds inside the loops over batches.
    """

    ended: float
    seconds: float


def span(trainings: Sequence[Training]) -> float:
    """Return the seconds from the latest possible start of the first to the end of the last."""
    started = min(training.ended - training.seconds for training in trainings)
    return max(training.ended for training in trainings) - started


@dataclass(frozen=True, kw_only=True)
class Side:
    """One side, once.

    Attributes:
        trials: Trials that ran their full budget, in the order of their ends.
        started: Number of trials started.
        training_seconds: Seconds inside the loops over batches, summed over trials.
        span_seconds: Seconds from the start of the first training to the end of the last.
        usage: Time and memory of the whole command.
    """

    trials: tuple[Trained, ...]
    started: int
    training_seconds: float
    span_seconds: float
    usage: Usage

    def hypervolumes(self, largest: int) -> NDArray[np.float64]:
        """Return the hypervolume after each trial, `[trials]`: accuracy × decades of parameters.

        Args:
            largest: Parameters of the reference point, whose accuracy is 0.
        """
        decades = [np.log10(largest / trial.learnable_params) for trial in self.trials]
        return growing_hypervolume(
            np.column_stack([[trial.val_accuracy for trial in self.trials], decades])
        )

    def seconds_to(self, volume: float, largest: int) -> float:
        """Return the seconds until the hypervolume is that large; NaN if it never is."""
        reached = np.flatnonzero(self.hypervolumes(largest) >= volume)
        return self.trials[reached[0]].seconds if len(reached) else float("nan")


def run_same_trials(search: Search, folder: Path, points: Points) -> Side:
    """Run this project and put the points that it tried into `points`."""
    flags = ["--sampler", "random", "--trials", str(search.trials)]
    side, records = run_study(search, folder, flags)
    points[:] = [{axis: record.parameters[axis] for axis in AXES} for record in records]
    return side


def run_all_it_has(search: Search, folder: Path, _: Points) -> Side:
    """Run a search that learns and stops trials early, and so can start more of them."""
    flags = ["--sampler", "tpe", "--scheduler", "moasha"]
    flags += ["--trials", str(MORE_TRIALS * search.trials)]
    return run_study(search, folder, flags)[0]


def run_study(search: Search, folder: Path, flags: list[str]) -> tuple[Side, tuple[RunRecord, ...]]:
    """Run a study; return its side and records. Trials stopped early count in times alone."""
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    command = [sys.executable, "-m", "study.run", "--space", NAME, *flags]
    command += ["--dataset", search.dataset, "--data-dir", str(search.data_dir)]
    command += ["--epochs", str(search.epochs), "--seed", str(search.seed)]
    command += ["--name", NAME, "--tracking-uri", uri]
    started = time.time()
    usage = measure(command, folder)
    records = MlflowStore(uri).load_study(NAME).records
    trained = [
        Trained(
            seconds=(record.ended_ms or 0) / 1000 - started,
            val_accuracy=record.metrics()["val_accuracy"],
            learnable_params=round(record.metrics()["learnable_params"]),
        )
        for record in records
        if record.state is RunState.COMPLETE
    ]
    trainings = [
        Training(ended=(record.ended_ms or 0) / 1000, seconds=training_seconds(record))
        for record in records
    ]
    side = Side(
        trials=by_end(trained),
        started=len(records),
        training_seconds=sum(training.seconds for training in trainings),
        span_seconds=span(trainings),
        usage=usage,
    )
    return side, records


def training_seconds(record: RunRecord) -> float:
    """Return the seconds of all epochs of all replicates."""
    return sum(
        epoch.train_seconds + epoch.val_seconds for curve in record.replicates for epoch in curve
    )


def run_recipe(search: Search, folder: Path, points: Points) -> Side:
    """Run the recipe on the points that a study tried."""
    points_file, results_file = folder / "points.json", folder / "results.json"
    points_file.write_text(json.dumps(points), encoding="utf-8")
    command = [sys.executable, str(HERE / "stock_recipe.py"), str(points_file)]
    command += [str(search.epochs), str(results_file), search.dataset, str(search.data_dir)]
    started = time.time()
    usage = measure(command, folder)
    results = json.loads(results_file.read_text(encoding="utf-8"))
    if len(results) != search.trials:
        raise RuntimeError(f"the recipe trained {len(results)} of {search.trials} trials")
    trained = [
        Trained(
            seconds=result["reported_at"] - started,
            val_accuracy=result["val_accuracy"],
            learnable_params=result["learnable_params"],
        )
        for result in results
    ]
    trainings = [
        Training(ended=result["reported_at"], seconds=result["training_seconds"])
        for result in results
    ]
    return Side(
        trials=by_end(trained),
        started=len(trained),
        training_seconds=sum(training.seconds for training in trainings),
        span_seconds=span(trainings),
        usage=usage,
    )


def by_end(trained: list[Trained]) -> tuple[Trained, ...]:
    """Sort trials by their ends."""
    return tuple(sorted(trained, key=lambda trial: trial.seconds))


RECIPE, SAME_TRIALS, ALL_IT_HAS = "recipe", "same trials", "all it has"
SIDES: dict[str, Callable[[Search, Path, Points], Side]] = {
    SAME_TRIALS: run_same_trials,
    RECIPE: run_recipe,
    ALL_IT_HAS: run_all_it_has,
}
"""Sides by name; the recipe is given the points of the one before it."""
