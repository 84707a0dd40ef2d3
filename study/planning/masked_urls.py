"""URLs with a password, which no file holds and no page shows."""

import os

from study.command_line import BadInputError
from study.results.mask_secrets import mask_password
from study.results.setting import flag_of

MASK = "***"
"""Text in the place of a password."""


def read_url(text: str) -> str:
    """Return a URL as it was typed; refuse nothing at all, and one as we print it.

    Raises:
        ValueError: It is empty, or three stars stand for its password.
    """
    if not text:  # what an unset variable gives: the default would be another place than meant
        raise ValueError("'' names no place: leave it out for the default")
    if is_masked(text):
        raise ValueError(f"{text!r} must be given with its password in the place of {MASK}")
    return text


def is_masked(text: str) -> bool:
    """Return True if three stars stand for the password of a URL."""
    return f":{MASK}@" in text or f"={MASK}" in text


def unmask(name: str, masked: str, variable: str | None) -> str:
    """Return a URL with its password, from the environment.

    Args:
        name: Name of the option.
        masked: URL with three stars for its password.
        variable: Environment variable that may hold it; None for none.

    Raises:
        BadInputError: It is not there.
    """
    given = os.environ.get(variable, "") if variable else ""
    if given and mask_password(given) == masked:
        return given
    ways = flag_of(name) + (f" or in the environment variable {variable}" if variable else "")
    raise BadInputError(
        f"{flag_of(name)} {masked}: a study's file keeps no password: give the URL again, with its "
        f"password, by {ways}"
    )
