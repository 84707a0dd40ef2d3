"""A command and all processes it starts: its wall time and their processor time."""

import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import psutil

SAMPLE_SECONDS = 0.2
"""What a process does between its last sample and its end is lost, 0.1 s of it on average."""

SAMPLES_PER_MEMORY = 5
"""Memory is asked for at each of so many samples: the answer costs the system some work."""

YOUNG_SECONDS = 5.0

AFTERLIFE_SECONDS = 20.0
"""How long the daemons of a command that has ended may take to end too."""


class Role(StrEnum):
    """What a process of a Ray program does."""

    DRIVER = "driver"
    WORKER = "workers"
    DAEMON = "Ray's daemons"


@dataclass(frozen=True, kw_only=True)
class Usage:
    """What a command used.

    Attributes:
        wall_seconds: From its start to its end.
        cpu_seconds: Of all its processes, user and system, by what they do.
        peak_bytes: The most memory of all its processes at once; what several share is shared out
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
        folder: Where it runs; what it prints goes to `output.txt` there.

    Raises:
        CommandFailedError: Its exit status is not 0.
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
        """Look at every process once; False when none is left."""
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
        """Sums of the last samples of all processes, by what they do."""
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
    """Whether it may not have become yet what it is to be: it starts as a copy of its parent."""
    started: float = process.create_time()
    return time.time() - started < YOUNG_SECONDS


def _role(process: psutil.Process) -> Role:
    command = " ".join(process.cmdline()).rstrip()  # whoever renames itself pads its name
    is_worker = "default_worker.py" in command or (
        command.startswith("ray::") and not command.endswith("Agent")
    )
    return Role.WORKER if is_worker else Role.DAEMON
