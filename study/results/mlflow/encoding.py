"""How single values are spelt in MLflow, which knows texts alone: parameters and reasons."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache

from pnn_core.config import ParameterValue

_LONGEST_TAG = 5000  # what MLflow 2 accepts; MLflow 3 cuts silently at 8000
_LEAST_REASON = 80


class DecodeError(ValueError):
    """A run does not hold what a study or a trial needs."""


@contextmanager
def decoding() -> Iterator[None]:
    """Say what is missing or malformed, whatever other tools have put there.

    Raises:
        DecodeError: Instead of what reading a text may raise.
    """
    try:
        yield
    except KeyError as error:
        raise DecodeError(f"{error.args[0]} is missing") from error
    except (OverflowError, RecursionError, TypeError, ValueError) as error:
        raise DecodeError(str(error)) from error


def encode_value(value: ParameterValue) -> str:
    """Spell a parameter so that `decode_value` gives it back with its type.

    Numbers stay plain, so that MLflow compares them as numbers. A text is quoted only where it
    could be read as something else.
    """
    if isinstance(value, str):
        return value if value and not _is_json(value) else json.dumps(value)
    return json.dumps(value)


@lru_cache(maxsize=10_000)  # thousands of trials share their settings
def decode_value(text: str) -> ParameterValue:
    """Read a parameter: the inverse of `encode_value`.

    A text that `encode_value` never writes, such as a JSON object, is itself.
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return value if isinstance(value, int | float | str | bool) else text


def shortened(reason: str, longest: int = _LONGEST_TAG) -> str:
    """A reason that fits a tag, without characters that some database cannot hold."""
    reason = reason.replace("\0", "�").encode("utf-8", "replace").decode()
    if len(reason) <= longest:
        return reason
    note = f" … [cut: {len(reason)} characters]"
    return reason[: longest - len(note)] + note


def encode_retried(reasons: Sequence[str]) -> str:
    """Spell why attempts broke off, as a JSON list that fits a tag; empty for none.

    Long reasons are cut; where there are too many of them, the oldest are only counted.
    """
    if not reasons:
        return ""
    longest, kept = _LONGEST_TAG, list(reasons)
    while True:
        dropped = len(reasons) - len(kept)
        note = [f"[{dropped} earlier ones left out]"] if dropped else []
        text = json.dumps([*note, *(shortened(r, longest) for r in kept)], ensure_ascii=False)
        if len(text) <= _LONGEST_TAG:
            return text
        if longest > _LEAST_REASON:
            longest = max(longest // 2, _LEAST_REASON)
        else:
            kept = kept[max(1, len(kept) // 10) :]


def decode_retried(text: str) -> tuple[str, ...]:
    """Read what `encode_retried` wrote.

    Raises:
        ValueError: It is malformed.
    """
    reasons = json.loads(text) if text else []
    if not isinstance(reasons, list) or not all(isinstance(reason, str) for reason in reasons):
        raise ValueError(f"retried (={text[:80]!r}) is not a list of texts")
    return tuple(reasons)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
