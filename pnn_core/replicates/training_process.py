"""Process that trains for some seconds and says how many steps a second it did.

Begun by `pnn_core.replicates.training_rate`, several at once: `python -m
pnn_core.replicates.training_process TASK`. It prints `ready`, waits for a line with a number of
seconds, trains for as long, and prints the steps per second.
"""

import pickle
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import torch

from pnn_core.device.gpu_memory_limit import limit_gpu_memory
from pnn_core.device.malloc import keep_freed_memory
from pnn_core.parts.own_parts import add_part
from pnn_core.replicates.grouping import Training, group_runs
from pnn_core.replicates.training_rate import READY, RateTask
from pnn_core.training.trainer import NonFiniteLossError
from pnn_core.training.validated_run import ValidatedRun


def main(argv: Sequence[str] | None = None) -> int:
    """Train when told to, and print the steps per second."""
    (file,) = sys.argv[1:] if argv is None else argv
    task: RateTask
    task, share = pickle.loads(Path(file).read_bytes())  # noqa: S301  # the parent's own file
    device = torch.device(task.device)
    torch.set_num_threads(task.threads)
    keep_freed_memory()
    limit_gpu_memory(device, share)
    for code in task.own:
        add_part(code)
    first = task.config.seed
    runs = [
        ValidatedRun(replace(task.config, seed=seed), task.data, device)
        for seed in range(first, first + task.replicates)
    ]
    trainings = group_runs(runs)
    _train(trainings)  # builds, warms up and records
    print(READY, flush=True)
    line = sys.stdin.readline()
    if not line:  # the parent has gone
        return 1
    print(_rounds_per_second(trainings, float(line)) * runs[0].steps, flush=True)
    return 0


def _rounds_per_second(trainings: Sequence[Training], seconds: float) -> float:
    started = time.perf_counter()
    rounds = 0
    while rounds == 0 or time.perf_counter() - started < seconds:
        _train(trainings)
        rounds += 1
    return rounds / (time.perf_counter() - started)


def _train(trainings: Sequence[Training]) -> None:
    """Train an epoch of each; losses are read at its end, so that a GPU is waited for."""
    for training in trainings:
        with suppress(NonFiniteLossError):
            training.next_epoch()


if __name__ == "__main__":
    sys.exit(main())
