"""Reasons why an attempt at a run broke off, in words."""

import re

from study.results.mask_secrets import mask_password
from study.results.printable import printable

_NODE_LOST = re.compile(
    r"\bnode\b[^.]*\b(died|dead|terminated|preempted|drained)\b|NodeDiedError", re.IGNORECASE
)
_DETERMINISTIC = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    NotImplementedError,
    TypeError,
    ValueError,
)
"""Errors of Python's that depend on code and settings alone."""

_SHAPES = re.compile(r"\b(shapes?|sizes?)\b")


def describe_error(error: Exception) -> str:
    """Describe an exception in one line that can be printed, without passwords."""
    text = f"{type(error).__name__}: {' '.join(str(error).split())}"
    return printable(mask_password(text))


def would_recur(error: Exception) -> bool:
    """Return True for an error that another attempt with the same seed would meet again.

    Such as a batch too small for normalisation, or shapes that do not fit. Errors of the system, of
    memory and of CUDA may not come again; torch has no type of its own for shapes.
    """
    if isinstance(error, _DETERMINISTIC):
        return True
    return type(error) is RuntimeError and _SHAPES.search(str(error)) is not None


def describe_death(text: str) -> str:
    """Tell why a worker process died.

    Args:
        text: Ray's words about it.
    """
    if "OutOfMemoryError" in text or "low on memory" in text:
        return "the worker process died: Ray ended it because the host ran out of memory"
    if _NODE_LOST.search(text):
        return "the worker process died with its node"
    if "temporarily unavailable" in text:  # Ray has not heard yet what it died of
        return "the worker process was lost with the connection to it, as when its node dies"
    return "the worker process died"
