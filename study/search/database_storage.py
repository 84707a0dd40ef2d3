"""Optuna's storage in a database."""

import time
from typing import Any

from optuna.storages import RDBStorage
from sqlalchemy import NullPool, make_url
from sqlalchemy.exc import DBAPIError, IntegrityError

TABLES_ATTEMPTS = 10
TABLES_WAIT_SECONDS = 0.3
"""Time between two attempts at an empty database in which another study makes the tables, too."""


def open_database(url: str, *, skip_table_creation: bool = False) -> RDBStorage:
    """Open Optuna's storage in a database.

    Args:
        url: URL as SQLAlchemy reads it.
        skip_table_creation: True to make no tables where there are none.
    """
    # A connection that a server dropped meanwhile is opened again, not failed on. SQLite's are
    # closed after each use: what opens a storage in a notebook leaves no file open.
    is_file = make_url(url).get_backend_name() == "sqlite"
    options: dict[str, Any] = {"poolclass": NullPool} if is_file else {"pool_pre_ping": True}
    left = TABLES_ATTEMPTS
    while True:
        left -= 1
        try:
            return RDBStorage(url, engine_kwargs=options, skip_table_creation=skip_table_creation)
        except DBAPIError as error:
            if not left or not _was_forestalled(error):
                raise
        time.sleep(TABLES_WAIT_SECONDS)


def _was_forestalled(error: DBAPIError) -> bool:
    """Return True if what was to be made is there: Optuna looks first, and then makes it."""
    return isinstance(error, IntegrityError) or "already exists" in str(error)
