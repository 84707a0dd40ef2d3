"""MLflow's tables are copied into a new file, and are what MLflow itself would make."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from study.results.mlflow import client, schema_cache
from study.results.mlflow.client import MlflowConnection
from study.results.mlflow.schema_cache import copy_tables


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty one, beside an empty current folder."""
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "pnn-study"


def uri(name: str = "mlflow.db") -> str:
    """Whole, as MLflow keeps an open engine for each URI for as long as the process lives."""
    return f"sqlite:///{Path.cwd() / name}"


def use(name: str = "mlflow.db") -> None:
    with MlflowConnection(uri(name)).call() as client:
        client.search_experiments(max_results=1)


def content(name: str) -> list[list[str]]:
    """Every statement that would make the database, but for the order of indices and constraints.

    That of both is MLflow's to choose, and changes from one database to the next.
    """
    with closing(sqlite3.connect(name)) as database:
        return sorted(
            sorted(line.strip().rstrip(",") for line in statement.splitlines())
            for statement in database.iterdump()
            if not statement.startswith('INSERT INTO "experiments"')  # has a time and a folder
        )


def test_what_is_copied_is_what_mlflow_makes(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    use("first.db")
    kept = [*cache.iterdir()]
    use("second.db")
    assert [*cache.iterdir()] == kept
    monkeypatch.setattr(client, "copy_tables", lambda _: None)
    use("own.db")
    assert content("first.db") == content("own.db")
    assert content("second.db") == content("own.db")
    assert sorted(path.name for path in Path.cwd().iterdir()) == ["first.db", "own.db", "second.db"]


def test_a_file_that_is_there_is_left_alone(cache: Path) -> None:
    Path("mlflow.db").write_bytes(b"")
    copy_tables(uri())
    assert Path("mlflow.db").read_bytes() == b""
    assert not cache.exists()


def test_of_two_that_start_at_once_the_first_one_counts(
    monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    make = schema_cache._tables

    def while_another_is_faster() -> Path:
        Path("mlflow.db").write_text("the other's")
        return make()

    monkeypatch.setattr(schema_cache, "_tables", while_another_is_faster)
    copy_tables(uri())
    assert Path("mlflow.db").read_text() == "the other's"
    assert [path.name for path in Path.cwd().iterdir()] == ["mlflow.db"]


@pytest.mark.parametrize(
    "other",
    [
        "http://127.0.0.1:5000",
        "postgresql://host/name",
        "sqlite:///:memory:",
        "sqlite:///mlflow.db?timeout=20",
        "sqlite:///my%20runs.db",
        "mlruns",
    ],
)
def test_any_other_tracker_is_left_to_mlflow(other: str, cache: Path) -> None:
    copy_tables(other)
    assert [*Path.cwd().iterdir()] == []
    assert not cache.exists()


def test_without_a_cache_mlflow_makes_its_tables_itself(cache: Path) -> None:
    cache.parent.write_text("no folder")
    with pytest.raises(OSError):
        copy_tables(uri())
    use()
    assert len(content("mlflow.db")) > 100


def damage(kept: Path) -> None:
    kept.write_text("no database, but long enough to be taken for one" * 20)


def cut(kept: Path) -> None:
    kept.write_bytes(kept.read_bytes()[: kept.stat().st_size // 2])


def fill(kept: Path) -> None:
    """A whole database, in which somebody has worked."""
    with closing(sqlite3.connect(kept)) as database:
        database.execute("DROP TABLE metrics")
        database.execute("UPDATE experiments SET name = 'mine'")
        database.commit()


@pytest.mark.parametrize("harm", [damage, cut, fill])
def test_what_is_not_as_it_was_kept_is_made_anew(cache: Path, harm: Callable[[Path], None]) -> None:
    use("first.db")
    (kept,) = cache.iterdir()
    harm(kept)
    use()
    assert content("mlflow.db") == content("first.db")
    (kept,) = cache.iterdir()
    use("third.db")
    assert [*cache.iterdir()] == [kept]
    assert content("third.db") == content("first.db")
