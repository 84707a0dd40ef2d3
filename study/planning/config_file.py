"""Options in a TOML file, so that a study can be kept in a repository.

Keys are the options' long names, with - or _: `max-concurrent = 2`. Arrays stand for options that
are given several times, and an array of tables may hold points to try first.
"""

import json
import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from pnn_core.config.checks import did_you_mean
from study.command_line import BadInputError
from study.planning.masked_urls import is_masked, unmask
from study.results.mask_secrets import mask_password
from study.results.setting import Group, Option, flag_of

CONFIG = "config"
"""Name of the option that names the file."""


def read_config(
    path: Path, declared: Mapping[str, Option], left_out: Collection[str]
) -> dict[str, Any]:
    """Read the options of a file, by name.

    Args:
        path: Path of the file.
        declared: Options that there are.
        left_out: Names of options that the command line gives, for which the file counts nothing.

    Raises:
        BadInputError: It cannot be read or is no TOML, there is no option of a name, the nearest is
            suggested, or the password of a URL is not in the environment.
    """
    try:
        found = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise BadInputError(error.strerror or str(error)) from error
    except ValueError as error:
        raise BadInputError(f"it is no TOML: {error}") from error
    values: dict[str, Any] = {}
    for key, value in found.items():
        name = key.replace("-", "_")
        if name not in declared or name == CONFIG:
            names = [flag_of(known)[2:] for known in declared if known != CONFIG]
            hint = did_you_mean(flag_of(name)[2:], names) or f"accepted are {', '.join(names)}"
            raise BadInputError(f"{key} is not an option: {hint}")
        if name in values:
            raise BadInputError(f"{key} stands twice")
        option = declared[name]
        if name in left_out:
            continue
        if option.secret and isinstance(value, str) and is_masked(value):
            value = unmask(name, value, option.variable)
        values[name] = value
    return values


def config_text(values: Mapping[str, Any], declared: Mapping[str, Option]) -> str:
    """Write options as a file that `read_config` reads, passwords masked.

    Args:
        values: Values by name, each a text, a number, True or a list of texts.
        declared: Options that there are, in the order of the help.
    """
    lines = []
    for name, option in declared.items():
        if name not in values or name == CONFIG or option.group is Group.INSTEAD:
            continue
        value = values[name]
        if option.secret:
            value = mask_password(str(value))
        lines.append(f"{flag_of(name)[2:]} = {_toml(value)}\n")
    return "".join(lines)


def _toml(value: object) -> str:
    """Spell a value; JSON and TOML spell texts, whole numbers, truth and lists of them alike."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
