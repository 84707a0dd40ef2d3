"""Studies that run at the same time share a tracker and a database, and nothing else."""

import contextlib
import re
import shutil
import socket
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from driver import Driver
from invariants import Asked, check
from mlflow import MlflowClient
from postgres import Postgres, postgres, programs, unprivileged_user
from small_study import OBJECTIVES, SPACE, environment, scratch
from stored_study import Stored, experiments, read
from tracker import Tracker, running

STUDIES = 4
TRIALS, EPOCHS = 4, 2
STUDY_SECONDS = 900.0

WRITES = ("runs/create", "runs/log-batch", "runs/update")
MOST_WRITES = EPOCHS + 6
"""Writes to the tracker that a trial may cost: it is created and ended, what it reports goes in
batches, its start and each epoch in one of their own at most, and so does the search's history."""

STUDY_WRITES = 8
"""Those that a study's own run may cost."""


@dataclass(frozen=True)
class ThisMachine:
    """Where the database's server runs."""

    prefix: tuple[str, ...] = ()
    address: str = "127.0.0.1"


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Postgres]:
    user = unprivileged_user()
    if programs() is None or user is None or shutil.which("setpriv") is None:
        pytest.skip("PostgreSQL, setpriv or a user to run them as is missing")
    pytest.importorskip("psycopg2", reason="psycopg2 is not installed")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with scratch() as folder:
        folder.chmod(0o711)  # the server's user may pass through
        here = ThisMachine()
        with postgres(here, folder / "pg", user, "optuna", "mlflow", port=port) as server:
            yield server


def arguments(number: int, tracker: Tracker, server: Postgres) -> list[str]:
    return [
        *("--space", "space.py", "--name", f"study{number}", "--seed", str(1000 * number)),
        *("--trials", str(TRIALS), "--epochs", str(EPOCHS), "--sampler", "tpe"),
        *("--max-concurrent", "1", "--confirm", "0"),
        *("--tracking-uri", tracker.uri, "--storage", server.url("optuna")),
    ]


def test_four_studies_at_once_on_one_tracker_and_database_lose_double_and_mix_nothing(
    database: Postgres, tmp_path: Path
) -> None:
    (tmp_path / "space.py").write_text(SPACE)
    names = [f"study{number}" for number in range(STUDIES)]
    with running(Tracker(tmp_path, database=database.url("mlflow"))) as tracker:
        with contextlib.ExitStack() as stack:
            drivers = []
            for number, name in enumerate(names):
                settings = environment(stack.enter_context(scratch()))
                command = arguments(number, tracker, database)
                drivers.append(Driver(command, tmp_path, log=name, environment=settings))
                stack.callback(drivers[-1].end)
            for driver in drivers:
                assert driver.wait(STUDY_SECONDS) == 0, driver.output + driver.errors
        requests = requests_in(tmp_path / "tracker.log")
        stored = {name: read(database.url("optuna"), tracker.uri, name) for name in names}
        client = MlflowClient(tracker.uri)
        assert all(len(experiments(client, name)) == 1 for name in names)
    for name in names:
        asked = Asked(study=name, trials=TRIALS, epochs=EPOCHS, objectives=OBJECTIVES)
        front = tmp_path / "studies" / name / "front.csv"
        assert check(asked, stored[name], front) == [], name
    everything = [points(found) for found in stored.values()]
    assert len(set().union(*everything)) == STUDIES * TRIALS, "two studies have one point"
    written = sum(requests[write] for write in WRITES)
    assert written <= STUDIES * (TRIALS * MOST_WRITES + STUDY_WRITES), requests


def points(stored: Stored) -> set[tuple]:
    return {tuple(sorted(trial.params.items())) for trial in stored.trials}


def requests_in(log: Path) -> Counter[str]:
    """Requests that the tracker has answered, by what they ask."""
    asked = re.findall(r'"[A-Z]+ /api/2\.0/mlflow/([a-z/-]+)', log.read_text(errors="replace"))
    assert asked, "the tracker has written no line for a request"
    return Counter(asked)
