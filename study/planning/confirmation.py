"""Confirmation as it was asked for: its defaults, and what is refused before it is trained."""

from dataclasses import replace
from itertools import islice
from typing import TypedDict

from pnn_core.architecture.matched_size import control
from pnn_core.data import require_test_split
from search_spaces import SearchSpace
from study.command_line import BadInputError, blaming
from study.config import StudyConfig
from study.planning.arguments import Arguments
from study.planning.converted_networks import converted_networks
from study.planning.study_file import StudyFile
from study.planning.tuning import require_tuning
from study.results.confirmed_choice import (
    ALL,
    DEFAULT_CONTROLS,
    EARLIER_CONTROLS,
    FRONT,
    NONE,
    layers_beside,
    numbered_trials,
    with_added_controls,
)
from study.results.fresh_seeds import earlier_first_fresh_seed, first_fresh_seed
from study.results.setting import flag_of
from study.search.sampler import GRID

INITIAL_WEIGHTS = "initial_weights"

NETWORKS_TRIED = 200
"""Number of a space's networks that are asked whether they can hold the controls."""


class Choice(TypedDict):
    """Settings that say what a confirmation takes."""

    confirm_trials: str
    controls: str


class Seeds(TypedDict):
    """Facts about a confirmation that were fixed first, as a `StudyConfig` has them."""

    confirm_beforehand: int | None
    controls_beforehand: str | None
    first_fresh_seed: int | None


def default_choice(space: SearchSpace) -> Choice:
    """Return what is confirmed where nothing is said: of a planned experiment, every arm alone.

    A network that begins with learned weights stands alone, too: another layer has none to begin
    with, and would be compared on unequal terms.
    """
    if space.sets(INITIAL_WEIGHTS):
        return Choice(confirm_trials=FRONT, controls=NONE)
    if space.experiment is not None:
        return Choice(confirm_trials=ALL, controls=NONE)
    return Choice(confirm_trials=FRONT, controls=DEFAULT_CONTROLS)


def asked_choice(arguments: Arguments, space: SearchSpace) -> Choice:
    """Return what is to be confirmed.

    Args:
        arguments: Options as typed.
        space: Search space.
    """
    default = default_choice(space)
    return Choice(
        confirm_trials=arguments.confirm_trials or default["confirm_trials"],
        controls=arguments.controls or default["controls"],
    )


def leave_out_default_choice(arguments: Arguments, space: SearchSpace) -> Arguments:
    """Leave out what a larger study of the space would confirm by itself."""
    default = default_choice(space)
    trials, controls = arguments.confirm_trials, arguments.controls
    return replace(
        arguments,
        confirm_trials=None if trials == default["confirm_trials"] else trials,
        controls=None if controls == default["controls"] else controls,
    )


def stored_choice(stored: StudyFile) -> dict[str, str | None]:
    """Return what a study that goes on confirms; None stands for the default.

    One that was confirmed before there was a choice keeps what it had.
    """
    if stored.controls is None and stored.confirm:
        return {"confirm_trials": FRONT, "controls": EARLIER_CONTROLS}
    return {"confirm_trials": stored.confirm_trials, "controls": stored.controls}


def added_controls(stored: StudyFile, asked: str) -> str | None:
    """Return the controls of a study that confirmed already, with those that are asked for now.

    None where one that it had is left out: its runs are part of what was fixed.
    """
    return with_added_controls(stored_choice(stored)["controls"] or NONE, asked)


def number_beforehand(seeds: int, space: SearchSpace) -> int | None:
    """Return the number of fresh seeds that is fixed; None where nothing is confirmed.

    Args:
        seeds: Number that was asked for first.
        space: Search space, whose experiment may have fixed the number over all its blocks.
    """
    if seeds and space.experiment is not None:
        return space.experiment.seeds
    return seeds or None


def resumed_seeds(arguments: Arguments, stored: StudyFile, space: SearchSpace) -> Seeds:
    """Return the seeds' facts of a study that goes on: the first number stands, whatever is added.

    Args:
        arguments: Options, completed by what is stored.
        stored: File of the study.
        space: Its space.
    """
    first = stored.first_fresh_seed
    if first is None and stored.confirm:
        first = earlier_first_fresh_seed(stored.seed, stored.confirm)
    elif first is None:
        first = first_fresh_seed(stored.seed)
    number = stored.confirm_beforehand or stored.confirm or arguments.confirm
    controls = stored.controls_beforehand
    if controls is None and number:
        chosen = stored_choice(stored)["controls"] if stored.confirm else arguments.controls
        controls = chosen or default_choice(space)["controls"]
    return Seeds(
        confirm_beforehand=number_beforehand(number, space),
        controls_beforehand=controls,
        first_fresh_seed=first,
    )


def require_choice(arguments: Arguments, config: StudyConfig) -> None:
    """Refuse what cannot be confirmed, as far as that is known before anything is trained.

    Args:
        arguments: Options as typed.
        config: Study that became of them.

    Raises:
        BadInputError: Names the option to change.
    """
    for name in ("confirm_trials", "controls", "tune_controls"):
        if name in arguments.typed and not config.confirm:
            raise BadInputError(
                f"{flag_of(name)} {getattr(arguments, name)}: nothing is confirmed without "
                "--confirm S, the number of fresh seeds: add it"
            )
    if config.open_early and config.space.experiment is None:
        raise BadInputError(
            f"--open-early: space {config.space.name} plans no experiment, whose figures would be "
            "sealed: leave it out"
        )
    if not config.confirm:
        return
    choice = config.confirm_trials or FRONT
    with blaming("--confirm-trials", choice):
        _require_trials(choice, config)
    if "controls" in arguments.typed:
        with blaming("--controls", config.controls):
            if config.space.experiment is not None and config.controls != NONE:
                raise ValueError(
                    f"space {config.space.name} plans an experiment, whose arms are compared with "
                    f"each other: leave it out, or say {NONE}"
                )
            if config.space.sets(INITIAL_WEIGHTS) and config.controls != NONE:
                raise ValueError(
                    "networks begin with learned weights (--init), and a control of another layer "
                    f"has none, so that they would be compared on unequal terms: say {NONE}, or "
                    "leave it out"
                )
            _require_held(config)
    elif converted_networks(config.space, config.shape):
        with blaming("--confirm", config.confirm):
            _require_held(config, hint=": --controls names others")
    if "tune_controls" in arguments.typed:
        with blaming("--tune-controls", config.tune_controls):
            require_tuning(config)


def require_test_images(arguments: Arguments) -> None:
    """Check that there is a test set if one is to be read.

    Raises:
        BadInputError: There is none.
    """
    if arguments.confirm:
        with blaming("--confirm", arguments.confirm):
            require_test_split(arguments.dataset, arguments.data_dir)


def _require_trials(choice: str, config: StudyConfig) -> None:
    if config.space.experiment is not None and choice != ALL:
        raise ValueError(
            f"space {config.space.name} plans an experiment, whose arms are all confirmed: leave "
            f"it out, or say {ALL}"
        )
    arms = len(config.space.variants)
    if config.space.experiment is not None and config.trials < arms:
        raise ValueError(f"the experiment has {arms} arms, and --trials is {config.trials}")
    numbers = numbered_trials(choice)
    if not numbers:
        return
    trials = config.trials
    if config.sampler == GRID:
        trials = min(trials, sum(1 for _ in config.space.grid_points(config.shape)))
    if missing := [number for number in numbers if number >= trials]:
        has = "trial 0 alone" if trials == 1 else f"trials 0 to {trials - 1}"
        raise ValueError(f"there is no trial {missing[0]}: the study has {has}")


def _require_held(config: StudyConfig, hint: str = "") -> None:
    controls = config.controls or NONE
    for example in islice(config.space.examples(config.shape), NETWORKS_TRIED):
        for layer in layers_beside(example.model, controls):
            try:
                control(example.model, layer)
            except ValueError as error:
                raise ValueError(
                    f"network {example.model.network} with layer {example.model.layer} cannot hold "
                    f"{layer} in its place: {error}{hint}"
                ) from error
