"""Load that a study of hundreds of workers is to its driver and its tracker; workers are simulated.

Real are the sampler, Optuna's journal, the records, the writer to MLflow and an `mlflow server` on
SQLite. No worker and no Ray is there: this program says in their place, in real time, that runs
start, finish an epoch after some seconds and end, as many at once as there would be workers.

    python benchmarks/many_workers.py --workers 300 --trials 900
"""

import argparse
import heapq
import os
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
from machine import print_footer, say
from many_trials import study_config

from pnn_core.config import Costs, EpochResult
from study.execution.export import describe_study
from study.execution.tally import Tally
from study.results.mlflow.background_writer import MlflowWriter
from study.results.mlflow.client import MlflowConnection
from study.results.mlflow.study_writer import MlflowStudy
from study.results.provenance import library_versions
from study.search.messages import EpochReport, ProposedRun
from study.search.optuna_storage import StudyStorage
from study.search.trial_manager import TrialManager

START_SECONDS = 120.0
COSTS = Costs(learnable_params=1000, mask_values=10, macs=1000)


@dataclass(frozen=True)
class Server:
    """An `mlflow server`.

    Attributes:
        uri: Its address.
        log: File with a line for each request.
        process: Its process.
    """

    uri: str
    log: Path
    process: psutil.Process

    def cpu_seconds(self) -> float:
        """Return the processor time of its processes."""
        family = [self.process, *self.process.children(recursive=True)]
        return sum(sum(each.cpu_times()[:2]) for each in family)

    def requests(self) -> Counter[str]:
        """Count the requests that it has answered, by what they ask."""
        text = self.log.read_text(errors="replace")
        return Counter(re.findall(r'"[A-Z]+ /api/2\.0/mlflow/([a-z/-]+)', text))


@contextmanager
def serving(folder: Path) -> Iterator[Server]:
    """Start a server, for as long as the context lasts."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "server", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}"]
    command += ["--artifacts-destination", str(folder / "artifacts")]
    settings = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    uri, log = f"http://127.0.0.1:{port}", folder / "server.log"
    with log.open("wb") as output:
        started = subprocess.Popen(
            command, stdout=output, stderr=output, start_new_session=True, env=os.environ | settings
        )
    try:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            try:
                urllib.request.urlopen(f"{uri}/health", timeout=1).close()
                break
            except OSError:
                time.sleep(0.2)
        yield Server(uri, log, psutil.Process(started.pid))
    finally:
        os.killpg(started.pid, signal.SIGTERM)
        started.wait()


class Workers:
    """Simulated workers, each of which trains one run after another.

    Args:
        manager: Manager of the runs.
        workers: Number of workers.
        epochs: Epochs of a run.
        epoch_seconds: Mean time of an epoch.
    """

    def __init__(
        self, manager: TrialManager, workers: int, epochs: int, epoch_seconds: float
    ) -> None:
        self._manager = manager
        self._workers = workers
        self._epochs = epochs
        self._epoch_seconds = epoch_seconds
        self._random = random.Random(0)
        self._events: list[tuple[float, int, ProposedRun, tuple[EpochResult, ...]]] = []

    def train_all(self) -> None:
        """Train until no run is proposed, and all have ended."""
        for worker in range(self._workers):
            self._begin(worker)
        while self._events:
            at, worker, run, curve = heapq.heappop(self._events)
            time.sleep(max(0.0, at - time.monotonic()))
            self._finish_epoch(worker, run, curve)

    def _begin(self, worker: int) -> None:
        for run in self._manager.propose():
            self._manager.run_started(run.key)
            self._train(worker, run, ())

    def _train(self, worker: int, run: ProposedRun, curve: tuple[EpochResult, ...]) -> None:
        seconds = self._random.uniform(0.5, 1.5) * self._epoch_seconds
        heapq.heappush(self._events, (time.monotonic() + seconds, worker, run, curve))

    def _finish_epoch(self, worker: int, run: ProposedRun, curve: tuple[EpochResult, ...]) -> None:
        result = EpochResult(
            epoch=len(curve) + 1,
            train_loss=1.0,
            val_loss=1.0,
            val_accuracy=self._random.random(),
            train_seconds=self._epoch_seconds,
            val_seconds=0.1,
        )
        curve = (*curve, result)
        costs = replace(COSTS, learnable_params=self._random.randrange(1000, 100_000))
        report = EpochReport(
            replicates=(curve,), costs=costs, device="cpu", worker=f"simulated:{worker}"
        )
        self._manager.epoch_finished(run.key, report)
        if len(curve) < self._epochs:
            self._train(worker, run, curve)
            return
        self._manager.run_stopped(run.key)
        self._begin(worker)


def measure(arguments: argparse.Namespace, folder: Path, server: Server) -> str:
    """Run a study of simulated workers; return lines of a table."""
    config = replace(
        study_config(folder, arguments.sampler, 0),
        trials=arguments.trials,
        epochs=arguments.epochs,
    )
    info = describe_study(config)
    writer = MlflowWriter(MlflowStudy(MlflowConnection(server.uri), info))
    manager = TrialManager(config, StudyStorage(config), [writer, Tally(config)])
    served, began = server.cpu_seconds(), time.monotonic()
    whole, loop = time.process_time(), time.thread_time()
    workers = Workers(manager, arguments.workers, arguments.epochs, arguments.epoch_seconds)
    workers.train_all()
    loop = time.thread_time() - loop
    trained = time.monotonic() - began
    unsent = writer.close(patience_seconds=60.0)
    late = time.monotonic() - began - trained
    whole, served = time.process_time() - whole, server.cpu_seconds() - served
    requests = server.requests()
    trials = len(manager.records)
    rows = {
        "trials": f"{trials}",
        "wall time, s": f"{trained:.0f}",
        "driver's CPU-ms a trial, trial loop": f"{1000 * loop / trials:.1f}",
        "driver's CPU-ms a trial, other threads": f"{1000 * (whole - loop) / trials:.1f}",
        "tracker's CPU-ms a trial": f"{1000 * served / trials:.1f}",
        "requests to the tracker a trial": f"{requests.total() / trials:.2f}",
        "requests a second": f"{requests.total() / (trained + late):.1f}",
        "tracker is behind at the end by, s": f"{late:.1f}",
        "trials that the tracker lacks": f"{unsent.trials}",
    }
    say(", ".join(f"{what} {count}" for what, count in requests.most_common()))
    return "\n".join(f"| {name} | {value} |" for name, value in rows.items())


def main() -> int:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--workers", type=int, default=300)
    parser.add_argument("--trials", type=int, default=900)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--epoch-seconds", type=float, default=10.0)
    parser.add_argument("--sampler", default="tpe")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="many-workers-") as name, serving(Path(name)) as server:
        table = measure(arguments, Path(name), server)
    print(f"| {arguments.workers} workers, simulated | |\n|---|---:|\n{table}")
    print_footer(library_versions())
    return 0


if __name__ == "__main__":
    sys.exit(main())
