"""Reasons why an attempt at a run broke off, in words."""

from study.results.mask_secrets import mask_password
from study.results.printable import printable


def describe_error(error: Exception) -> str:
    """Describe an exception in one line that can be printed, without passwords."""
    text = f"{type(error).__name__}: {' '.join(str(error).split())}"
    return printable(mask_password(text))


def describe_death(text: str) -> str:
    """Tell why a worker process died.

    Args:
        text: Ray's words about it.
    """
    if "OutOfMemoryError" in text or "low on memory" in text:
        return "the worker process died: Ray ended it because the host ran out of memory"
    if "node has died" in text:
        return "the worker process died with its node"
    return "the worker process died"
