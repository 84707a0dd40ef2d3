"""MLflow's tables in a new local database: made once on a machine, copied from then on.

What is kept carries its own digest in its name, so that a damaged or changed one is never used.
"""

import hashlib
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
    """Return a database with tables and no rows of ours, made where there is none that is whole."""
    from mlflow.version import VERSION

    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pnn-study"
    for kept in sorted(cache.glob(f"mlflow-{VERSION}-*.db")):
        if kept.name == _kept_name(VERSION, kept):
            return kept
        kept.unlink(missing_ok=True)  # another process may be here as well
    from mlflow.db import upgrade  # `mlflow db upgrade`

    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        made, copy = Path(folder) / "made.db", Path(folder) / "copy.db"
        upgrade.main([f"{_PLAIN_URI}{made}"], standalone_mode=False)
        _copy(made, copy)  # MLflow may not have closed its own yet
        return copy.replace(cache / _kept_name(VERSION, copy))


def _kept_name(version: str, database: Path) -> str:
    """Return the name under which a database is kept."""
    digest = hashlib.sha256(database.read_bytes()).hexdigest()
    return f"mlflow-{version}-{digest[:16]}.db"


def _copy(source: Path, target: Path) -> None:
    """Copy a database as SQLite sees it, also what does not lie in its main file yet."""
    reading = f"{source.resolve().as_uri()}?mode=ro"
    with (
        closing(sqlite3.connect(reading, uri=True)) as whole,
        closing(sqlite3.connect(target)) as copy,
    ):
        whole.backup(copy)
