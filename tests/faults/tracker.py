"""An MLflow server that can be stopped, killed and started again on the same database."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path

START_SECONDS = 90.0
POLL_SECONDS = 0.1


class Tracker:
    """`mlflow server` in a process group of its own.

    Args:
        folder: For its log, its artifacts and, if it has no other, its database.
        database: URL of its database; None for a file in the folder.
        host: Address that it listens on.
        prefix: What its command begins with, such as that which enters a network namespace.
    """

    def __init__(
        self,
        folder: Path,
        *,
        database: str | None = None,
        host: str = "127.0.0.1",
        prefix: Sequence[str] = (),
    ) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        self.uri = f"http://{host}:{self._port}"
        self._folder = folder
        self._database = database or f"sqlite:///{folder / 'mlflow.db'}"
        self._host = host
        self._prefix = prefix
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, unless it runs, and wait until it answers."""
        if self._process is None:
            self._process = self._spawn()
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"no tracker: {(self._folder / 'tracker.log').read_text()}")
            time.sleep(POLL_SECONDS)

    def freeze(self) -> None:
        """Let it neither answer nor refuse."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it at once, if it runs."""
        self._signal(signal.SIGKILL)
        if self._process is not None:
            self._process.wait(timeout=30)
        self._process = None

    def _spawn(self) -> subprocess.Popen[bytes]:
        command = [*self._prefix, sys.executable, "-m", "mlflow", "server", "--host", self._host]
        command += ["--port", str(self._port), "--workers", "1", "--allowed-hosts", "*"]
        command += ["--backend-store-uri", self._database]
        command += ["--artifacts-destination", str(self._folder / "artifacts")]
        # Its helper for language models doubles the time to start.
        without = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "1"}
        with (self._folder / "tracker.log").open("ab") as log:
            return subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                cwd=self._folder,
                start_new_session=True,
                env=os.environ | without,
            )

    def _answers(self) -> bool:
        if self._prefix:
            # It listens where this process does not: ask from there.
            ask = f"import urllib.request as u; u.urlopen('{self.uri}/health', timeout=5)"
            command = [*self._prefix, sys.executable, "-c", ask]
            return subprocess.run(command, capture_output=True, timeout=30).returncode == 0
        try:
            urllib.request.urlopen(f"{self.uri}/health", timeout=5).close()
        except OSError:
            return False
        return True

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)


@contextlib.contextmanager
def running(tracker: Tracker) -> Iterator[Tracker]:
    """A tracker that is gone when the context ends, whatever was done to it."""
    try:
        tracker.start()
        yield tracker
    finally:
        tracker.kill()
