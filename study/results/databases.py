"""Databases behind a URI: told apart, and tried without creating anything."""

import os
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import unquote

from study.results.time_limit import within

_SQLITE = re.compile(r"sqlite(\+\w+)?:///(?P<path>[^?]+)")
_DATABASE = re.compile(r"(postgresql|mysql|mssql)(\+\w+)?://")


def sqlite_path(uri: str) -> Path | None:
    """File of a SQLite tracking URI; None for any other tracker."""
    found = _SQLITE.match(uri)
    return Path(unquote(found["path"])) if found else None


def is_remote_database(uri: str) -> bool:
    """Return True if a tracking URI names a database server."""
    return _DATABASE.match(uri) is not None


def holds_tables(path: Path) -> bool:
    """Return True if a SQLite file is there and MLflow has been in it.

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

    def connect() -> None:
        import sqlalchemy

        sqlalchemy.create_engine(uri).connect().close()

    within(seconds, connect)
