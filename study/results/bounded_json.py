"""JSON from files that others may have written: neither depth nor a number breaks a reader."""

import json
from typing import Any, NoReturn

_MOST_DIGITS = 20
"""Digits of a whole number: those of 64 bits, with a sign."""


def parse_json(text: str, *, finite: bool = False) -> Any:  # noqa: ANN401  # any JSON
    """Parse a JSON document.

    Args:
        text: Document.
        finite: True to refuse the words `NaN` and `Infinity`, which JSON does not have.

    Raises:
        ValueError: It is no JSON, is nested too deeply, or holds a number that is too large.
    """
    try:
        return json.loads(
            text,
            parse_int=_whole,
            parse_constant=_refuse_constant if finite else None,
        )
    except RecursionError:
        raise ValueError("it is nested too deeply to be read") from None


def _whole(text: str) -> int:
    if len(text) > _MOST_DIGITS:
        raise ValueError(f"the number {text[:8]}... has {len(text)} digits: 64 bits are accepted")
    return int(text)


def _refuse_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")
