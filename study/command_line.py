"""The command line: what can be typed, and what is refused."""

import argparse
import contextlib
import difflib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import NoReturn, get_args

from pnn_core.config import Network
from study.config import require_study_name

DEFAULT_TRIALS = 24
DEFAULT_EPOCHS = 4
"""Enough for the digits on two cores within a minute; larger data wants more."""


LARGEST_SEED = 2**32 - 1
"""Of the samplers' random generators."""

CHANGED_BY_A_LARGER_STUDY = {"trials", "epochs", "name", "output", "json", "quiet"}


class BadInputError(ValueError):
    """Something typed that cannot be done: one sentence, exit status 2, nothing created."""


@contextlib.contextmanager
def blaming(flag: str, value: object) -> Iterator[None]:
    """Name the flag and the value in whatever the context refuses.

    A ValueError says that the value is wrong, an OSError that what it names is out of reach.
    """
    try:
        yield
    except (ValueError, OSError) as error:
        raise BadInputError(f"{flag} {value}: {error}") from error


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """What was typed; see `--help`.

    None stands for a default that depends on the rest.

    Attributes:
        repeated: What a larger study of the same kind is asked for as well, ready to be typed.
    """

    repeated: tuple[str, ...]

    space: str | None
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
    name: str | None
    output: Path | None
    tracking_uri: str | None
    address: str | None
    cpus_per_trial: int
    gpus_per_trial: float | None
    max_concurrent: int | None
    list_spaces: bool
    dry_run: bool
    json: bool
    quiet: bool


def parse_arguments(argv: Sequence[str] | None) -> Arguments:
    """Read the command line.

    Args:
        argv: Without the program's name; None for this process's.

    Raises:
        BadInputError: A flag is unknown, or a value is not accepted.
        SystemExit: `--help` was asked for.
    """
    parser = _parser()
    namespace, unknown = parser.parse_known_args(argv)
    if unknown:
        flags = [flag for action in parser._actions for flag in action.option_strings]
        near = difflib.get_close_matches(unknown[0].split("=")[0], flags, n=1)
        hint = f"did you mean {near[0]}?" if near else "see --help"
        raise BadInputError(f"{unknown[0]} is not an option: {hint}")
    repeated = tuple(
        text
        for action in parser._actions
        if action.dest not in CHANGED_BY_A_LARGER_STUDY
        and getattr(namespace, action.dest, action.default) != action.default
        for text in (action.option_strings[0], str(getattr(namespace, action.dest)))
    )
    typed = {f.name: getattr(namespace, f.name) for f in fields(Arguments) if f.name != "repeated"}
    arguments = Arguments(repeated=repeated, **typed)
    if arguments.space is None and not arguments.list_spaces:
        raise BadInputError("--space NAME is missing: --list-spaces lists the names")
    return arguments


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise BadInputError(message.removeprefix("argument "))


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m study.run",
        description="Search for networks without spatial convolutions that are accurate and small.",
        allow_abbrev=False,
    )
    what = parser.add_argument_group("what is searched")
    what.add_argument("--space", metavar="NAME", help="a built-in space, or a .py file with SPACE")
    what.add_argument(
        "--dataset",
        default="digits",
        metavar="NAME",
        help="digits (default, embedded), mnist, fashion_mnist, cifar10, imagefolder "
        "or imagenet100",
    )
    what.add_argument(
        "--data-dir",
        type=Path,
        default=Path("data"),
        metavar="DIR",
        help="where the data set is, or is downloaded to (default: data)",
    )
    what.add_argument(
        "--model",
        metavar="NAME",
        help="the network, in the place of the space's own: "
        f"{', '.join(get_args(Network)[:-1])} or {get_args(Network)[-1]}",
    )
    what.add_argument(
        "--trials",
        type=_whole_number(1),
        metavar="N",
        help=f"default: {DEFAULT_TRIALS}, or the whole grid",
    )
    what.add_argument(
        "--epochs",
        type=_whole_number(1),
        default=DEFAULT_EPOCHS,
        metavar="N",
        help=f"full budget of a trial (default: {DEFAULT_EPOCHS})",
    )
    what.add_argument(
        "--seed",
        type=_whole_number(0, LARGEST_SEED),
        default=0,
        metavar="N",
        help="of the study: trial n trains with the seeds from N + n * replicates on",
    )
    what.add_argument(
        "--objectives",
        default="val_accuracy,learnable_params",
        metavar="A,B",
        help="metrics to optimise (default: val_accuracy,learnable_params)",
    )
    what.add_argument(
        "--sampler",
        metavar="NAME",
        help="tpe (default), nsga2, gp, random or grid (default of the paper's tables)",
    )
    _add_protocol(parser)
    where = parser.add_argument_group("where it goes")
    where.add_argument(
        "--name", type=_study_name, metavar="NAME", help="of the study (default: SPACE-DATASET-1)"
    )
    where.add_argument(
        "--output", type=Path, metavar="DIR", help="state and pictures (default: studies/NAME)"
    )
    where.add_argument(
        "--tracking-uri",
        metavar="URI",
        help="MLflow's store (default: MLFLOW_TRACKING_URI, else MLflow's own local one)",
    )
    how = parser.add_argument_group("what it may use")
    how.add_argument(
        "--address", metavar="HOST:PORT", help="a running Ray cluster (default: this machine)"
    )
    how.add_argument(
        "--cpus-per-trial", type=_whole_number(1), default=1, metavar="N", help="default: 1"
    )
    how.add_argument(
        "--gpus-per-trial",
        type=_gpus,
        metavar="X",
        help="GPUs or a fraction of one, or auto (default): one where there are any",
    )
    how.add_argument(
        "--max-concurrent",
        type=_whole_number(1),
        metavar="N",
        help="trials at once (default: as many as fit)",
    )
    instead = parser.add_argument_group("instead of a study, and its output")
    instead.add_argument("--list-spaces", action="store_true", help="explain the built-in spaces")
    instead.add_argument(
        "--dry-run", action="store_true", help="print trials and their costs; train nothing"
    )
    instead.add_argument(
        "--json", action="store_true", help="one JSON document on standard output, nothing else"
    )
    instead.add_argument("--quiet", action="store_true", help="no progress, only the result")
    return parser


def _add_protocol(parser: argparse.ArgumentParser) -> None:
    protocol = parser.add_argument_group("what makes it honest")
    protocol.add_argument(
        "--replicates",
        type=_whole_number(1),
        default=1,
        metavar="R",
        help="seeds of each trial, whose mean is its objective (default: 1)",
    )
    protocol.add_argument(
        "--confirm",
        type=_whole_number(0),
        default=0,
        metavar="S",
        help="then retrain the front and controls of its size with S fresh seeds on train and "
        "validation images, the test set being read in this step alone (default: 0, do not)",
    )


def _whole_number(least: int, most: int | None = None) -> Callable[[str], int]:
    def read(text: str) -> int:
        value = int(text) if text.removeprefix("-").isdecimal() else None
        if value is None or value < least or (most is not None and value > most):
            bounds = f"of at least {least}" if most is None else f"from {least} to {most}"
            raise argparse.ArgumentTypeError(f"{text!r} must be a whole number {bounds}")
        return value

    return read


def _gpus(text: str) -> float | None:
    if text == "auto":
        return None
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf") or (value > 1 and value != int(value)):
        raise argparse.ArgumentTypeError(
            f"{text!r} must be auto, a fraction from 0 to 1 or a whole number"
        )
    return value


def _study_name(text: str) -> str:
    try:
        require_study_name(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text
