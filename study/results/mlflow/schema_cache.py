"""MLflow's tables in a new local database: made once on a machine, copied from then on."""

import os
import sqlite3
import tempfile
from contextlib import closing, suppress
from pathlib import Path

_PLAIN_URI = "sqlite:///"


def copy_tables(uri: str) -> None:
    """Put MLflow's tables into a SQLite file that is not there yet; for any other tracker, nothing.

    MLflow makes them by all the migrations that it ever had: more than a second of processor time,
    and several of waiting for the disk. What they leave is kept below `XDG_CACHE_HOME`, by default
    `~/.cache`, for each version of MLflow.

    Args:
        uri: Address of the tracker.

    Raises:
        OSError: The cache, or the file's folder, cannot be written.
        RuntimeError: There is no home directory.
        sqlite3.Error: What is in the cache is no SQLite file.
    """
    path = Path(uri.removeprefix(_PLAIN_URI))
    is_plain = uri.startswith(_PLAIN_URI) and not {*"?:%"} & {*str(path)}
    if not is_plain or path.exists():
        return
    tables = _tables()
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".mlflow-tables-") as folder:
        copy = Path(folder) / path.name
        _copy(tables, copy)
        copy.chmod(0o600)  # it will name hosts
        with suppress(FileExistsError):  # another process was faster, and its file is to stay
            os.link(copy, path)


def _tables() -> Path:
    """A database with tables and no rows of ours, made where there is none."""
    from mlflow.version import VERSION

    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pnn-study"
    kept = cache / f"mlflow-{VERSION}.db"
    if kept.is_file():
        return kept
    from mlflow.db import upgrade  # `mlflow db upgrade`

    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        made, copy = Path(folder) / "made.db", Path(folder) / "copy.db"
        upgrade.main([f"{_PLAIN_URI}{made}"], standalone_mode=False)
        _copy(made, copy)  # MLflow may not have closed its own yet
        copy.replace(kept)
    return kept


def _copy(source: Path, target: Path) -> None:
    """Copy a database as SQLite sees it, also what does not lie in its main file yet."""
    reading = f"{source.resolve().as_uri()}?mode=ro"
    with (
        closing(sqlite3.connect(reading, uri=True)) as whole,
        closing(sqlite3.connect(target)) as copy,
    ):
        whole.backup(copy)
