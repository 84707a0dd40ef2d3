"""Place that is told of a study's end: a URL or a command."""

import shlex
import shutil
from urllib.parse import urlsplit


def is_url(place: str) -> bool:
    """Return True for a URL, False for a command."""
    return urlsplit(place).scheme in ("http", "https")


def read_notified(text: str) -> str:
    """Read a place to notify, without trying it.

    Raises:
        ValueError: It is neither an http or https URL nor a command that is found.
    """
    if is_url(text):
        return text
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is no command: {error}") from error
    if not words or shutil.which(words[0]) is None:
        raise ValueError(
            f"{text!r} must be a URL that begins with http:// or https://, or a command: no "
            f"program {words[0] if words else ''!r} is found"
        )
    return text
