"""Optuna's storage in a database."""

from typing import Any

from optuna.storages import RDBStorage
from sqlalchemy import NullPool, make_url


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
    return RDBStorage(url, engine_kwargs=options, skip_table_creation=skip_table_creation)
