"""What the engine's tests share: who listens, what trials report, and a PostgreSQL server."""

import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from pnn_core.config import Costs, EpochResult
from pnn_core.data import TrainingData, load_training_data
from study.config import StudyConfig
from study.results.run_listener import RunListener
from study.results.run_record import RunKey, RunRecord
from study.search.messages import EpochReport
from study.search.optuna_storage import StudyStorage
from study.search.trial_manager import TrialManager

COSTS = Costs(learnable_params=100, mask_values=10, macs=1000)
SERVER_START_SECONDS = 30


@dataclass
class HeardTrials(RunListener):
    """A listener that writes down what it is told: of whom, and in which state or epoch."""

    events: list[tuple[str, int, object]] = field(default_factory=list)

    def run_restored(self, record: RunRecord) -> None:
        self.events.append(("restored", record.number, record.state))

    def run_started(self, record: RunRecord) -> None:
        self.events.append(("started", record.number, record.state))

    def epoch_finished(self, key: RunKey, result: EpochResult) -> None:
        self.events.append(("epoch", key.trial, result.epoch))

    def run_retried(self, record: RunRecord) -> None:
        self.events.append(("retried", record.number, record.retried[-1]))

    def run_paused(self, record: RunRecord) -> None:
        self.events.append(("paused", record.number, record.state))

    def run_ended(self, record: RunRecord) -> None:
        self.events.append(("ended", record.number, record.state))

    def of(self, kind: str) -> list[tuple[int, object]]:
        return [(number, what) for event, number, what in self.events if event == kind]


@dataclass
class HeardConfirmations(RunListener):
    """As `HeardTrials`, for confirmation runs."""

    events: list[tuple[str, RunRecord]] = field(default_factory=list)

    def run_restored(self, run: RunRecord) -> None:
        self.events.append(("restored", run))

    def run_started(self, run: RunRecord) -> None:
        self.events.append(("started", run))

    def run_retried(self, run: RunRecord) -> None:
        self.events.append(("retried", run))

    def run_paused(self, run: RunRecord) -> None:
        self.events.append(("paused", run))

    def run_ended(self, run: RunRecord) -> None:
        self.events.append(("ended", run))

    def of(self, kind: str) -> list[RunRecord]:
        return [run for event, run in self.events if event == kind]


def curve(epochs: int, accuracy: float = 0.5) -> tuple[EpochResult, ...]:
    return tuple(
        EpochResult(
            epoch=epoch,
            train_loss=1.0,
            val_loss=1.0,
            val_accuracy=accuracy,
            train_seconds=0.1,
            val_seconds=0.1,
        )
        for epoch in range(1, epochs + 1)
    )


class Life:
    """One life of a study's driver, with no worker: the test itself says what trials do."""

    def __init__(self, config: StudyConfig) -> None:
        self.config = config
        self.heard = HeardTrials()
        self.storage = StudyStorage(config)
        self.manager = TrialManager(config, self.storage, [self.heard])

    @property
    def records(self) -> tuple[RunRecord, ...]:
        return self.manager.records

    def propose(self) -> int:
        """A trial that a process takes up at once."""
        trial = self.manager.propose()
        assert trial is not None
        self.manager.trial_started(trial.number)
        return trial.number

    def train(
        self,
        number: int,
        epochs: int,
        accuracy: float = 0.5,
        costs: Costs = COSTS,
        worker: str = "host:1",
    ) -> None:
        for epoch in range(1, epochs + 1):
            curves = (curve(epoch, accuracy),)
            report = EpochReport(replicates=curves, costs=costs, device="cpu", worker=worker)
            self.manager.epoch_finished(number, report)

    def report(self, number: int, epochs: int, accuracy: float, params: int = 100) -> bool:
        """As Tune's ends do it: judged, then told, and ended where it does not go on."""
        told = EpochReport(
            replicates=(curve(epochs, accuracy),),
            costs=replace(COSTS, learnable_params=params),
            device="cpu",
            worker="host:1",
        )
        is_last = epochs == self.config.epochs
        goes_on = is_last or self.manager.goes_on(number, told)
        self.manager.epoch_finished(number, told)
        if is_last or not goes_on:
            self.manager.trial_stopped(number)
        return goes_on

    def complete(self, number: int, accuracy: float = 0.5) -> None:
        self.train(number, self.config.epochs, accuracy)
        self.manager.trial_stopped(number)

    def optuna_states(self) -> list[str]:
        return [trial.state.name for trial in self.storage.trials()]


@pytest.fixture
def live() -> Callable[[StudyConfig], Life]:
    """Begins a life of a driver."""
    return Life


@pytest.fixture
def heard() -> HeardTrials:
    return HeardTrials()


@pytest.fixture
def heard_confirmations() -> HeardConfirmations:
    return HeardConfirmations()


@pytest.fixture(scope="session")
def digits() -> TrainingData:
    return load_training_data("digits", Path("unused"))


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """A server of our own with an empty database."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    if not found or importlib.util.find_spec("psycopg2") is None:
        pytest.skip("needs a PostgreSQL server under /usr/lib/postgresql, and psycopg2")
    owner = _server_account()
    folder = Path(tempfile.mkdtemp(prefix="pnn-postgresql-"))
    try:
        if owner is not None:
            shutil.chown(folder, owner, owner)
        yield from _served(found[-1].parent, folder, owner)
    finally:
        shutil.rmtree(folder)


def _server_account() -> str | None:
    """Who runs the server, which refuses to run as root; None for whoever we are."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres").pw_name
    except KeyError:
        pytest.skip("PostgreSQL does not run as root, and there is no user postgres")


def _served(binaries: Path, folder: Path, owner: str | None) -> Iterator[str]:
    account = {} if owner is None else {"user": owner, "group": owner, "extra_groups": ()}
    initialise: Sequence[str | Path] = [binaries / "initdb", "-D", folder / "data", "-U", "study"]
    subprocess.run(
        [*initialise, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
        check=True,
        capture_output=True,
        cwd=folder,
        **account,
    )
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    # -F: what a power cut would lose does not matter here.
    command = [binaries / "postgres", "-D", folder / "data", "-F", "-h", "127.0.0.1"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "-p", str(port), "-k", folder], cwd=folder, stderr=log, **account
        )
    try:
        _wait_until_it_answers(process, port, folder / "log")
        yield f"postgresql+psycopg2://study:unchecked@127.0.0.1:{port}/postgres"
    finally:
        process.send_signal(signal.SIGINT)
        process.wait()


def _wait_until_it_answers(process: subprocess.Popen, port: int, log: Path) -> None:
    import psycopg2

    deadline = time.monotonic() + SERVER_START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            psycopg2.connect(host="127.0.0.1", port=port, user="study", dbname="postgres").close()
        except psycopg2.OperationalError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(log.read_text())
