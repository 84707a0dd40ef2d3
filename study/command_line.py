"""Command lines of all programs: bad input is refused in one sentence."""

import argparse
import contextlib
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NoReturn

from pnn_core.config.checks import did_you_mean
from pnn_core.parts.own_code import Kind
from pnn_core.parts.own_parts import add_named_part
from study.exit_status import BAD_INPUT
from study.results.mask_secrets import mask_password
from study.results.whole_file import write_whole

_MOST_DIGITS = 18
"""Characters of a whole number: one of more does not fit in 64 bits."""


class BadInputError(ValueError):
    """Something typed that cannot be done: one sentence, exit status 2, nothing created.

    Passwords in the sentence are masked.
    """

    def __init__(self, message: str) -> None:
        super().__init__(mask_password(message))


class Parser(argparse.ArgumentParser):
    """Parser that says what is wrong in one sentence, without the usage before it."""

    def error(self, message: str) -> NoReturn:
        """Raise instead of ending the process.

        Raises:
            BadInputError: Always.
        """
        missing = message.removeprefix("the following arguments are required: ")
        if missing != message:
            raise BadInputError(f"{missing} is missing, see --help")
        unknown = message.removeprefix("unrecognized arguments: ")
        if unknown != message:
            word = unknown.split()[0].split("=")[0]
            hint = did_you_mean(word, self._option_string_actions) or "see --help"
            raise BadInputError(f"{word} is not an option: {hint}")
        raise BadInputError(message.removeprefix("argument "))


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


def add_own_files(parser: argparse.ArgumentParser) -> None:
    """Add the flags that name files of one's own that a network is made of, which are run."""
    for kind in (Kind.NETWORK, Kind.LAYER):
        parser.add_argument(
            f"--{kind}-file",
            type=typed_by(partial(_known_part, kind)),
            metavar="FILE",
            help=f"of a network whose {'builder' if kind is Kind.NETWORK else 'layer'} is a file "
            "of one's own: that file, which is run",
        )


def write_output(path: Path, content: str | bytes) -> None:
    """Write the file of `--output`, whole or not at all.

    Raises:
        BadInputError: It cannot be written.
    """
    try:
        write_whole(path, content)
    except OSError as error:
        raise BadInputError(f"--output {path}: {error.strerror or error}") from error


def refuse(program: str, message: str) -> int:
    """Print what is wrong, and return the exit status for it."""
    print(f"{program}: {message}", file=sys.stderr)
    return BAD_INPUT


def typed_by(read: Callable[[str], object]) -> Callable[[str], object]:
    """Make a type for argparse of a reader whose ValueError is one sentence."""

    def read_typed(text: str) -> object:
        try:
            return read(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return read_typed


def _known_part(kind: Kind, text: str) -> str:
    add_named_part(kind, text)
    return text


def whole_number(least: int | None, most: int | None = None) -> Callable[[str], int]:
    """Make a reader of whole numbers, for argparse.

    Args:
        least: Smallest accepted; None for any.
        most: Largest accepted; None for any.
    """

    def read(text: str) -> int:
        is_whole = len(text) <= _MOST_DIGITS and text.removeprefix("-").isdecimal()
        value = int(text) if is_whole else None
        if (
            value is None
            or (least is not None and value < least)
            or (most is not None and value > most)
        ):
            bounds = "" if least is None else f" of at least {least}"
            bounds = bounds if most is None else f" from {least} to {most}"
            raise argparse.ArgumentTypeError(f"{text!r} must be a whole number{bounds}")
        return value

    return read
