"""Checks of the places of a study's state, within seconds and without creating anything."""

import os
from pathlib import Path

from study.results.databases import check_sqlite_file, sqlite_path
from study.results.error_messages import explain
from study.results.time_limit import within

CHECK_SECONDS = 5.0
"""Time that a database or a file system may take to answer."""


def resolve_storage(url: str) -> str:
    """Return a database's URL, the path of a SQLite file made absolute.

    Raises:
        ValueError: It is no URL of a database that keeps anything.
    """
    from sqlalchemy.engine import make_url  # takes a tenth of a second
    from sqlalchemy.exc import ArgumentError

    try:
        parsed = make_url(url)
        parsed.get_dialect().import_dbapi()
    except ImportError as error:
        raise ValueError(f"needs the Python package {error.name}, which is not here") from error
    except (ArgumentError, ValueError) as error:
        raise ValueError(
            f"is no database's URL ({explain(error)}): accepted are such as "
            "postgresql+psycopg2://USER@HOST/DATABASE and sqlite:///FILE"
        ) from error
    if parsed.get_backend_name() != "sqlite":
        return url
    if parsed.database in (None, "", ":memory:"):
        raise ValueError("keeps nothing when the process ends: accepted is sqlite:///FILE")
    file = Path(str(parsed.database)).absolute()
    return parsed.set(database=str(file)).render_as_string(hide_password=False)


def studies_in_storage(url: str) -> frozenset[str]:
    """Return the names of the studies that an Optuna database holds.

    Args:
        url: URL as `resolve_storage` gives it.

    Raises:
        OSError: It does not answer, refuses, or cannot be written or created.
    """
    path = sqlite_path(url)
    try:
        if path is not None:
            check_sqlite_file(path)
            if not path.exists():
                return frozenset()
        return within(CHECK_SECONDS, lambda: _query_studies(url))
    except Exception as error:  # each database's driver has its own
        raise OSError(f"cannot be used: {explain(error)}") from error


def resolve_checkpoints(place: str) -> str:
    """Return a folder made absolute, or the URL as given.

    Raises:
        ValueError: No file system knows the URL.
        OSError: Its file system does not answer, or the folder cannot be written.
    """
    if "://" in place:
        try:
            name = within(CHECK_SECONDS, lambda: _open_file_system(place))
        except (ValueError, OSError, ImportError) as error:
            raise ValueError(
                f"cannot be used: {explain(error)}; accepted are a folder and URLs such as "
                "s3://BUCKET/PATH"
            ) from error
        if name is None:
            return place
        place = name
    folder = Path(place).absolute()
    require_writable(folder)
    return str(folder)


def require_writable(folder: Path) -> None:
    """Make sure that a folder can be written, or created where it is not there yet.

    Raises:
        OSError: It cannot.
    """
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        raise OSError(f"{there} cannot be written: choose another folder")


def _query_studies(url: str) -> frozenset[str]:
    import sqlalchemy

    engine = sqlalchemy.create_engine(url)
    try:
        with engine.connect() as connection:
            # Optuna's own class would create its tables.
            if not sqlalchemy.inspect(connection).has_table("studies"):
                return frozenset()
            names = connection.execute(sqlalchemy.text("SELECT study_name FROM studies"))
            return frozenset(str(name) for (name,) in names)
    finally:
        engine.dispose()


def _open_file_system(url: str) -> str | None:
    """Return the path of a local URL; None for any other that a file system knows."""
    from pyarrow.fs import FileSystem, LocalFileSystem

    file_system, path = FileSystem.from_uri(url)
    return str(path) if isinstance(file_system, LocalFileSystem) else None
