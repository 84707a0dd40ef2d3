"""Checks of a setting; each refusal carries its name and value."""

import difflib
import math
from collections.abc import Iterable


def require_at_least(config: object, least: int, *names: str) -> None:
    """Check that settings are whole numbers of at least `least`.

    Raises:
        ValueError: Names the setting and its value.
    """
    for name in names:
        value = getattr(config, name)
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise ValueError(f"{name} (={value!r}) must be a whole number of at least {least}")


def require_finite_at_least(config: object, least: float, *names: str) -> None:
    """Check that settings are finite numbers of at least `least`.

    Raises:
        ValueError: Names the setting and its value.
    """
    for name in names:
        value = getattr(config, name)
        if not _is_number(value) or value < least:
            raise ValueError(f"{name} (={value!r}) must be a finite number of at least {least:g}")


def require_flag(config: object, *names: str) -> None:
    """Check that settings are true or false.

    Raises:
        ValueError: Names the setting and its value.
    """
    for name in names:
        value = getattr(config, name)
        if not isinstance(value, bool):
            raise ValueError(f"{name} (={value!r}) must be True or False")


def require_member(config: object, name: str, accepted: tuple[str, ...]) -> None:
    """Check that a setting is one of the accepted words.

    Raises:
        ValueError: Names the setting, its value and the accepted ones.
    """
    require_choice(name, getattr(config, name), accepted)


def require_choice(name: str, value: object, accepted: Iterable[str]) -> None:
    """Check that a value is one of the accepted words.

    Args:
        name: Name of the setting or option.
        value: Value that was given.
        accepted: Words that would do.

    Raises:
        ValueError: It is not; names the accepted ones, and the nearest of them.
    """
    accepted = tuple(accepted)
    if value not in accepted:
        raise ValueError(
            f"{name} (={value!r}) must be one of {', '.join(accepted)}{_hint(str(value), accepted)}"
        )


def require_known(what: str, name: str, accepted: Iterable[str]) -> None:
    """Check that a word is one of the accepted ones.

    Args:
        what: Kind of word, with its article, as in "a sampler".
        name: Word that was given.
        accepted: Words that would do.

    Raises:
        ValueError: It is not; names the accepted ones, and the nearest of them.
    """
    accepted = tuple(accepted)
    if name not in accepted:
        raise ValueError(
            f"{name!r} is not {what}: accepted are {', '.join(accepted)}{_hint(name, accepted)}"
        )


def did_you_mean(name: str, accepted: Iterable[str]) -> str:
    """Suggest the nearest accepted word for one that is not; empty where none is near."""
    near = nearest(name, accepted, cutoff=0.6)
    return f"did you mean {near}?" if near else ""


def nearest(name: str, accepted: Iterable[str], *, cutoff: float = 0.0) -> str | None:
    """Return the accepted word that has most in common with another one.

    Args:
        name: Word that was given.
        accepted: Words that would do.
        cutoff: Least share that they must have in common, in [0, 1].

    Returns:
        The nearest word; None where there is none.
    """
    return next(iter(difflib.get_close_matches(name, [*accepted], n=1, cutoff=cutoff)), None)


def _hint(name: str, accepted: Iterable[str]) -> str:
    """Suggest the nearest word at the end of a sentence, also for one in capital letters."""
    accepted = tuple(accepted)
    hint = did_you_mean(name, accepted) or did_you_mean(name.lower(), accepted)
    return hint and f"; {hint}"


def _is_number(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number that no float can hold
        return False
