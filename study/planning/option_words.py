"""Options given as values, from a script or a file, as the words that are typed for them.

So there is one reader of options, and what it refuses is refused everywhere.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pnn_core.config.checks import did_you_mean
from study.command_line import BadInputError
from study.results.setting import Option, flag_of, kinds_of, options


def words_of(kind: type, values: Mapping[str, Any]) -> list[str]:
    """Spell options as words of a command line.

    Args:
        kind: Dataclass that declares the options.
        values: Values by name; None for an option that is left out.

    Raises:
        BadInputError: There is no option of a name, the nearest is suggested; or a value is of
            another type than the option's.
    """
    declared, kinds = options(kind), kinds_of(kind)
    words: list[str] = []
    for name, value in values.items():
        if name not in declared:
            hint = did_you_mean(name, declared) or f"accepted are {', '.join(declared)}"
            raise BadInputError(f"{name} is not an option: {hint}")
        if value is not None:
            words += _words(name, value, declared[name], kinds[name])
    return words


def _words(name: str, value: Any, declared: Option, kinds: tuple[type, ...]) -> list[str]:  # noqa: ANN401  # as given
    flag = flag_of(name)
    if isinstance(value, bool):
        if bool not in kinds and not (value and declared.alone is not None):
            raise BadInputError(_wrong(name, value, declared, kinds))
        return [flag] if value else []
    many = isinstance(value, Sequence) and not isinstance(value, str)
    texts = [_text(name, part, declared, kinds) for part in (value if many else [value])]
    if many and not _takes_several(declared, kinds):
        raise BadInputError(_wrong(name, value, declared, kinds))
    if declared.joined is not None:
        return [f"{flag}={text}" for text in texts]
    return [f"{flag}={','.join(texts)}"]


def _text(name: str, value: Any, declared: Option, kinds: tuple[type, ...]) -> str:  # noqa: ANN401  # as given
    """Spell one value, of a type that the option has."""
    if isinstance(value, Mapping) and declared.joined is not None:
        return ",".join(f"{setting}={part}" for setting, part in value.items())
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if is_number and (float in kinds or (int in kinds and isinstance(value, int))):
        return str(value)
    several = _takes_several(declared, kinds)
    is_text = {int, float, bool}.isdisjoint(kinds) or (float in kinds and declared.read is not None)
    if isinstance(value, str | Path) and is_text:
        return str(value)
    if several and isinstance(value, int) and not isinstance(value, bool):
        return str(value)  # such as the numbers of trials
    if isinstance(value, kinds) or (tuple in kinds and hasattr(value, "direction")):
        return str(value)
    raise BadInputError(_wrong(name, value, declared, kinds))


def _takes_several(declared: Option, kinds: tuple[type, ...]) -> bool:
    """Return True for an option that takes a list."""
    return declared.joined is not None or "," in (declared.metavar or "") or tuple in kinds


def _wrong(name: str, value: object, declared: Option, kinds: tuple[type, ...]) -> str:
    if bool in kinds:
        accepted = "true or false"
    elif int in kinds:
        accepted = "a whole number"
    elif float in kinds:
        accepted = "a number"
    elif _takes_several(declared, kinds):
        accepted = "a text or a list of texts"
    else:
        accepted = "a text"
    return f"{name} (={value!r}) must be {accepted}"
