"""One life of a study's driver, and all processes that it starts."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import psutil

REPOSITORY = Path(__file__).parents[2]
POLL_SECONDS = 0.05
AFTERLIFE_SECONDS = 20.0
"""How long Ray's own processes may outlive the driver."""


class Driver:
    """`python -m study.run` in a session of its own.

    Ray's processes stay in the session of who started them, also when their parents are gone: so
    are those of this driver told from all others on the machine.

    Args:
        arguments: Of the command.
        folder: Where it runs.
        log: Beginning of the names of the files that take its output.
        environment: All of its variables.
        prefix: What the command begins with, such as that which enters a network namespace.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        folder: Path,
        *,
        log: str,
        environment: Mapping[str, str],
        prefix: Sequence[str] = (),
    ) -> None:
        self._out, self._err = folder / f"{log}.out", folder / f"{log}.err"
        self.started = time.monotonic()
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self._process = subprocess.Popen(
                [*prefix, sys.executable, "-m", "study.run", *arguments],
                cwd=folder,
                stdout=out,
                stderr=err,
                start_new_session=True,
                env=dict(environment),
            )

    @property
    def status(self) -> int | None:
        """Its exit status, negative for a signal; None while it runs."""
        return self._process.poll()

    @property
    def output(self) -> str:
        """What it has printed on standard output."""
        return self._out.read_text(errors="replace")

    @property
    def errors(self) -> str:
        """What it has printed on standard error."""
        return self._err.read_text(errors="replace")

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the driver alone."""
        self._process.send_signal(number)

    def interrupt(self) -> None:
        """Ctrl-C, as a terminal sends it: to the whole process group."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGINT)

    def wait(self, seconds: float) -> int | None:
        """Its exit status; None where it still runs after that time."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=seconds)
        return self.status

    def wait_until(self, what: str, reached: Callable[[], bool], seconds: float) -> None:
        """Wait for something that happens while the study runs.

        Raises:
            AssertionError: The study has ended, or the time is over.
        """
        deadline = time.monotonic() + seconds
        while not reached():
            said = f"{what} never came about: {self.output}{self.errors}"
            assert self.status is None and time.monotonic() < deadline, said
            time.sleep(POLL_SECONDS)

    def processes(self) -> list[psutil.Process]:
        """Every process of its session, the driver included while it lives."""
        return [process for process in psutil.process_iter() if self._owns(process.pid)]

    def workers(self) -> list[psutil.Process]:
        """Ray's worker processes that train."""
        commands = {process: _command(process) for process in self.processes()}
        idle = ("ray::IDLE", "ray::DashboardAgent", "ray::RuntimeEnvAgent")
        return [p for p, c in commands.items() if c.startswith("ray::") and c not in idle]

    def raylets(self) -> list[psutil.Process]:
        """Ray's node manager."""
        return [p for p in self.processes() if _command(p).split(" ")[0].endswith("/raylet")]

    def end(self, *, patiently: bool = False) -> list[str]:
        """End whatever is left of it.

        Args:
            patiently: Whether Ray's processes are given time to end by themselves.

        Returns:
            Processes that outlived it by more than they may.
        """
        if self.status is None:
            self._process.kill()
        self._process.wait(timeout=30)
        deadline = time.monotonic() + (AFTERLIFE_SECONDS if patiently else 0.0)
        while (left := self.processes()) and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
        names = [_command(process)[:100] for process in left]
        for process in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        return names

    def _owns(self, pid: int) -> bool:
        try:
            return os.getsid(pid) == self._process.pid
        except (ProcessLookupError, PermissionError):
            return False


def _command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline()).strip()
    except psutil.Error:
        return ""
