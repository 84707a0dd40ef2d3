"""From what was typed to a study that can run, or one sentence saying why it cannot."""

import itertools
import os
import re
from dataclasses import replace
from pathlib import Path

from pnn_core.config import DatasetShape
from pnn_core.data import DATASETS, dataset_shape, require_test_split
from search_spaces import SearchSpace, find_space, require_network
from study.command_line import DEFAULT_TRIALS, Arguments, BadInputError, blaming
from study.config import Resources, StudyConfig
from study.engine.sampler import DEFAULT_SAMPLER, GRID, require_sampler
from study.results.mlflow_store import MlflowStore
from study.results.objective import parse_objectives

STUDIES = Path("studies")
"""Where studies go, each in a folder of its name."""


def plan_study(arguments: Arguments, store: MlflowStore) -> StudyConfig:
    """Check everything that can be checked without Ray and the data; create nothing.

    Args:
        arguments: As typed.
        store: Where the study will be kept.

    Raises:
        BadInputError: Names the option to change.
    """
    shape = images_shape(arguments)
    config = study_config(arguments, shape, name=arguments.name or "unnamed")
    if config.confirm:
        with blaming("--confirm", config.confirm):
            require_test_split(config.dataset, arguments.data_dir)
    with blaming("--tracking-uri", store.shown_uri):
        store.check()
    config = replace(config, name=_free_name(arguments, config.space, store))
    config = replace(config, output=arguments.output or STUDIES / config.name)
    with blaming("--output", config.output):
        _require_new_folder(config.output)
    return config


def images_shape(arguments: Arguments) -> DatasetShape:
    """The shape of the data set that was asked for.

    Raises:
        BadInputError: There is no such data set, or no such folder.
    """
    flag = "--dataset" if arguments.dataset not in DATASETS else "--data-dir"
    value = arguments.dataset if arguments.dataset not in DATASETS else arguments.data_dir
    with blaming(flag, value):
        return dataset_shape(arguments.dataset, arguments.data_dir)


def study_config(arguments: Arguments, shape: DatasetShape, *, name: str) -> StudyConfig:
    """The study that was asked for.

    Args:
        arguments: As typed.
        shape: Of the data set's images.
        name: Of the study.

    Raises:
        BadInputError: The space, an objective or the sampler is not accepted.
    """
    if arguments.model is not None:
        with blaming("--model", arguments.model):
            require_network(arguments.model)
    with blaming("--space", arguments.space):
        space = find_space(arguments.space or "", shape, arguments.model)
    with blaming("--objectives", arguments.objectives):
        objectives = parse_objectives(arguments.objectives)
    sampler = arguments.sampler or (GRID if space.is_grid else DEFAULT_SAMPLER)
    with blaming("--sampler", sampler):
        require_sampler(sampler)
        grid = len(list(space.grid_points(shape))) if sampler == GRID else None
    return StudyConfig(
        name=name,
        space=space,
        dataset=arguments.dataset,
        shape=shape,
        trials=arguments.trials or grid or DEFAULT_TRIALS,
        epochs=arguments.epochs,
        replicates=arguments.replicates,
        confirm=arguments.confirm,
        seed=arguments.seed,
        objectives=objectives,
        sampler=sampler,
        output=arguments.output or STUDIES / name,
        address=arguments.address,
        resources=Resources(
            cpus_per_trial=arguments.cpus_per_trial,
            gpus_per_trial=arguments.gpus_per_trial,
            max_concurrent=arguments.max_concurrent,
        ),
    )


def _free_name(arguments: Arguments, space: SearchSpace, store: MlflowStore) -> str:
    """The name typed, if it is free, else the first free one of the kind SPACE-DATASET-1."""
    if arguments.name is not None:
        folder = arguments.output or STUDIES / arguments.name
        for place, taken in (
            (folder, folder.exists()),
            (f"MLflow at {store.shown_uri}", store.has_study(arguments.name)),
        ):
            if taken:
                raise BadInputError(
                    f"--name {arguments.name}: a study of that name exists in {place}: "
                    "choose another name"
                )
        return arguments.name
    stem = re.sub(r"[^A-Za-z0-9._-]", "_", space.name).lstrip(".-")[:60] or "study"
    stem = f"{stem}-{arguments.dataset}"
    names = (f"{stem}-{number}" for number in itertools.count(1))
    return next(n for n in names if not (STUDIES / n).exists() and not store.has_study(n))


def _require_new_folder(output: Path) -> None:
    """Refuse a folder that exists or cannot be made, before anything else is done."""
    if output.exists():
        raise ValueError("exists: choose a new folder")
    parent = next(folder for folder in output.absolute().parents if folder.exists())
    if not parent.is_dir() or not os.access(parent, os.W_OK | os.X_OK):
        raise ValueError(f"{parent} cannot be written: choose another folder")
