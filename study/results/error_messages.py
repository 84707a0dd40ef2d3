"""Cause of a failure outside this program, in a few words for a user."""

import re
from collections.abc import Iterator

from study.results.mask_secrets import hide_secrets
from study.results.printable import printable

_LONGEST_CAUSE = 300


def explain(error: BaseException, uri: str = "") -> str:
    """Return the cause of a failure in a few words, without passwords.

    Args:
        error: Exception that was raised.
        uri: Address whose passwords must not show up in any form.
    """
    causes = list(_causes(error))
    if any("timeout" in type(cause).__name__.lower() for cause in causes):
        return "it does not answer in time"
    # urllib3 hands some on as an argument of its own error, and not as its cause.
    for cause in (each for error in reversed(causes) for each in (error, *error.args)):
        if isinstance(cause, OSError) and cause.errno is not None and cause.strerror:
            return printable(hide_secrets(cause.strerror.lower(), uri))
    text = printable(hide_secrets(str(error).strip() or type(error).__name__, uri))
    first = re.split(r"\.\s|\n", text, maxsplit=1)[0].rstrip(".")
    return first if len(first) <= _LONGEST_CAUSE else first[: _LONGEST_CAUSE - 1] + "…"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
