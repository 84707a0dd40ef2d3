"""The command line: what can be typed, and what is refused."""

import argparse
import contextlib
import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from study.planning.options import make_parser
from study.planning.study_file import STUDIES, study_names
from study.results.mask_secrets import mask_password
from study.results.trial_key import TrialKey

CHANGED_BY_A_LARGER_STUDY = {"trials", "epochs", "name", "output", "resume", "json", "quiet"}

GIVEN_BY_THE_TRIAL = (
    "space",
    "dataset",
    "model",
    "trials",
    "epochs",
    "seed",
    "objectives",
    "sampler",
    "scheduler",
    "reduction_factor",
    "first_rung",
    "replicates",
    "confirm",
)
"""What cannot be chosen where a trial is run again."""

NAMES_SHOWN = 5
"""How many studies are named to somebody who named none."""


class BadInputError(ValueError):
    """Something typed that cannot be done: one sentence, exit status 2, nothing created.

    Passwords in the sentence are masked.
    """

    def __init__(self, message: str) -> None:
        super().__init__(mask_password(message))


def flag_of(name: str) -> str:
    """The flag that an argument is typed with."""
    return "--" + name.replace("_", "-")


@contextlib.contextmanager
def blaming(flag: str, value: object) -> Iterator[None]:
    """Name the flag and the value in whatever the context refuses.

    A ValueError says that the value is wrong, an OSError that what it names is out of reach.
    """
    try:
        yield
    except BadInputError:  # it names a flag already
        raise
    except (ValueError, OSError) as error:
        raise BadInputError(f"{flag} {value}: {error}") from error


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """What was typed; see `--help`.

    None stands for a default that depends on the rest.

    Attributes:
        typed: Names of what was really typed, be it equal to the default or not.
    """

    typed: frozenset[str]

    space: str | None
    rerun: TrialKey | None
    dataset: str
    data_dir: Path
    model: str | None
    trials: int | None
    epochs: int
    replicates: int
    confirm: int
    seed: int
    objectives: str
    sampler: str | None
    scheduler: str
    reduction_factor: int | None
    first_rung: int | None
    name: str | None
    output: Path | None
    resume: bool
    tracking_uri: str | None
    storage: str | None
    checkpoints: str | None
    keep_checkpoints: bool
    address: str | None
    cpus_per_trial: int
    gpus_per_trial: float | None
    max_concurrent: int | None
    list_spaces: bool
    dry_run: bool
    json: bool
    quiet: bool

    @property
    def repeated(self) -> tuple[str, ...]:
        """What a larger study of the same kind is asked for as well, ready to be typed."""
        options: list[str] = []
        for action in make_parser()._actions:
            value = getattr(self, action.dest, action.default)
            if action.dest not in CHANGED_BY_A_LARGER_STUDY and value != action.default:
                options.append(action.option_strings[0])
                options += [] if value is True else [str(value)]
        return tuple(options)


def parse_arguments(argv: Sequence[str] | None) -> Arguments:
    """Read the command line.

    Args:
        argv: Without the program's name; None for this process's.

    Raises:
        BadInputError: A flag is unknown, or a value is not accepted.
        SystemExit: `--help` was asked for.
    """
    parser = make_parser()
    # Argparse leaves alone what the namespace has already: what is still there was not typed.
    untouched = object()
    names = [action.dest for action in parser._actions if action.dest != "help"]
    namespace = argparse.Namespace(**dict.fromkeys(names, untouched))
    try:
        _, unknown = parser.parse_known_args(argv, namespace)
    except ValueError as error:
        raise BadInputError(str(error)) from error
    if unknown:
        flags = [flag for action in parser._actions for flag in action.option_strings]
        near = difflib.get_close_matches(unknown[0].split("=")[0], flags, n=1)
        hint = f"did you mean {near[0]}?" if near else "see --help"
        raise BadInputError(f"{unknown[0]} is not an option: {hint}")
    typed = frozenset(name for name in names if getattr(namespace, name) is not untouched)
    values = {
        name: getattr(namespace, name) if name in typed else parser.get_default(name)
        for name in names
    }
    arguments = Arguments(typed=typed, **values)
    _require_whole(arguments)
    return arguments


def _require_whole(arguments: Arguments) -> None:
    """Refuse what is missing, and what does not go together."""
    instead = "--dry-run" if arguments.dry_run else "--list-spaces"
    if arguments.resume and (arguments.dry_run or arguments.list_spaces):
        raise BadInputError(f"--resume goes on with a study, {instead} runs none: leave one out")
    if arguments.rerun is not None:
        _require_nothing_chosen(arguments)
        return
    if arguments.resume and arguments.name is None:
        names = study_names()
        shown = ", ".join(names[:NAMES_SHOWN]) + (", …" if len(names) > NAMES_SHOWN else "")
        raise BadInputError(
            f"--resume needs --name NAME: {STUDIES} holds {shown or 'no study that can go on'}"
        )
    if arguments.space is None and not arguments.list_spaces and not arguments.resume:
        raise BadInputError("--space NAME is missing: --list-spaces lists the names")


def _require_nothing_chosen(arguments: Arguments) -> None:
    """Refuse settings beside `--rerun`: it would no longer be the same trial."""
    if arguments.resume:
        raise BadInputError("--resume goes on with a study, --rerun begins one: leave one out")
    for name in GIVEN_BY_THE_TRIAL:
        if name in arguments.typed:
            raise BadInputError(
                f"{flag_of(name)} {getattr(arguments, name)}: --rerun {arguments.rerun} runs the "
                "trial again just as it was: leave one out"
            )
