"""Whether a tracker can be reached, asked without creating anything, and why not in a few words."""

import os
import re
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote, unquote

_SQLITE = re.compile(r"sqlite(\+\w+)?:///(?P<path>[^?]+)")
_DATABASE = re.compile(r"(postgresql|mysql|mssql)(\+\w+)?://")
_LONGEST_CAUSE = 300

# The colon may be encoded. An `@` or `/` in a password should be and often is not, so everything up
# to the last `@` goes; only the digits of a port show that there was no password.
_USER_INFO = re.compile(
    r"(?<![\w+.-])(?P<user>(?:(?P<http>https?)|(?!https?:)\w[\w+.-]*)://(?!\[)[^\s:/]*?)(?::|%3a)"
    r"(?(http)(?!\d+(?:[/?#\s]|$)))(?P<password>\S*)@",
    re.IGNORECASE,
)
_OPTION = re.compile(
    r"(?P<name>[?&;#][^\s=&;#]*(?:pass|pwd|token|secret|key|auth|cred|sig|odbc_connect)[^\s=&;#]*=)"
    r"(?P<value>[^\s&;#]*)",
    re.IGNORECASE,
)
_SETTING = re.compile(r"(?P<name>\b(?:password|passwd|pwd)\s*=\s*)(?:'[^']*'|\S+)", re.IGNORECASE)
_SHORTEST_SECRET = 4


class TrackerUnreachableError(OSError):
    """A tracker does not answer, is no MLflow server, or cannot be opened or created."""

    def __init__(self, uri: str, cause: BaseException) -> None:
        shown = hide_secrets(uri, uri)
        super().__init__(f"MLflow tracker {shown} cannot be used: {explain(cause, uri)}")


def mask_password(text: str) -> str:
    """Hide the password of every address in a text, before its host or among its options."""
    text = _USER_INFO.sub(r"\g<user>:***@", text)
    text = _OPTION.sub(r"\g<name>***", text)
    return _SETTING.sub(r"\g<name>***", text)


def hide_secrets(text: str, uri: str) -> str:
    """Hide every password in a text, and those of one address wherever and however they stand.

    A driver that takes an address apart in another way shows half a password as a host or a port.
    """
    text = mask_password(text)
    for secret in sorted(_secrets(uri), key=len, reverse=True):
        text = text.replace(secret, "***@" if secret.endswith("@") else "***")
    return text


def explain(error: BaseException, uri: str = "") -> str:
    """The cause of a failure in a few words, without passwords.

    Args:
        error: What was raised.
        uri: Whose passwords must not show up in any form.
    """
    causes = list(_causes(error))
    if any("timeout" in type(cause).__name__.lower() for cause in causes):
        return "it does not answer in time"
    for cause in reversed(causes):
        if isinstance(cause, OSError) and cause.errno is not None and cause.strerror:
            return hide_secrets(cause.strerror.lower(), uri)
    text = hide_secrets(str(error).strip() or type(error).__name__, uri)
    first = re.split(r"\.\s|\n", text, maxsplit=1)[0].rstrip(".")
    return first if len(first) <= _LONGEST_CAUSE else first[: _LONGEST_CAUSE - 1] + "…"


def sqlite_path(uri: str) -> Path | None:
    """File of a SQLite tracking URI; None for any other tracker."""
    found = _SQLITE.match(uri)
    return Path(unquote(found["path"])) if found else None


def is_remote_database(uri: str) -> bool:
    """Whether a tracking URI names a database server."""
    return _DATABASE.match(uri) is not None


def holds_tables(path: Path) -> bool:
    """Whether a SQLite file is there and MLflow has been in it.

    Raises:
        sqlite3.Error: It is no SQLite file.
    """
    if not path.exists():
        return False
    # Read-only: plain `connect` would create the file, and a journal beside it.
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as database:
        found = database.execute("SELECT count(*) FROM sqlite_master WHERE name = 'experiments'")
        return bool(found.fetchone()[0])


def check_sqlite_file(path: Path) -> None:
    """Make sure that a SQLite file can be written, or created where it is not there yet.

    Raises:
        OSError: It cannot.
        sqlite3.Error: It is no SQLite file.
    """
    folder = path.absolute().parent
    if not folder.is_dir():
        raise FileNotFoundError(f"there is no folder {folder}")
    if not os.access(path if path.exists() else folder, os.W_OK):
        raise PermissionError(f"{path if path.exists() else folder} cannot be written")
    holds_tables(path)


def check_remote_database(uri: str, seconds: float) -> None:
    """Make sure that a database server lets us in.

    Raises:
        TimeoutError: It does not answer in time.
        Exception: Whatever the database's driver says.
    """
    failures: list[Exception] = []

    def connect() -> None:
        try:
            import sqlalchemy

            sqlalchemy.create_engine(uri).connect().close()
        except Exception as error:  # handed to the caller's thread
            failures.append(error)

    # A thread, because each driver spells its time limit differently, and MLflow repeats an
    # attempt for minutes.
    attempt = threading.Thread(target=connect, daemon=True)
    attempt.start()
    attempt.join(seconds)
    if attempt.is_alive():
        raise TimeoutError
    if failures:
        raise failures[0]


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _secrets(uri: str) -> set[str]:
    """What of an address must not be shown, in every spelling that a message may have."""
    whole = "".join(uri.split())  # a blank would end the address for the expressions
    found = [match["value"] for match in _OPTION.finditer(whole)]
    user_info = _USER_INFO.search(whole)
    if user_info is not None:
        found.append(user_info["password"])
        # Text that holds the blanks as they were typed.
        found.append(uri.rpartition("@")[0].partition("://")[2].partition(":")[2])
    secrets = {spelt for text in found for spelt in (text, unquote(text), quote(text, safe=""))}
    pieces = {piece for text in secrets for piece in re.split(r"[@/:?#\s]", text)}
    # Whatever stands before an `@` is the end of a password, however short.
    ends = {piece + "@" for text in secrets for piece in (text, *_after_each_at(text)) if piece}
    return {text for text in secrets | pieces if len(text) >= _SHORTEST_SECRET} | ends


def _after_each_at(text: str) -> list[str]:
    parts = text.split("@")
    return ["@".join(parts[at:]) for at in range(1, len(parts))]
