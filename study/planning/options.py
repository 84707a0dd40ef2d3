"""What can be typed: each option with its default, and the values that it takes."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from pnn_core.parts.dataset_names import DATASET_NAMES
from pnn_core.parts.networks import NETWORKS
from study.config import FIFO, require_study_name
from study.results.trial_key import TrialKey
from study.stopping.rungs import DEFAULT_REDUCTION_FACTOR

DEFAULT_TRIALS = 24
DEFAULT_EPOCHS = 4
"""Enough for the digits on two cores within a minute; larger data wants more."""

LARGEST_SEED = 2**32 - 1
"""Of the samplers' random generators."""

MASK = "***"
"""What stands in the place of a password."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ValueError(message.removeprefix("argument "))


def make_parser() -> argparse.ArgumentParser:
    """A parser of the command line; what it refuses is a ValueError, in one sentence."""
    parser = _Parser(
        prog="python -m study.run",
        description="Search for networks without spatial convolutions that are accurate and small.",
        allow_abbrev=False,
    )
    what = parser.add_argument_group("what is searched")
    what.add_argument("--space", metavar="NAME", help="a built-in space, or a .py file with SPACE")
    what.add_argument(
        "--rerun",
        type=_trial_key,
        metavar="NAME:TRIAL",
        help="instead of --space: one trial of an earlier study, again just as it was",
    )
    what.add_argument(
        "--dataset",
        default="digits",
        metavar="NAME",
        help=f"digits (default, embedded), {', '.join(DATASET_NAMES[1:-1])} or {DATASET_NAMES[-1]}",
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
        f"{', '.join([*NETWORKS][:-1])} or {[*NETWORKS][-1]}",
    )
    what.add_argument(
        "--trials",
        type=whole_number(1),
        metavar="N",
        help=f"default: {DEFAULT_TRIALS}, or the whole grid",
    )
    what.add_argument(
        "--epochs",
        type=whole_number(1),
        default=DEFAULT_EPOCHS,
        metavar="N",
        help=f"full budget of a trial (default: {DEFAULT_EPOCHS})",
    )
    what.add_argument(
        "--seed",
        type=whole_number(0, LARGEST_SEED),
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
    _add_scheduler(parser)
    _add_protocol(parser)
    _add_places(parser)
    how = parser.add_argument_group("what it may use")
    how.add_argument(
        "--address",
        type=lambda text: None if text == "local" else text,
        metavar="HOST:PORT",
        help="a running Ray cluster, or local (default): this machine",
    )
    how.add_argument(
        "--cpus-per-trial", type=whole_number(1), default=1, metavar="N", help="default: 1"
    )
    how.add_argument(
        "--gpus-per-trial",
        type=_gpus,
        metavar="X",
        help="GPUs or a fraction of one, or auto (default): as the largest trial's measured memory "
        "allows, where there are any",
    )
    how.add_argument(
        "--max-concurrent",
        type=whole_number(1),
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


def _add_places(parser: argparse.ArgumentParser) -> None:
    where = parser.add_argument_group("where it goes")
    where.add_argument(
        "--name",
        type=_study_name,
        metavar="NAME",
        help="of the study (default: SPACE-DATASET-1, or NAME-trial-N of a trial run again)",
    )
    where.add_argument(
        "--resume",
        action="store_true",
        help="go on with study NAME as it was started; --trials may grow",
    )
    where.add_argument(
        "--output", type=Path, metavar="DIR", help="state and pictures (default: studies/NAME)"
    )
    where.add_argument(
        "--tracking-uri",
        type=_url,
        metavar="URI",
        help="MLflow's store (default: MLFLOW_TRACKING_URI, else MLflow's own local one)",
    )
    where.add_argument(
        "--storage",
        type=_url,
        metavar="URL",
        help="Optuna's database (default: OPTUNA_STORAGE, else a file in the study's folder)",
    )
    where.add_argument(
        "--checkpoints",
        type=_url,
        metavar="PLACE",
        help="of running trials: a folder that every node sees, or a URL such as s3://BUCKET/PATH "
        "(default: in the study's folder)",
    )
    where.add_argument(
        "--keep-checkpoints", action="store_true", help="keep each trial's last checkpoint"
    )


def _add_scheduler(parser: argparse.ArgumentParser) -> None:
    early = parser.add_argument_group("what is stopped early")
    early.add_argument(
        "--scheduler",
        default=FIFO,
        metavar="NAME",
        help="fifo (default): every trial is trained to its full budget; moasha: trials that "
        "others beat on all objectives at the same epoch are stopped",
    )
    early.add_argument(
        "--reduction-factor",
        type=whole_number(2),
        metavar="N",
        help="of moasha: one in N trials goes on from each rung, and rungs are epochs N times as "
        f"far apart (default: {DEFAULT_REDUCTION_FACTOR})",
    )
    early.add_argument(
        "--first-rung",
        type=whole_number(1),
        metavar="EPOCH",
        help="of moasha: when trials are compared for the first time (default: such that there "
        "are three rungs)",
    )


def _add_protocol(parser: argparse.ArgumentParser) -> None:
    protocol = parser.add_argument_group("what makes it honest")
    protocol.add_argument(
        "--replicates",
        type=whole_number(1),
        default=1,
        metavar="R",
        help="seeds of each trial, whose mean is its objective (default: 1)",
    )
    protocol.add_argument(
        "--confirm",
        type=whole_number(0),
        default=0,
        metavar="S",
        help="then retrain the front and controls of its size with S fresh seeds on train and "
        "validation images, the test set being read in this step alone (default: 0, do not)",
    )


def whole_number(least: int, most: int | None = None) -> Callable[[str], int]:
    """A reader of whole numbers, for argparse.

    Args:
        least: Accepted.
        most: Accepted; None for any.
    """

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


def _trial_key(text: str) -> TrialKey:
    try:
        return TrialKey.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _url(text: str) -> str:
    """Refuse nothing at all, and a URL as we print it, with a password of three stars."""
    if not text:  # what an unset variable gives: the default would be another place than meant
        raise argparse.ArgumentTypeError("'' names no place: leave it out for the default")
    if f":{MASK}@" in text or f"={MASK}" in text:
        raise argparse.ArgumentTypeError(
            f"{text!r} must be given with its password in the place of {MASK}"
        )
    return text
