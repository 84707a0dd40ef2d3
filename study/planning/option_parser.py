"""Command line as options declare it."""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from study.command_line import Parser, blaming, typed_by, whole_number
from study.planning.masked_urls import read_url
from study.results.setting import Group, Option, flag_of, kinds_of, options


def make_parser(kind: type, defaults: object) -> Parser:
    """Make a parser of the command line.

    Args:
        kind: Dataclass that declares the options.
        defaults: Object with their defaults.
    """
    parser = Parser(
        prog="python -m study.run",
        usage="%(prog)s --space NAME [OPTION ...]",
        description="Search for networks without spatial convolutions that are accurate and small.",
        epilog="A first study: %(prog)s --space noise_masks --confirm 3. On a terminal, TERM=dumb "
        "has progress printed as plain lines, as a screen reader wants it, and NO_COLOR=1 leaves "
        "out colours.",
        allow_abbrev=False,
    )
    declared, kinds = options(kind), kinds_of(kind)
    for group in Group:
        shown = parser.add_argument_group(group.value)
        for name, o in declared.items():
            if o.group is group:
                add_option(shown, name, o, kinds[name], getattr(defaults, name))
    return parser


def add_option(
    parser: argparse._ActionsContainer,
    name: str,
    declared: Option,
    kinds: tuple[type, ...],
    default: object,
) -> None:
    """Add an option to a parser, its type from its declaration.

    Args:
        parser: Parser, or a group of one.
        name: Name of the field.
        declared: Declaration of it.
        kinds: Types that its value may have.
        default: Value where it is not typed.
    """
    flag = flag_of(name)
    if bool in kinds:
        parser.add_argument(flag, action="store_true", help=declared.help)
        return
    read: Callable[[str], object] = Path if Path in kinds else str
    if declared.secret:
        read = typed_by(read_url)
    elif declared.joined is not None and declared.read is not None:
        read = typed_by(partial(_checked, declared.read))
    elif declared.read is not None:
        read = typed_by(declared.read)
    elif int in kinds:
        read = whole_number(declared.least, declared.most)
    earlier = [flag_of(declared.earlier)] if declared.earlier else []
    parser.add_argument(
        flag,
        *earlier,
        dest=name,
        type=read,
        action="store" if declared.joined is None else "append",
        default=default,
        nargs=None if declared.alone is None else "?",
        const=declared.alone,
        metavar=declared.metavar,
        help=declared.help,
    )


def read_words(kind: type, defaults: object, argv: Sequence[str] | None) -> dict[str, Any]:
    """Read the options that were typed, by name, be they equal to their defaults or not.

    Args:
        kind: Dataclass that declares the options.
        defaults: Object with their defaults.
        argv: Words without the program's name; None for this process's.

    Raises:
        BadInputError: A flag is unknown, or a value is not accepted.
        SystemExit: `--help` was asked for.
    """
    typed = _typed(make_parser(kind, defaults), options(kind), argv)
    for name, declared in options(kind).items():
        if name in typed and declared.joined is not None:
            text = declared.joined.join(typed[name])
            with blaming(flag_of(name), text):
                typed[name] = (declared.read or str)(text)
    return typed


def read_texts(kind: type, argv: Sequence[str] | None) -> dict[str, Any]:
    """Read the options of a command line that was accepted as they were typed.

    Args:
        kind: Dataclass that declares the options.
        argv: Words without the program's name; None for this process's.

    Returns:
        By name a text, a list of texts where an option may be given several times, True for a
        switch, or a number.
    """
    declared, kinds = options(kind), kinds_of(kind)
    parser = Parser(allow_abbrev=False)
    for name, option in declared.items():
        if bool in kinds[name]:
            parser.add_argument(flag_of(name), action="store_true")
        else:
            parser.add_argument(
                flag_of(name),
                action="store" if option.joined is None else "append",
                nargs=None if option.alone is None else "?",
                const=option.alone,
            )
    typed = _typed(parser, declared, sys.argv[1:] if argv is None else argv)
    return {name: _as_number(value, kinds[name]) for name, value in typed.items()}


def _typed(
    parser: Parser, declared: Mapping[str, Option], argv: Sequence[str] | None
) -> dict[str, Any]:
    """Parse words into what was typed."""
    # Argparse leaves alone what the namespace has already: what is still there was not typed.
    untouched = object()
    namespace = argparse.Namespace(
        **{name: untouched if o.joined is None else None for name, o in declared.items()}
    )
    parser.parse_args(argv, namespace)
    return {
        name: value
        for name, value in vars(namespace).items()
        if value is not untouched and not (value is None and declared[name].joined is not None)
    }


def _checked(read: Callable[[str], object], text: str) -> str:
    """Return one of several texts that are read as one, once it can be read."""
    read(text)
    return text


def _as_number(value: Any, kinds: tuple[type, ...]) -> Any:  # noqa: ANN401  # as typed
    """Return a number where an option is one and this text of it, too."""
    for kind in (int, float):
        if kind in kinds and isinstance(value, str):
            try:
                return kind(value)
            except ValueError:
                continue
    return value
