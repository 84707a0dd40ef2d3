"""Spelling of single values in MLflow, which knows texts alone: parameters and reasons."""

import json
import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

from pnn_core.config import ParameterValue
from study.results.printable import printable

LONGEST_TAG = 5000
"""Characters that MLflow 2 accepts; MLflow 3 cuts silently at 8000."""


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
    could be read as something else, or holds what no database takes.
    """
    if isinstance(value, str):
        is_plain = value and printable(value) == value and not _is_json(value)
        return value if is_plain else json.dumps(value)
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
    if isinstance(value, int) and value.bit_length() >= sys.float_info.max_exp:  # no float holds it
        return text
    return value if isinstance(value, int | float | str | bool) else text


def shortened(reason: str) -> str:
    """Cut a reason to fit a tag."""
    if len(reason) <= LONGEST_TAG:
        return reason
    note = f" … [cut: {len(reason)} characters]"
    return reason[: LONGEST_TAG - len(note)] + note


def from_mlflow(value: float) -> float:
    """Give back an infinity: MLflow's databases hold the largest finite number in its place."""
    return math.copysign(math.inf, value) if abs(value) == sys.float_info.max else value


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
