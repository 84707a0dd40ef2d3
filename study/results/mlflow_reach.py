"""Whether a tracker can be reached, asked without creating anything, and why not in a few words."""

import os
import re
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import unquote

_SQLITE = re.compile(r"sqlite(\+\w+)?:///(?P<path>[^?]+)")
_DATABASE = re.compile(r"(postgresql|mysql|mssql)(\+\w+)?://")
_LONGEST_CAUSE = 300


class TrackerUnreachableError(OSError):
    """A tracker does not answer, is no MLflow server, or cannot be opened or created."""

    def __init__(self, uri: str, cause: BaseException) -> None:
        super().__init__(f"MLflow tracker {mask_password(uri)} cannot be used: {explain(cause)}")


def mask_password(text: str) -> str:
    """Hide the password of every address in a text, before its host or among its options."""
    text = re.sub(r"(://[^\s:/@]*):[^\s/]*@", r"\1:***@", text)
    return re.sub(r"([?&;](?:password|passwd|pwd|token|secret)=)[^&;\s]*", r"\1***", text)


def explain(error: BaseException) -> str:
    """The cause of a failure in a few words, without passwords."""
    causes = list(_causes(error))
    if any("timeout" in type(cause).__name__.lower() for cause in causes):
        return "it does not answer in time"
    for cause in reversed(causes):
        if isinstance(cause, OSError) and cause.errno is not None and cause.strerror:
            return cause.strerror.lower()
    text = mask_password(str(error).strip() or type(error).__name__)
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
