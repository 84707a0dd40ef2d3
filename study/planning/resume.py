"""From a study's file to the study that goes on, or one sentence saying why it cannot."""

import os
from dataclasses import replace
from pathlib import Path

from search_spaces import BUILT_IN
from study.config import StudyConfig
from study.planning.arguments import Arguments, BadInputError, blaming, flag_of
from study.planning.early_stopping import leave_out_defaults
from study.planning.new_study import (
    StudyPlan,
    asked_space,
    default_sampler,
    describe_study,
    images_shape,
    lasting_space,
    own_checkpoints,
    place_of_checkpoints,
    require_confirmable,
    study_config,
)
from study.planning.options import MASK
from study.planning.preflight import resolve_storage, studies_in_storage
from study.planning.rerun import rerun_space
from study.planning.study_file import (
    FILE,
    STUDIES,
    StudyFile,
    describe_images,
    nearest_study,
    space_digest,
    study_names,
)
from study.planning.study_folder import describe_lost_file, is_free
from study.results.mask_secrets import mask_password
from study.results.mlflow.errors import TrackerUnreachableError
from study.results.mlflow.experiments import StudyRefusedError
from study.results.mlflow.store import MlflowStore
from study.results.objective import parse_objectives

MAY_CHANGE = (
    "trials",
    "address",
    "cpus_per_trial",
    "gpus_per_trial",
    "max_concurrent",
    "tracking_uri",
)
KEPT = (
    "space",
    "dataset",
    "data_dir",
    "model",
    "epochs",
    "replicates",
    "confirm",
    "seed",
    "objectives",
    "sampler",
    "scheduler",
    "reduction_factor",
    "first_rung",
    "storage",
    "checkpoints",
    "keep_checkpoints",
)


def find_study(arguments: Arguments) -> Path:
    """The folder of the study to go on with; its lock is to be held before `plan_resume`.

    Args:
        arguments: As typed, with `--resume` and `--name`.

    Raises:
        BadInputError: There is none; names the nearest one.
    """
    name = arguments.name or ""
    folder = arguments.output or STUDIES / name
    if (folder / FILE).is_file():
        return folder
    if lost := describe_lost_file(folder):
        raise BadInputError(f"--name {name}: {lost}")
    if arguments.output is not None:
        raise BadInputError(f"--output {folder}: there is no study in it: no {FILE}")
    what = f"there is no folder {folder}"
    if folder.exists():
        what = f"{folder} holds no {FILE}"
        what += ", begin the study without --resume" if is_free(folder) else ""
    raise BadInputError(f"--name {name}: {what}; {nearest_study(name, study_names())}")


def plan_resume(arguments: Arguments, folder: Path) -> StudyPlan:
    """Check everything that can be checked without Ray and the data; create and change nothing.

    Args:
        arguments: As typed, with `--resume` and `--name`.
        folder: As `find_study` gives it.

    Raises:
        BadInputError: Names the option to change.
    """
    with blaming("--name", arguments.name):
        stored = StudyFile.read(folder)
        if stored.name != arguments.name:
            raise ValueError(f"{folder / FILE} is of study {stored.name}")
    _require_no_contradiction(arguments, stored, folder)
    _require_no_fewer_trials(arguments, stored)
    completed = _complete(arguments, stored)
    config = _resumed_config(completed, stored, folder)
    _require_same_space(config, stored)
    _require_same_images(config, stored, completed)
    require_confirmable(completed)
    store = MlflowStore(completed.tracking_uri)
    # A larger study is not asked for what it would do by itself.
    sampler = None if config.sampler == default_sampler(config.space) else config.sampler
    return StudyPlan(
        arguments=leave_out_defaults(replace(completed, sampler=sampler), config.rungs),
        config=config,
        store=store,
        file=describe_study(completed, config, stored.rerun),
        warnings=_check_tracker(arguments, store, config),
    )


def _require_no_contradiction(arguments: Arguments, stored: StudyFile, folder: Path) -> None:
    for name in KEPT:
        kept = getattr(stored, name)
        if name not in arguments.typed or _lasting(arguments, name, folder) == kept:
            continue
        flag = flag_of(name)
        is_rerun = stored.rerun is not None
        told = "--rerun" if is_rerun and name == "space" else flag
        was = f"without {flag}" if kept is None or kept is False else f"with {told} {kept}"
        now = flag if name == "keep_checkpoints" else f"{flag} {getattr(arguments, name)}"
        more = "" if is_rerun else "--trials (more), "
        free = more + ", ".join(flag_of(other) for other in MAY_CHANGE[1:])
        raise BadInputError(
            f"{now}: study {stored.name} was started {was}, and goes on so: leave it out; what may "
            f"change is {free}"
        )


def _lasting(arguments: Arguments, name: str, folder: Path) -> object:
    """What was typed, as a study's file would have it."""
    value = getattr(arguments, name)
    match name:
        case "space":
            return lasting_space(value)
        case "data_dir":
            return str(value.absolute())
        case "objectives":
            with blaming("--objectives", value):
                return ",".join(objective.name for objective in parse_objectives(value))
        case "storage":
            with blaming("--storage", value):
                return mask_password(resolve_storage(value))
        case "checkpoints":
            place = place_of_checkpoints(arguments, folder)
            return None if place == own_checkpoints(folder) else mask_password(place)
        case _:
            return value


def _require_no_fewer_trials(arguments: Arguments, stored: StudyFile) -> None:
    if stored.rerun is not None and arguments.trials not in (None, stored.trials):
        raise BadInputError(
            f"--trials {arguments.trials}: study {stored.name} runs trial {stored.space} again and "
            "no other: leave it out"
        )
    if arguments.trials is not None and arguments.trials < stored.trials:
        raise BadInputError(
            f"--trials {arguments.trials}: study {stored.name} was asked for {stored.trials}: "
            f"accepted are {stored.trials} and more"
        )


def _complete(arguments: Arguments, stored: StudyFile) -> Arguments:
    """What was typed and, in the place of what was not, what the study was started with."""
    kept = {
        name: getattr(stored, name) for name in (*MAY_CHANGE, *KEPT) if name not in arguments.typed
    }
    for name, variable in (
        ("tracking_uri", "MLFLOW_TRACKING_URI"),
        ("storage", "OPTUNA_STORAGE"),
        ("checkpoints", None),
    ):
        if MASK in (kept.get(name) or ""):
            kept[name] = _unmask(name, kept[name], variable)
    # What the defaults give need not be repeated when a larger study is offered.
    if kept.get("tracking_uri") == os.environ.get("MLFLOW_TRACKING_URI"):
        kept.pop("tracking_uri", None)
    if "data_dir" in kept:
        default = arguments.data_dir
        is_default = str(default.absolute()) == stored.data_dir
        kept["data_dir"] = default if is_default else Path(stored.data_dir)
    return replace(arguments, **kept)


def _unmask(name: str, masked: str, variable: str | None) -> str:
    """A URL with its password, which no file of a study holds."""
    given = os.environ.get(variable, "") if variable else ""
    if given and mask_password(given) == masked:
        return given
    ways = flag_of(name) + (f" or in the environment variable {variable}" if variable else "")
    raise BadInputError(
        f"{flag_of(name)} {masked}: a study's file keeps no password: give the URL again, with its "
        f"password, by {ways}"
    )


def _resumed_config(arguments: Arguments, stored: StudyFile, folder: Path) -> StudyConfig:
    shape = images_shape(arguments)
    with blaming("--name", stored.name):
        if stored.rerun is not None:
            space = rerun_space(stored.space, stored.rerun)
        else:
            space = asked_space(arguments, shape)
        config = study_config(arguments, shape, space, name=stored.name)
    storage = arguments.storage
    if storage is not None:
        with blaming("--storage", storage):
            storage = resolve_storage(storage)
            studies_in_storage(storage)
    return replace(
        config,
        study_id=stored.study_id,
        output=folder,
        storage=storage,
        checkpoints=place_of_checkpoints(arguments, folder),
    )


def _require_same_space(config: StudyConfig, stored: StudyFile) -> None:
    if space_digest(config.space) == stored.space_digest:
        return
    is_ours = stored.space in BUILT_IN or stored.rerun is not None
    where = "this version of the program" if is_ours else "the file"
    raise BadInputError(
        f"--space {stored.space}: {where} has another space of that name than the one that study "
        f"{stored.name} was started with: bring that one back, or start a new study"
    )


def _require_same_images(config: StudyConfig, stored: StudyFile, arguments: Arguments) -> None:
    """A folder may have gained a class meanwhile: all networks would be others."""
    images = describe_images(config.shape)
    if images != stored.images:
        raise BadInputError(
            f"--data-dir {arguments.data_dir}: holds images of {images}, and study {stored.name} "
            f"was started with {stored.images}: bring those back, or start a new study"
        )


def _check_tracker(
    arguments: Arguments, store: MlflowStore, config: StudyConfig
) -> tuple[str, ...]:
    """Refuse a tracker that was just typed wrong, or where another study has the name.

    One that went away is no reason to stand still: what it shows is a copy, sent when it is back.
    """
    try:
        store.check()
        store.check_owner(config.name, config.study_id)
    except StudyRefusedError as error:
        raise BadInputError(f"--tracking-uri {store.shown_uri}: {error}") from error
    except TrackerUnreachableError as error:
        if "tracking_uri" in arguments.typed:
            raise BadInputError(f"--tracking-uri {store.shown_uri}: {error}") from error
        return (f"{error}: the study goes on, and sends its trials once it can",)
    return ()
