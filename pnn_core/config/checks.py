"""Checks of a setting; each refusal carries its name and value."""

import difflib
import math
from collections.abc import Collection, Iterable


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
    value = getattr(config, name)
    if value not in accepted:
        raise ValueError(f"{name} (={value!r}) must be one of {', '.join(accepted)}")


def require_known(name: str, accepted: Collection[str], kind: str) -> None:
    """Check a name.

    Raises:
        ValueError: It is not among the accepted ones, which are listed; the nearest is suggested.
    """
    if name not in accepted:
        hint = did_you_mean(name, accepted)
        raise ValueError(
            f"{name!r} is not {kind}: accepted are {', '.join(accepted)}{hint and '; '}{hint}"
        )


def did_you_mean(name: str, accepted: Iterable[str], *, however_far: bool = False) -> str:
    """Suggest the nearest accepted word for one that is not; empty where none is near.

    Args:
        name: Word that was given.
        accepted: Words that would do.
        however_far: True to suggest one even if it has little in common with the word.
    """
    near = difflib.get_close_matches(name, [*accepted], n=1, cutoff=0.0 if however_far else 0.6)
    return f"did you mean {near[0]}?" if near else ""


def _is_number(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return math.isfinite(value)
