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
        ValueError: It is neither an http or https URL nor a command that is found, or the URL has a
            user or no host.
    """
    if is_url(text):
        _require_address(text)
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


def _require_address(url: str) -> None:
    found = urlsplit(url)
    if found.username is not None:
        raise ValueError(
            f"the address at {found.hostname} has a user, which a POST does not send: accepted are "
            "URLs without one, or a command, such as curl with --user"
        )
    try:
        is_complete = bool(found.hostname) and (found.port is None or found.port > 0)
    except ValueError:  # a port that is no number
        is_complete = False
    if not is_complete or any(character.isspace() for character in url):
        raise ValueError(f"{url!r} must be http://HOST:PORT/PATH or https://…, without spaces")
