"""Rules for all tests, what they share, the command line as a process, and trackers."""

import contextlib
import hashlib
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import ray
from filelock import FileLock
from hypothesis import HealthCheck, settings

from pnn_core.config import DatasetShape
from pnn_core.data import DATASETS
from pnn_core.parts.layers import SPATIAL_LAYERS
from pnn_core.parts.networks import NETWORKS
from study.engine.cluster.connect import connected
from study.results.mlflow.client import MlflowConnection
from study.results.objective import parse_objectives
from study.results.study_info import StudyInfo

# What several folders of tests draw lies in files of its own, which they import by plain names.
sys.path.insert(0, str(Path(__file__).parent / "made"))

MakeOnce = Callable[[str, Callable[[Path], None]], Path]
Rewrite = Callable[[Path, str], None]

SERVER_START_SECONDS = 60
MADE_SECONDS = 900
"""Seconds within which another test process makes what all of them read."""

CACHE = Path(__file__).parents[1] / ".pytest_cache" / "caches"
"""Caches of the tests: compiled operators and MLflow's tables, each named by what it is made from.

The processes of pytest-xdist, and those that tests start, take it from the environment.
"""
os.environ["XDG_CACHE_HOME"] = str(CACHE)

# Networks this small gain nothing from a second thread, and on a busy machine its waiting costs ten
# times what it computes. Torch reads this when a test imports it.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Ray runs workers at a niceness of 15. Those of a cluster of this process would wait, twenty times
# as long as they need, for tests that compute beside them.
os.environ.setdefault("RAY_worker_niceness", "0")

# A busy machine is no defect: time is measured in benchmarks.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


class CommandLine:
    """`python -m study.run` as a user runs it: a process of its own, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def start(self, *argv: str, **environment: str) -> subprocess.Popen[str]:
        own = {name: v for name, v in os.environ.items() if name != "PYTHONWARNINGS"}
        return subprocess.Popen(
            [sys.executable, "-m", "study.run", *argv],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            env=own | environment,
        )

    def run(self, *argv: str, **environment: str) -> tuple[int, str, str]:
        """Exit status, standard output and standard error."""
        process = self.start(*argv, **environment)
        out, err = process.communicate(timeout=300)
        return process.returncode, out, err


class TrackingServer:
    """An `mlflow server` that can be stopped and started again on the same port."""

    def __init__(self, folder: Path, database: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.uri = f"http://127.0.0.1:{self.port}"
        self._folder = folder
        shutil.copy(database, folder / "server.db")

    def start(self) -> None:
        command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1"]
        command += ["--port", str(self.port), "--workers", "1"]
        command += ["--backend-store-uri", f"sqlite:///{self._folder / 'server.db'}"]
        command += ["--artifacts-destination", str(self._folder / "artifacts")]
        with (self._folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                cwd=self._folder,
                start_new_session=True,
                # Its helper for language models doubles the time to start.
                env=os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
            )
        self._wait_until_it_answers()

    def kill(self) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + SERVER_START_SECONDS
        while time.monotonic() < deadline:
            assert self._process.poll() is None, (self._folder / "server.log").read_text()
            try:
                urllib.request.urlopen(f"{self.uri}/health", timeout=1).close()
            except OSError:
                time.sleep(0.1)
            else:
                return
        raise AssertionError((self._folder / "server.log").read_text())


def pytest_sessionstart(session: pytest.Session) -> None:
    """Compile the operators, as `make install` does, before any process of the session needs them.

    Without a compiler, networks train by torch's own operators.
    """
    if hasattr(session.config, "workerinput"):  # a process of pytest-xdist
        return
    compiling = [sys.executable, "-m", "pnn_core.fused.compile"]
    subprocess.run(compiling, cwd=CACHE.parents[1], capture_output=True, check=False)


_cluster = contextlib.ExitStack()
"""The Ray cluster of this test process, while there is one."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have tests that use the cluster follow one another."""
    items.sort(key=_does_without_the_cluster)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """End the cluster before a test that does not use it."""
    if _does_without_the_cluster(item):
        _cluster.close()


def _does_without_the_cluster(item: pytest.Item) -> bool:
    return "cluster" not in getattr(item, "fixturenames", ())


@pytest.fixture(scope="session")
def _cluster_is_ended() -> Iterator[None]:
    yield
    _cluster.close()


@pytest.fixture(scope="module")
def cluster(_cluster_is_ended: None) -> None:
    """A local Ray cluster, started once for all files of tests that use it in a row."""
    if not ray.is_initialized():
        _cluster.enter_context(connected(None))


@pytest.fixture(scope="session")
def make_once(tmp_path_factory: pytest.TempPathFactory) -> MakeOnce:
    """Makes a folder by its name, once for all test processes; tests only read it or copy it."""
    base = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent

    def make_once(name: str, make: Callable[[Path], None]) -> Path:
        folder, made = base / f"once-{name}", base / f"once-{name}.made"
        with FileLock(base / f"once-{name}.lock", timeout=MADE_SECONDS, fallback_to_soft=False):
            if not made.exists():
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                make(folder)
                made.touch()
        return folder

    return make_once


@pytest.fixture(scope="session")
def rewrite_paths() -> Rewrite:
    """Makes studies in a working folder, and their tracker, forget the folder they were in."""

    def rewrite(folder: Path, before: str) -> None:
        for file in folder.glob("studies/*/study.json"):
            file.write_text(file.read_text().replace(before, str(folder)))
        with contextlib.closing(sqlite3.connect(folder / "mlflow.db")) as database, database:
            for table, column in (("experiments", "artifact_location"), ("runs", "artifact_uri")):
                database.execute(
                    f"UPDATE {table} SET {column} = replace({column}, ?, ?)", (before, str(folder))
                )

    return rewrite


@pytest.fixture
def own_copy(tmp_path: Path, rewrite_paths: Rewrite) -> Callable[[Path], Path]:
    """Copies a working folder with its studies into the test's own folder."""

    def copy(folder: Path) -> Path:
        shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
        rewrite_paths(tmp_path, str(folder))
        return tmp_path

    return copy


@pytest.fixture(scope="session")
def command_in() -> type[CommandLine]:
    """The command line in any folder."""
    return CommandLine


@pytest.fixture
def command(tmp_path: Path) -> CommandLine:
    """The command line, in the test's own folder."""
    return CommandLine(tmp_path)


@pytest.fixture(scope="session", autouse=True)
def _no_telemetry() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        yield


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A local store with tables and no study; making the tables takes seconds."""
    path = tmp_path_factory.mktemp("database") / "mlflow.db"
    with MlflowConnection(f"sqlite:///{path}").call() as client:
        client.search_experiments(max_results=1)
    return path


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, empty_database: Path):
    server = TrackingServer(tmp_path_factory.mktemp("server"), empty_database)
    server.start()
    yield server
    server.kill()


@pytest.fixture
def own_server(tmp_path: Path, empty_database: Path):
    """A server for a test that kills it."""
    folder = tmp_path / "server"
    folder.mkdir()
    server = TrackingServer(folder, empty_database)
    server.start()
    yield server
    with contextlib.suppress(ProcessLookupError):
        server.kill()


@pytest.fixture
def sqlite_uri(tmp_path: Path, empty_database: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A local store in a working directory of its own."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(empty_database, tmp_path / "mlflow.db")
    return f"sqlite:///{tmp_path / 'mlflow.db'}"


@pytest.fixture(params=["sqlite", "http"])
def uri(request: pytest.FixtureRequest) -> str:
    """Both kinds of tracker."""
    if request.param == "sqlite":
        return request.getfixturevalue("sqlite_uri")
    return request.getfixturevalue("server").uri


@pytest.fixture(autouse=True)
def nothing_of_ones_own_stays() -> Iterator[None]:
    """Take out again what a test has added to a registry of parts."""
    yield
    for registry in (DATASETS, NETWORKS, SPATIAL_LAYERS):
        registry._added.clear()


@pytest.fixture
def info(request: pytest.FixtureRequest) -> StudyInfo:
    """A study whose name no other test uses."""
    return StudyInfo(
        name=request.node.name,
        study_id=hashlib.md5(request.node.name.encode()).hexdigest(),
        space="noise",
        dataset="digits",
        seed=7,
        trials=24,
        epochs=15,
        replicates=1,
        confirm=0,
        sampler="tpe",
        scheduler="fifo",
        objectives=parse_objectives("val_accuracy,learnable_params"),
        git_commit="0123abc-dirty",
        versions={"python": "3.11.7", "torch": "2.14.1"},
        images=DatasetShape(channels=1, height=8, width=9, classes=10),
    )
