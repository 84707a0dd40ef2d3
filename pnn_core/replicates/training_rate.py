"""Training steps per second of several processes at once on one device."""

import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from pnn_core.config import TrialConfig
from pnn_core.data import TrainingData
from pnn_core.device.gpu_sharing import best_count, counts_to_measure
from pnn_core.parts.own_code import OwnCode

READY = "ready"
"""Line by which a process says that it has built, warmed up and recorded."""

SECONDS = 5.0
"""Time that each number of processes trains."""


class RateError(RuntimeError):
    """A process ended before it had trained, such as for want of memory."""


@dataclass(frozen=True, kw_only=True)
class RateTask:
    """Training that each of the processes does.

    Attributes:
        config: Training run.
        replicates: Number of seeds, trained at once as far as that pays.
        data: Training and validation images; `sample` gives few enough.
        device: Name of the device, such as `cuda` or `cpu`.
        threads: CPU threads of each process.
        own: Code of one's own that networks are built with.
    """

    config: TrialConfig
    replicates: int
    data: TrainingData
    device: str
    threads: int
    own: Sequence[OwnCode] = ()


def measure_rates(task: RateTask, most: int, seconds: float = SECONDS) -> dict[int, float]:
    """Measure 1, 2, 4 and more processes, up to the first number that gains nothing.

    Args:
        task: Training that each of them does.
        most: Largest number of processes.
        seconds: Time that each number of them trains.

    Returns:
        Steps per second of all together, by the number of processes; up to the first that had no
        room.

    Raises:
        RateError: Not even one process could train.
    """
    rates: dict[int, float] = {}
    for count in counts_to_measure(most):
        try:
            rates[count] = measure_rate(task, count, seconds)
        except RateError:
            if not rates:
                raise
            break
        if best_count(rates) != count:
            break
    return rates


def measure_rate(task: RateTask, processes: int, seconds: float) -> float:
    """Train in several processes at once, and return their steps per second, summed.

    All have built their networks and recorded their steps before the first begins to count.

    Args:
        task: Training that each of them does.
        processes: Number of processes; each may take an equal part of a GPU's memory.
        seconds: Time to train.

    Raises:
        RateError: A process ended before it had trained.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        file = folder / "task"
        file.write_bytes(pickle.dumps((task, 1 / processes)))
        errors = [stack.enter_context((folder / f"{i}.err").open("w+")) for i in range(processes)]
        trainers = [stack.enter_context(_trainer(file, own)) for own in errors]
        pairs = list(zip(trainers, errors, strict=True))
        for trainer, own in pairs:
            if _answer(trainer, own) != READY:
                raise RateError("a training process said something else than that it is ready")
        for trainer in trainers:
            _pipe(trainer.stdin).write(f"{seconds}\n")
            _pipe(trainer.stdin).flush()
        return sum(float(_answer(trainer, own)) for trainer, own in pairs)


@contextmanager
def _trainer(file: Path, errors: IO[str]) -> Iterator[subprocess.Popen[str]]:
    """Start a training process, and end it on leaving."""
    paths = os.pathsep.join(path for path in sys.path if path)
    with subprocess.Popen(  # noqa: S603  # this interpreter and a file of ours
        [sys.executable, "-m", "pnn_core.replicates.training_process", str(file)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        text=True,
        env={**os.environ, "PYTHONPATH": paths},
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _answer(process: subprocess.Popen[str], errors: IO[str]) -> str:
    """Return the next line of a process.

    Raises:
        RateError: It ended; with the last line of what it said.
    """
    line = _pipe(process.stdout).readline().strip()
    if not line:
        process.wait()
        errors.seek(0)
        said = errors.read().strip().splitlines() or ["it said nothing"]
        raise RateError(f"a training process ended with status {process.returncode}: {said[-1]}")
    return line


def _pipe(pipe: IO[str] | None) -> IO[str]:
    return cast("IO[str]", pipe)  # `Popen` was asked for it
