"""Command line of `study.run`: options, derived from their declarations, and what is refused."""

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from pnn_core.parts.own_code import Kind, OwnCode
from study.command_line import BadInputError, Parser, blaming, typed_by, whole_number
from study.config import require_study_name
from study.planning.study_folder import STUDIES, study_names
from study.results.setting import (
    Group,
    OnRerun,
    OnResume,
    Option,
    flag_of,
    kinds_of,
    option,
    options,
    spell,
)
from study.results.settings import Settings
from study.results.trial_key import TrialKey

CHANGED_BY_A_LARGER_STUDY = {
    *("trials", "epochs", "name", "output", "resume", "json", "quiet", "open_early"),
}

NAMES_SHOWN = 5
"""Number of studies that are named to somebody who named none."""

MASK = "***"
"""Text in the place of a password."""


OPTIONS: Mapping[Kind, str] = {
    Kind.DATASET: "dataset",
    Kind.NETWORK: "network",
    Kind.LAYER: "layer_file",
    Kind.SAMPLER: "sampler",
    Kind.OBJECTIVE: "objectives",
}
"""Options that name code of one's own, by its kind."""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """Options that name a study: its space or trial, its name and its folder."""

    space: str | None = option(
        None,
        group=Group.SEARCHED,
        metavar="NAME",
        help="a built-in space, or a .py file with SPACE",
        on_rerun=OnRerun.OF_TRIAL,
    )
    rerun: TrialKey | None = option(
        None,
        group=Group.SEARCHED,
        metavar="NAME:TRIAL",
        help="instead of --space: one trial of an earlier study, again just as it was",
        read=TrialKey.parse,
        on_resume=OnResume.NOT_STORED,
    )
    name: str | None = option(
        None,
        group=Group.PLACES,
        metavar="NAME",
        help="of the study (default: SPACE-DATASET-1, or NAME-trial-N of a trial run again)",
        read=require_study_name,
        on_resume=OnResume.NOT_STORED,
    )
    resume: bool = option(
        False,
        group=Group.PLACES,
        help="go on with study NAME as it was started; --trials may grow",
        on_resume=OnResume.NOT_STORED,
    )
    output: Path | None = option(
        None,
        group=Group.PLACES,
        metavar="DIR",
        help="state and pictures (default: studies/NAME)",
        on_resume=OnResume.NOT_STORED,
    )


@dataclass(frozen=True, kw_only=True)
class Arguments(Settings, Subject):
    """Options as typed; see `--help`.

    None stands for a default that depends on the rest.

    Attributes:
        typed: Names of what was really typed, be it equal to the default or not.
        own: Code of one's own that options name; see `study.planning.own_code`.
    """

    typed: frozenset[str] = frozenset()
    own: tuple[OwnCode, ...] = ()

    list_spaces: bool = option(
        False,
        group=Group.INSTEAD,
        help="explain the built-in spaces",
        on_resume=OnResume.NOT_STORED,
    )
    dry_run: bool = option(
        False,
        group=Group.INSTEAD,
        help="print trials and their costs; train nothing",
        on_resume=OnResume.NOT_STORED,
    )
    json: bool = option(
        False,
        group=Group.INSTEAD,
        help="one JSON document on standard output, nothing else",
        on_resume=OnResume.NOT_STORED,
    )
    quiet: bool = option(
        False,
        group=Group.INSTEAD,
        help="no progress, only the result",
        on_resume=OnResume.NOT_STORED,
    )

    @property
    def repeated(self) -> tuple[str, ...]:
        """Return what a larger study of the same kind is asked for as well, ready to be typed."""
        typed: list[str] = []
        for name in options(Arguments):
            value = getattr(self, name)
            if name not in CHANGED_BY_A_LARGER_STUDY and value != getattr(DEFAULTS, name):
                typed.append(flag_of(name))
                typed += [] if value is True else [self._as_typed(name)]
        return tuple(typed)

    def _as_typed(self, name: str) -> str:
        """Spell an option as it is typed: code of one's own is named by its file."""
        paths = {code.name: code.typed for code in self.own if OPTIONS.get(code.kind) == name}
        text = spell(getattr(self, name))
        return ",".join(_typed_part(part, paths) for part in text.split(",")) if paths else text


DEFAULTS = Arguments()
"""Options of somebody who typed none."""


def may_be_typed_with(rule: OnResume) -> tuple[str, ...]:
    """Return the names of the options that one rule applies to beside `--resume`."""
    declared = options(Arguments)
    names = (f.name for f in fields(Arguments) if f.name in declared)
    return tuple(name for name in names if declared[name].on_resume is rule)


def make_parser() -> Parser:
    """Make a parser of the command line."""
    parser = Parser(
        prog="python -m study.run",
        description="Search for networks without spatial convolutions that are accurate and small.",
        allow_abbrev=False,
    )
    declared, kinds = options(Arguments), kinds_of(Arguments)
    for group in Group:
        shown = parser.add_argument_group(group.value)
        for name, o in declared.items():
            if o.group is group:
                add_option(shown, name, o, kinds[name], getattr(DEFAULTS, name))
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
        read = typed_by(_url)
    elif declared.read is not None:
        read = typed_by(declared.read)
    elif int in kinds:
        read = whole_number(declared.least, declared.most)
    flags = [flag, *([flag_of(declared.earlier)] if declared.earlier else [])]
    parser.add_argument(
        *flags,
        dest=name,
        type=read,
        action="store" if declared.joined is None else "append",
        default=default,
        nargs=None if declared.alone is None else "?",
        const=declared.alone,
        metavar=declared.metavar,
        help=declared.help,
    )


def parse_arguments(argv: Sequence[str] | None) -> Arguments:
    """Read the command line.

    Args:
        argv: Words without the program's name; None for this process's.

    Raises:
        BadInputError: A flag is unknown, or a value is not accepted.
        SystemExit: `--help` was asked for.
    """
    # Argparse leaves alone what the namespace has already: what is still there was not typed.
    untouched = object()
    declared = options(Arguments)
    namespace = argparse.Namespace(
        **{name: untouched if o.joined is None else None for name, o in declared.items()}
    )
    make_parser().parse_args(argv, namespace)
    typed = {
        name: value if (text := declared[name].joined) is None else _join(name, value, text)
        for name, value in vars(namespace).items()
        if value is not untouched and not (value is None and declared[name].joined)
    }
    arguments = Arguments(typed=frozenset(typed), **typed)
    _require_whole(arguments)
    return arguments


def _join(name: str, texts: Sequence[str], between: str) -> Any:  # noqa: ANN401  # any setting's
    """Read as one what was typed several times."""
    read = options(Arguments)[name].read or str
    text = between.join(texts)
    with blaming(flag_of(name), text):
        return read(text)


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
    for name, o in options(Arguments).items():
        if o.on_rerun is not OnRerun.CHOSEN and name in arguments.typed:
            raise BadInputError(
                f"{flag_of(name)} {spell(getattr(arguments, name))}: --rerun {arguments.rerun} "
                "runs the trial again just as it was: leave one out"
            )


def _typed_part(part: str, paths: Mapping[str, str]) -> str:
    """Spell one of several names; an objective has its direction behind it."""
    name, colon, direction = part.partition(":")
    if part in paths:
        return paths[part]
    return f"{paths[name]}{colon}{direction}" if name in paths else part


def _url(text: str) -> str:
    """Refuse nothing at all, and a URL as we print it, with a password of three stars."""
    if not text:  # what an unset variable gives: the default would be another place than meant
        raise ValueError("'' names no place: leave it out for the default")
    if f":{MASK}@" in text or f"={MASK}" in text:
        raise ValueError(f"{text!r} must be given with its password in the place of {MASK}")
    return text
