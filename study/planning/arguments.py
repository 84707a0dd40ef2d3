"""Options of `study.run`, as they are typed or stand in a file, and what is refused of them."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from pnn_core.parts.own_code import Kind, OwnCode
from study.command_line import BadInputError
from study.config import require_study_name
from study.planning.config_file import CONFIG, config_text, read_config
from study.planning.notified_place import read_notified
from study.planning.option_parser import read_texts, read_words
from study.planning.option_words import words_of
from study.planning.study_folder import STUDIES, study_names
from study.results.setting import (
    Group,
    OnRerun,
    OnResume,
    flag_of,
    option,
    options,
    spell,
)
from study.results.settings import Settings
from study.results.trial_key import TrialKey

CHANGED_BY_A_LARGER_STUDY = {
    *("trials", "epochs", "name", "output", "resume", "json", "quiet", "notify", "open_early"),
    *("config", "print_config", "resume_or_start"),
}

NAMES_SHOWN = 5
"""Number of studies that are named to somebody who named none."""

OPTIONS: Mapping[str, Kind] = {
    "dataset": Kind.DATASET,
    "network": Kind.NETWORK,
    "layer_file": Kind.LAYER,
    "sampler": Kind.SAMPLER,
    "objectives": Kind.OBJECTIVE,
    "controls": Kind.LAYER,
}
"""Kinds of the code of one's own that options name."""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """Options that name a study: its space or trial, its name and its folder."""

    space: str | None = option(
        None,
        group=Group.FIRST,
        metavar="NAME",
        help="a built-in space, or a .py file with SPACE",
        on_rerun=OnRerun.OF_TRIAL,
    )
    rerun: TrialKey | None = option(
        None,
        group=Group.SEARCHED,
        metavar="NAME:TRIAL",
        help="one trial of an earlier study in the place of --space, again just as it was",
        read=TrialKey.parse,
        on_resume=OnResume.NOT_STORED,
    )
    name: str | None = option(
        None,
        group=Group.FIRST,
        after="confirm",
        metavar="NAME",
        help="name of the study (default: SPACE-DATASET-1, or NAME-trial-N of a trial run again)",
        read=require_study_name,
        on_resume=OnResume.NOT_STORED,
    )
    resume: bool = option(
        False,
        group=Group.FIRST,
        after="name",
        help="go on with study NAME as it was started; --trials may grow",
        on_resume=OnResume.NOT_STORED,
    )
    resume_or_start: bool = option(
        False,
        group=Group.FIRST,
        after="resume",
        help="go on with study NAME if it has begun, and begin it otherwise: for jobs that are "
        "run again with the same command",
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
        configured: Names of those, among the typed ones, that the file of `--config` gave.
    """

    typed: frozenset[str] = frozenset()
    own: tuple[OwnCode, ...] = ()
    configured: frozenset[str] = frozenset()

    config: Path | None = option(
        None,
        group=Group.SEARCHED,
        metavar="FILE.toml",
        help="options from a file, under their long names without --; those that are typed win",
        on_resume=OnResume.NOT_STORED,
    )
    list_spaces: bool = option(
        False,
        group=Group.FIRST,
        help="explain the built-in spaces",
        on_resume=OnResume.NOT_STORED,
    )
    dry_run: bool = option(
        False,
        group=Group.FIRST,
        help="print trials and their costs; train nothing",
        on_resume=OnResume.NOT_STORED,
    )
    print_config: bool = option(
        False,
        group=Group.INSTEAD,
        help="write these options as a file for --config, passwords masked; train nothing",
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
        help="print the result alone, no progress",
        on_resume=OnResume.NOT_STORED,
    )
    notify: str | None = option(
        None,
        group=Group.PLACES,
        metavar="PLACE",
        help="tell of the end, a failure or an interrupt: a URL that a JSON document is posted to, "
        "or a command that gets it on standard input; never stored",
        read=read_notified,
        on_resume=OnResume.NOT_STORED,
    )

    @property
    def repeated(self) -> tuple[str, ...]:
        """Return what a larger study of the same kind is asked for as well, ready to be typed."""
        typed: list[str] = []
        for name, o in options(Arguments).items():
            value = getattr(self, name)
            is_from_environment = o.variable is not None and value == os.environ.get(o.variable)
            if name in CHANGED_BY_A_LARGER_STUDY or is_from_environment:
                continue
            if value != getattr(DEFAULTS, name):
                typed.append(flag_of(name))
                typed += [] if value is True else [self._as_typed(name)]
        return tuple(typed)

    def _as_typed(self, name: str) -> str:
        """Spell an option as it is typed: code of one's own is named by its file."""
        paths = {code.name: code.typed for code in self.own if code.kind is OPTIONS.get(name)}
        text = spell(getattr(self, name))
        return ",".join(_typed_part(part, paths) for part in text.split(",")) if paths else text


DEFAULTS = Arguments()
"""Options of somebody who typed none."""


def may_be_typed_with(rule: OnResume) -> tuple[str, ...]:
    """Return the names of the options that one rule applies to beside `--resume`."""
    declared = options(Arguments)
    names = (f.name for f in fields(Arguments) if f.name in declared)
    return tuple(name for name in names if declared[name].on_resume is rule)


def parse_arguments(argv: Sequence[str] | None) -> Arguments:
    """Read the command line, and the file of options that it names.

    Args:
        argv: Words without the program's name; None for this process's.

    Raises:
        BadInputError: A flag is unknown, or a value is not accepted.
        SystemExit: `--help` was asked for.
    """
    typed = read_words(Arguments, DEFAULTS, argv)
    configured: dict[str, Any] = {}
    if (path := typed.get(CONFIG)) is not None:
        try:
            values = read_config(path, options(Arguments), typed.keys())
            configured = read_words(Arguments, DEFAULTS, words_of(Arguments, values))
        except BadInputError as error:
            raise BadInputError(f"--config {path}: {error}") from error
    given = configured | typed
    arguments = Arguments(typed=frozenset(given), configured=frozenset(configured), **given)
    _require_whole(arguments)
    return arguments


def typed_config(argv: Sequence[str] | None) -> str:
    """Write the options of a command line that was read as a file for `--config`.

    Args:
        argv: Words without the program's name; None for this process's.
    """
    declared = options(Arguments)
    typed = read_texts(Arguments, argv)
    path = typed.get(CONFIG)
    configured = {} if path is None else read_config(Path(path), declared, typed.keys())
    return config_text(configured | typed, declared)


def _require_whole(arguments: Arguments) -> None:
    """Refuse what is missing, and what does not go together."""
    instead = "--dry-run" if arguments.dry_run else "--list-spaces"
    goes_on = "--resume-or-start" if arguments.resume_or_start else "--resume"
    if arguments.resume and arguments.resume_or_start:
        raise BadInputError("--resume-or-start goes on with a study, as --resume does: choose one")
    is_run = arguments.resume or arguments.resume_or_start
    if is_run and (arguments.dry_run or arguments.list_spaces):
        raise BadInputError(f"{goes_on} goes on with a study, {instead} runs none: leave one out")
    if arguments.resume_or_start and arguments.name is None:
        raise BadInputError("--resume-or-start needs --name NAME, by which it finds the study")
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
    for name in ("resume", "resume_or_start"):
        if name in arguments.typed:
            raise BadInputError(
                f"{flag_of(name)} goes on with a study, --rerun begins one: leave one out"
            )
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
