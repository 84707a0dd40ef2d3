"""Plan of a study from what was typed, or one sentence saying why it cannot run."""

import itertools
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

from pnn_core.config import DatasetShape, ParameterValue
from pnn_core.data import DATASETS, dataset_shape
from search_spaces import BUILT_IN, SearchSpace, SpaceError, find_space, require_network
from study.command_line import BadInputError, blaming
from study.config import StudyConfig
from study.planning.arguments import Arguments
from study.planning.augmentation import with_asked_augmentation, with_default_augmentation
from study.planning.confirmation import (
    asked_choice,
    number_beforehand,
    require_choice,
    require_test_images,
)
from study.planning.converted_networks import require_convertible_networks
from study.planning.early_stopping import asked_rungs
from study.planning.enough_seeds import few_seeds_warning
from study.planning.enqueued import with_enqueued
from study.planning.initial_weights import (
    require_weights_at_hand,
    with_found_weights,
    with_initial_weights,
)
from study.planning.limits import number_on_grid, require_limits
from study.planning.log_account import require_log
from study.planning.own_code import with_own_code
from study.planning.preflight import (
    require_writable,
    resolve_checkpoints,
    resolve_storage,
    studies_in_storage,
)
from study.planning.prior import require_prior
from study.planning.ray_job import (
    require_cluster,
    require_lasting_folder,
    require_lasting_tracker,
    with_ray_address,
)
from study.planning.rerun import Rerun, find_rerun
from study.planning.study_file import FILE, StudyFile, describe_images
from study.planning.study_folder import CHECKPOINTS, STUDIES, describe_lost_file, is_free
from study.planning.task import on_asked_canvas, require_one_canvas, with_task
from study.results.fresh_seeds import first_fresh_seed
from study.results.limit import require_known_metrics
from study.results.mlflow.store import MlflowStore
from study.results.planned_experiment import PlannedExperiment, space_digest
from study.results.setting import spell, values_of
from study.results.settings import DEFAULT_TRIALS, Settings
from study.search.own_sampler import require_proposals
from study.search.sampler import DEFAULT_SAMPLER, GRID, SAMPLER_NAMES, require_sampler

_ANY_CANVAS = 1024
"""Pixels a side of a canvas that every network can halve down to its features."""


@dataclass(frozen=True, kw_only=True)
class StudyPlan:
    """A study that can run.

    Attributes:
        arguments: Options as typed; of a study that is resumed, as if typed in full.
        config: Study.
        store: MLflow's, where its trials are shown.
        file: Settings to be written to `config.output`.
        warnings: Faults that cost nothing yet.
        images: Line that says which images there are; empty before they were read.
    """

    arguments: Arguments
    config: StudyConfig
    store: MlflowStore
    file: StudyFile
    warnings: tuple[str, ...] = ()
    images: str = ""

    @property
    def runs_ahead(self) -> int:
        """Number of trials that are left, and no fewer than the seeds of a confirmed network."""
        return max(self.config.trials - (self.file.trials_ended or 0), self.config.confirm)


def plan_study(arguments: Arguments) -> StudyPlan:
    """Check everything that can be checked without Ray and the data; create nothing.

    Args:
        arguments: Options as typed, for a new study.

    Raises:
        BadInputError: Names the option to change.
    """
    arguments = with_ray_address(arguments)
    require_cluster(arguments)
    rerun = find_rerun(arguments)
    if rerun is None:
        arguments = with_found_weights(with_own_code(arguments))
    else:
        arguments = rerun.complete(arguments)
    shape = images_shape(arguments)
    arguments = with_task(arguments, shape)
    space = asked_space(arguments, shape, rerun)
    if rerun is None:
        arguments, space = with_default_augmentation(arguments, space)
    config = study_config(arguments, shape, space, name=arguments.name or "unnamed")
    require_test_images(arguments)
    store = MlflowStore(arguments.tracking_uri)
    with blaming("--tracking-uri", store.shown_uri):
        store.check()
    storage, in_storage = _storage(arguments)
    names = rerun.names if rerun is not None else _default_names(config)
    name = _free_name(arguments, names, store, storage, in_storage)
    output = arguments.output or STUDIES / name
    require_lasting_folder(output)
    require_lasting_tracker(arguments.tracking_uri)
    with blaming("--output", output):
        if not is_free(output):
            raise ValueError(describe_lost_file(output) or "exists: choose a new folder")
        require_writable(output)
    require_log(config.log)
    require_weights_at_hand(config)  # last, as they may have to be fetched
    config = replace(
        config,
        name=name,
        output=output,
        storage=storage,
        checkpoints=place_of_checkpoints(arguments, output),
        arithmetic=None if rerun is None else rerun.arithmetic,
    )
    repeated = None if rerun is None else rerun.parameters
    file = describe_study(arguments, config, repeated)
    return StudyPlan(
        arguments=arguments,
        config=config,
        store=store,
        file=file,
        warnings=few_seeds_warning(config),
    )


def asked_space(
    arguments: Arguments, shape: DatasetShape, rerun: Rerun | None = None
) -> SearchSpace:
    """Return the space that was asked for, or that of the trial that is to be run again.

    Args:
        arguments: Options, complete: see `Rerun.complete`.
        shape: Shape of the data set's images.
        rerun: Trial, if one is run again.

    Raises:
        BadInputError: The space is not accepted, or the trial was trained on other images.
    """
    if rerun is None:
        if arguments.network is not None:
            with blaming("--network", arguments.network):
                require_network(arguments.network)
        space = _found_space(arguments, shape)
        if arguments.layer_file is not None:
            with blaming("--layer-file", arguments.layer_file):
                space = space.with_own_layer(arguments.layer_file)
        require_one_canvas(arguments, space)
        return with_initial_weights(arguments, with_asked_augmentation(arguments, space), shape)
    with blaming("--data-dir", arguments.data_dir):
        rerun.require_images(shape)
    with blaming("--rerun", rerun.key):
        return rerun.space(shape)


def _found_space(arguments: Arguments, shape: DatasetShape) -> SearchSpace:
    """Find the space; where it can be built on another canvas, the asked one is at fault."""
    name, network = arguments.space or "", arguments.network
    with blaming("--space", arguments.space):
        try:
            return find_space(name, shape, network)
        except SpaceError as error:
            if arguments.canvas is None:
                raise
            find_space(name, shape.on_canvas(_ANY_CANVAS), network)
            raise BadInputError(f"--canvas {arguments.canvas}: {error}") from error


def images_shape(arguments: Arguments) -> DatasetShape:
    """Return the shape of the data set that was asked for.

    Raises:
        BadInputError: There is no such data set or no such folder, or it has no canvas.
    """
    flag = "--dataset" if arguments.dataset not in DATASETS else "--data-dir"
    value = arguments.dataset if arguments.dataset not in DATASETS else arguments.data_dir
    with blaming(flag, value):
        shape = dataset_shape(arguments.dataset, arguments.data_dir)
    return on_asked_canvas(arguments, shape)


def study_config(
    arguments: Arguments, shape: DatasetShape, space: SearchSpace, *, name: str
) -> StudyConfig:
    """Configure the study that was asked for, its storage and checkpoints in its own folder.

    Args:
        arguments: Options as typed.
        shape: Shape of the data set's images.
        space: Search space.
        name: Name of the study.

    Raises:
        BadInputError: The sampler, the scheduler, the confirmation, a network of other people, a
            limit, a point to try first or a belief is not accepted.
    """
    named = "--space" if arguments.network is None else "--network"
    with blaming(named, arguments.network or arguments.space):
        require_convertible_networks(space, shape)
    with blaming("--limit", spell(arguments.limit)):
        require_known_metrics(arguments.limit, arguments.objectives)
    sampler = arguments.sampler or default_sampler(space)
    with blaming("--sampler", sampler):
        require_sampler(sampler)
        if sampler not in SAMPLER_NAMES:
            require_proposals(sampler, space, shape, arguments.objectives)
        grid = number_on_grid(space, shape, arguments.limit) if sampler == GRID else None
    output = arguments.output or STUDIES / name
    rungs = asked_rungs(arguments, arguments.objectives)
    settings = values_of(Settings, arguments) | {
        "trials": arguments.trials or grid or DEFAULT_TRIALS,
        "sampler": sampler,
        "reduction_factor": rungs.reduction_factor if rungs else None,
        "first_rung": rungs.first if rungs else None,
        "data_dir": arguments.data_dir.absolute(),
        # A study must not move to another tracker because it is resumed in another shell.
        "tracking_uri": arguments.tracking_uri or os.environ.get("MLFLOW_TRACKING_URI") or None,
        "storage": None,
        "checkpoints": own_checkpoints(output),
        **asked_choice(arguments, space),
    }
    config = StudyConfig(
        name=name,
        study_id=uuid4().hex,
        space=space,
        shape=shape,
        output=output,
        confirm_beforehand=number_beforehand(arguments.confirm, space),
        controls_beforehand=settings["controls"] if arguments.confirm else None,
        first_fresh_seed=first_fresh_seed(arguments.seed),
        own=arguments.own,
        **settings,
    )
    require_choice(arguments, config)
    require_prior(config)
    require_limits(config)
    return with_enqueued(config)


def describe_study(
    arguments: Arguments,
    config: StudyConfig,
    rerun: Mapping[str, ParameterValue] | None = None,
) -> StudyFile:
    """Describe what `--resume` will need to know.

    Args:
        arguments: Options as typed, or as resumed.
        config: Study that became of them.
        rerun: Settings of the trial that is run again; None for a search.
    """
    settings = values_of(Settings, config)
    plan = PlannedExperiment.of(config.space)
    if config.checkpoints == own_checkpoints(config.output):
        settings["checkpoints"] = None
    return StudyFile(
        name=config.name,
        study_id=config.study_id,
        space=lasting_space(arguments.space or "") if rerun is None else config.space.name,
        space_digest=space_digest(config.space),
        images=describe_images(config.shape),
        rerun=None if rerun is None else dict(rerun),
        confirm_beforehand=config.confirm_beforehand,
        controls_beforehand=config.controls_beforehand,
        first_fresh_seed=config.fresh_seeds.start,
        experiment=None if plan is None else str(plan),
        own=[code.recorded for code in config.own],
        **settings,
    )


def default_sampler(space: SearchSpace) -> str:
    """Return the sampler of a study that asks for none."""
    return GRID if space.is_grid else DEFAULT_SAMPLER


def lasting_space(name: str) -> str:
    """Return a built-in space's name, or a file's path as it can be found from any folder."""
    return name if name in BUILT_IN else str(Path(name).absolute())


def own_checkpoints(output: Path) -> str:
    """Return the place of checkpoints where no other was named; workers run in other folders."""
    return str((output / CHECKPOINTS).absolute())


def place_of_checkpoints(arguments: Arguments, output: Path) -> str:
    """Return the place of checkpoints.

    Raises:
        BadInputError: They cannot go there.
    """
    if arguments.checkpoints is None:
        return own_checkpoints(output)
    with blaming("--checkpoints", arguments.checkpoints):
        return resolve_checkpoints(arguments.checkpoints)


def _storage(arguments: Arguments) -> tuple[str | None, frozenset[str]]:
    """Return Optuna's storage, and the studies in it."""
    url = arguments.storage or os.environ.get("OPTUNA_STORAGE") or None
    if url is None:
        return None, frozenset()
    with blaming("--storage" if arguments.storage else "OPTUNA_STORAGE", url):
        url = resolve_storage(url)
        return url, studies_in_storage(url)


def _default_names(config: StudyConfig) -> Iterator[str]:
    stem = re.sub(r"[^A-Za-z0-9._-]", "_", config.space.name).lstrip(".-")[:60] or "study"
    return (f"{stem}-{config.dataset}-{count}" for count in itertools.count(1))


def _free_name(
    arguments: Arguments,
    names: Iterator[str],
    store: MlflowStore,
    storage: str | None,
    in_storage: frozenset[str],
) -> str:
    """Return the name typed, if it is free, else the first free one of `names`."""
    name = arguments.name
    if name is not None:
        folder = arguments.output or STUDIES / name
        hint = " or go on with that study by --resume" if (folder / FILE).is_file() else ""
        if lost := describe_lost_file(folder):
            raise BadInputError(f"--name {name}: {lost}")
        exists = "a study of that name exists in"
        for taken in (
            "" if is_free(folder) else f"{exists} {folder}",
            store.describe_taken(name),
            f"{exists} {storage}" if name in in_storage else "",
        ):
            if taken:
                raise BadInputError(f"--name {name}: {taken}: choose another name{hint}")
        return name
    return next(
        name
        for name in names
        if is_free(STUDIES / name) and not (store.has_study(name) or name in in_storage)
    )
