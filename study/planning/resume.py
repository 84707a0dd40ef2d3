"""Plan of a study that goes on from its file, or one sentence saying why it cannot."""

import os
from dataclasses import replace
from pathlib import Path

from search_spaces import BUILT_IN
from study.command_line import BadInputError, blaming
from study.config import StudyConfig
from study.planning.arguments import OPTIONS, Arguments, may_be_typed_with
from study.planning.confirmation import (
    added_controls,
    leave_out_default_choice,
    require_test_images,
    resumed_seeds,
    stored_choice,
)
from study.planning.early_stopping import leave_out_defaults
from study.planning.enough_seeds import few_seeds_warning
from study.planning.enqueued import require_new_points
from study.planning.initial_weights import require_weights_at_hand
from study.planning.log_account import require_log
from study.planning.masked_urls import MASK, unmask
from study.planning.new_study import (
    StudyPlan,
    asked_space,
    default_sampler,
    describe_study,
    images_shape,
    lasting_space,
    own_checkpoints,
    place_of_checkpoints,
    study_config,
)
from study.planning.own_code import (
    changed_files,
    lasting_name,
    restored_code,
    stored_code,
    with_own_controls,
)
from study.planning.preflight import resolve_storage, studies_in_storage
from study.planning.ray_job import (
    require_cluster,
    require_lasting_folder,
    require_lasting_tracker,
    with_ray_address,
)
from study.planning.rerun import rerun_space
from study.planning.study_file import FILE, StudyFile, describe_images, read_arithmetic
from study.planning.study_folder import (
    STUDIES,
    describe_lost_file,
    is_free,
    nearest_study,
    study_names,
)
from study.planning.whole_storage import require_whole_storage
from study.results.mask_secrets import mask_password
from study.results.mlflow.errors import TrackerUnreachableError
from study.results.mlflow.experiments import StudyRefusedError
from study.results.mlflow.store import MlflowStore
from study.results.planned_experiment import space_digest
from study.results.resources import OF_A_CLUSTER
from study.results.setting import OnResume, flag_of, options, spell
from study.results.settings import Settings

MAY_CHANGE = (*may_be_typed_with(OnResume.GROWS), *may_be_typed_with(OnResume.FREE))
ADDED = may_be_typed_with(OnResume.ADDED)
KEPT = may_be_typed_with(OnResume.KEPT)
KEPT_WITH_CONFIRM = may_be_typed_with(OnResume.WITH_CONFIRM)


def resume_if_begun(arguments: Arguments) -> Arguments:
    """Return options that go on with a study that has begun, where `--resume-or-start` asks for it.

    What is typed again is what the study began with, not more of it.
    """
    if not arguments.resume_or_start:
        return arguments
    folder = arguments.output or STUDIES / (arguments.name or "")
    if not (folder / FILE).is_file():
        return arguments
    return replace(arguments, resume=True, configured=arguments.typed)


def find_study(arguments: Arguments) -> Path:
    """Find the folder of the study to go on with; its lock is to be held before `plan_resume`.

    Args:
        arguments: Options as typed, with `--resume` and `--name`.

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
        arguments: Options as typed, with `--resume` and `--name`.
        folder: Folder as `find_study` gives it.

    Raises:
        BadInputError: Names the option to change.
    """
    with blaming("--name", arguments.name):
        stored = StudyFile.read(folder)
        if stored.name != arguments.name:
            raise ValueError(f"{folder / FILE} is of study {stored.name}")
        own = restored_code(stored, folder)
    arguments = with_ray_address(with_own_controls(replace(arguments, own=own)))
    _require_no_contradiction(arguments, stored, folder)
    _require_growth(arguments, stored)
    require_lasting_folder(folder)
    kinds = {code.kind for code in own}
    named = {o: getattr(stored, o) for o, kind in OPTIONS.items() if o in KEPT and kind in kinds}
    completed = replace(_complete(arguments, stored), **named)
    require_cluster(completed)
    require_lasting_tracker(completed.tracking_uri)
    config, in_storage = _resumed_config(completed, stored, folder)
    _require_same_space(config, stored)
    _require_same_images(config, stored, completed)
    require_test_images(completed)
    found = require_whole_storage(config, stored, in_storage)
    require_new_points(config, stored.enqueue, found.begun)
    require_log(config.log)
    require_weights_at_hand(config)
    store = MlflowStore(completed.tracking_uri)
    # A larger study is not asked for what it would do by itself.
    sampler = None if config.sampler == default_sampler(config.space) else config.sampler
    larger = leave_out_default_choice(replace(completed, sampler=sampler), config.space)
    return StudyPlan(
        arguments=leave_out_defaults(larger, config.rungs),
        config=config,
        store=store,
        file=replace(
            describe_study(completed, config, stored.rerun),
            trials_ended=stored.trials_ended,
            confirmations_ended=stored.confirmations_ended,
            arithmetic=config.arithmetic,
        ),
        warnings=(
            *few_seeds_warning(config),
            *changed_files(own, folder),
            *_check_tracker(arguments, store, config),
        ),
    )


def _require_no_contradiction(arguments: Arguments, stored: StudyFile, folder: Path) -> None:
    confirmed = KEPT_WITH_CONFIRM if stored.confirm else ()
    for name in (*KEPT, *confirmed):
        kept = stored_choice(stored).get(name, getattr(stored, name))
        if name == "controls" and arguments.controls and added_controls(stored, arguments.controls):
            continue
        if name not in arguments.typed or _lasting(arguments, name, stored, folder) == kept:
            continue
        flag = flag_of(name)
        is_rerun = stored.rerun is not None
        told = "--rerun" if is_rerun and name == "space" else flag
        was = f"without {flag}" if kept is None or kept is False else f"with {told} {spell(kept)}"
        typed = getattr(arguments, name)
        now = flag if typed is True else f"{flag} {spell(typed)}"
        if name in confirmed:
            more = ", name those and more" if name == "controls" else ""
            raise BadInputError(
                f"{now}: study {stored.name} confirms {was}, and another choice would be another "
                f"confirmation: leave it out{more}, or begin a new study"
            )
        growing = [n for n in may_be_typed_with(OnResume.GROWS) if not (is_rerun and n == "trials")]
        free = [f"{flag_of(other)} (more)" for other in growing]
        free += [flag_of(other) for other in (*ADDED, *may_be_typed_with(OnResume.FREE))]
        raise BadInputError(
            f"{now}: study {stored.name} was started {was}, and goes on so: leave it out; what may "
            f"change is {', '.join(free)}"
        )


def _lasting(arguments: Arguments, name: str, stored: StudyFile, folder: Path) -> object:
    """Return what was typed as a study's file would have it."""
    own = stored_code(stored)
    value = getattr(arguments, name)
    match name:
        case "space":
            return lasting_space(value)
        case "data_dir":
            return value.absolute()
        case "storage":
            with blaming("--storage", value):
                return mask_password(resolve_storage(value))
        case "checkpoints":
            place = place_of_checkpoints(arguments, folder)
            return None if place == own_checkpoints(folder) else mask_password(place)
        case _:
            return lasting_name(name, value, own)


def _require_growth(arguments: Arguments, stored: StudyFile) -> None:
    """Refuse less of what may grow."""
    if stored.rerun is not None and arguments.trials not in (None, stored.trials):
        raise BadInputError(
            f"--trials {arguments.trials}: study {stored.name} runs trial {stored.space} again and "
            "no other: leave it out"
        )
    for name in may_be_typed_with(OnResume.GROWS):
        asked, least = getattr(arguments, name), getattr(stored, name)
        if name in arguments.typed and asked < least:
            raise BadInputError(
                f"{flag_of(name)} {asked}: study {stored.name} was asked for {least}: accepted are "
                f"{least} and more"
            )


def _complete(arguments: Arguments, stored: StudyFile) -> Arguments:
    """Complete what was typed by what the study was started with."""
    stays = (*MAY_CHANGE, *ADDED, *KEPT, *KEPT_WITH_CONFIRM)
    kept = {name: getattr(stored, name) for name in stays if name not in arguments.typed}
    kept |= {name: v for name, v in stored_choice(stored).items() if name in kept}
    if stored.confirm and arguments.controls is not None:
        kept["controls"] = added_controls(stored, arguments.controls)
    if "address" in arguments.typed and arguments.address is None:  # from a cluster to a machine
        kept |= {name: None for name in OF_A_CLUSTER if name not in arguments.typed}
    for name in ADDED:
        kept[name] = _added(name, arguments, getattr(stored, name))
    for name, declared in options(Settings).items():
        if declared.secret and MASK in (kept.get(name) or ""):
            kept[name] = unmask(name, kept[name], declared.variable)
    # What the defaults give need not be repeated when a larger study is offered.
    if kept.get("tracking_uri") == os.environ.get("MLFLOW_TRACKING_URI"):
        kept.pop("tracking_uri", None)
    if "data_dir" in kept:
        default = arguments.data_dir
        kept["data_dir"] = default if default.absolute() == stored.data_dir else stored.data_dir
    return replace(arguments, **kept)


def _added(name: str, arguments: Arguments, stored: str | None) -> str | None:
    """Return what was asked for before and what is added; a file may hold both."""
    between = options(Settings)[name].joined or ""
    before = stored.split(between) if stored else []
    asked = getattr(arguments, name)
    added = asked.split(between) if asked else []
    if name in arguments.configured:
        added = [part for part in added if part not in before]
    return between.join((*before, *added)) or None


def _resumed_config(
    arguments: Arguments, stored: StudyFile, folder: Path
) -> tuple[StudyConfig, frozenset[str]]:
    """Return the study that goes on, and the names of all studies in its database."""
    shape = images_shape(arguments)
    with blaming("--name", stored.name):
        if stored.rerun is not None:
            space = rerun_space(stored.space, stored.rerun)
        else:
            space = asked_space(arguments, shape)
        config = study_config(arguments, shape, space, name=stored.name)
    storage, in_storage = arguments.storage, frozenset[str]()
    if storage is not None:
        with blaming("--storage", storage):
            storage = resolve_storage(storage)
            in_storage = studies_in_storage(storage)
    resumed = replace(
        config,
        study_id=stored.study_id,
        output=folder,
        storage=storage,
        checkpoints=place_of_checkpoints(arguments, folder),
        arithmetic=read_arithmetic(stored.arithmetic),
        **resumed_seeds(arguments, stored, space),
    )
    return resumed, in_storage


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
    """Refuse a folder that has gained a class meanwhile: all networks would be others."""
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
