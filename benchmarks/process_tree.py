"""A command and all processes it starts: its wall time and their processor time."""

import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import psutil

SAMPLE_SECONDS = 0.2
"""Seconds between samples; work after a process's last sample is lost, 0.1 s on average."""

SAMPLES_PER_MEMORY = 5
"""Samples for each reading of memory, which costs the system some work."""

YOUNG_SECONDS = 5.0

AFTERLIFE_SECONDS = 20.0
"""Most seconds that the daemons of an ended command may take to end."""


class Role(StrEnum):
    """Role of a process in a Ray program."""

    DRIVER = "driver"
    WORKER = "workers"
    DAEMON = "Ray's daemons"


@dataclass(frozen=True, kw_only=True)
class Usage:
    """Time and memory that a command used.

    Attributes:
        wall_seconds: Seconds from its start to its end.
        cpu_seconds: Processor seconds of all its processes, user and system, by role.
        peak_bytes: Peak of the memory of all its processes together; shared pages are divided
            among them (proportional set size).
    """

    wall_seconds: float
    cpu_seconds: dict[Role, float]
    peak_bytes: int


class CommandFailedError(RuntimeError):
    """A measured command that did not end with status 0."""


def measure(command: Sequence[str], folder: Path) -> Usage:
    """Run a command and add up what it and all its descendants use.

    The operating system's own sum over children misses Ray's workers, which nobody waits for, so
    the processes are sampled.

    Args:
        command: Program and arguments.
        folder: Working folder; the output goes to `output.txt` in it.

    Raises:
        CommandFailedError: The exit status is not 0.
    """
    output = folder / "output.txt"
    with output.open("wb") as stream:
        started = time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, stdout=stream, stderr=stream)
        tree = _ProcessTree(psutil.Process(process.pid))
        while process.poll() is None:
            tree.sample()
            time.sleep(SAMPLE_SECONDS)
        wall_seconds = time.perf_counter() - started
    deadline = time.perf_counter() + AFTERLIFE_SECONDS
    while tree.sample() and time.perf_counter() < deadline:
        time.sleep(SAMPLE_SECONDS)
    if process.returncode != 0:
        tail = output.read_text(encoding="utf-8", errors="replace")[-2000:]
        raise CommandFailedError(f"{command} ended with status {process.returncode}:\n{tail}")
    return Usage(
        wall_seconds=wall_seconds, cpu_seconds=tree.cpu_seconds(), peak_bytes=tree.peak_bytes
    )


class _ProcessTree:
    def __init__(self, root: psutil.Process) -> None:
        self._root = root
        self._alive = {root}
        self._roles = {root: Role.DRIVER}
        self._seconds: dict[psutil.Process, float] = {}
        self._samples = 0
        self.peak_bytes = 0

    def sample(self) -> bool:
        """Sample every process once; return False when none is left."""
        below_root = _descendants(self._root)
        # Processes whose parent ended no longer descend from the root.
        orphans = self._alive - below_root
        self._alive |= below_root.union(*map(_descendants, orphans - {self._root}))
        if self._samples % SAMPLES_PER_MEMORY == 0:
            self.peak_bytes = max(self.peak_bytes, sum(map(_resident_share, self._alive)))
        self._samples += 1
        for process in tuple(self._alive):
            try:
                times = process.cpu_times()
                self._seconds[process] = times.user + times.system
                if process is not self._root and _is_young(process):
                    self._roles[process] = _role(process)
            except psutil.Error:
                self._alive.discard(process)
        return bool(self._alive)

    def cpu_seconds(self) -> dict[Role, float]:
        """Sum the last samples of all processes by role."""
        sums = dict.fromkeys(Role, 0.0)
        for process, seconds in self._seconds.items():
            sums[self._roles.get(process, Role.DAEMON)] += seconds
        return sums


def _descendants(process: psutil.Process) -> set[psutil.Process]:
    try:
        return set(process.children(recursive=True))
    except psutil.Error:
        return set()


def _resident_share(process: psutil.Process) -> int:
    try:
        share: int = process.memory_full_info().pss
    except psutil.Error:
        return 0
    return share


def _is_young(process: psutil.Process) -> bool:
    """Return True if a process may still be a copy of its parent, as all are at their start."""
    started: float = process.create_time()
    return time.time() - started < YOUNG_SECONDS


def _role(process: psutil.Process) -> Role:
    command = " ".join(process.cmdline()).rstrip()  # a process that renames itself pads its name
    is_worker = "default_worker.py" in command or (
        command.startswith("ray::") and not command.endswith("Agent")
    )
    return Role.WORKER if is_worker else Role.DAEMON
