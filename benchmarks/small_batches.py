"""Training steps per second of a GPU at small batch sizes, with and without CUDA graphs.

Whole epochs of the PNN-ResNet-18 (width 64, fan-out 1, images of 32×32) as a study trains them,
each with its capture, in turns and in one process. Images are random: only time is
measured. Needs a GPU, `pnn_core` and torch alone.

Usage: PYTHONPATH=. python benchmarks/small_batches.py [--rounds 5] [--steps 500]
"""

import argparse
import platform
import sys
import time
from statistics import median
from unittest.mock import patch

import torch
from machine import print_footer
from replicates import COLOUR, Case, new_runs

from pnn_core.device.selection import default_device, describe_device
from pnn_core.training.cuda_graph import graph_capture
from pnn_core.training.evaluated_run import EvaluatedRun

BATCH_SIZES = (10, 40, 128)


def main() -> int:
    """Print a row for each batch size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="default: 5; medians are printed")
    parser.add_argument("--steps", type=int, default=500, help="steps of an epoch; default: 500")
    arguments = parser.parse_args()
    device = default_device()
    if graph_capture(device) is None:
        print("small_batches.py needs a GPU: steps on a CPU are not captured", file=sys.stderr)
        return 2
    print("| batch | plain, steps/s | captured, steps/s | ratio |")
    print("|---:|---:|---:|---:|")
    for batch_size in BATCH_SIZES:
        case = Case(model=COLOUR, batch_size=batch_size)
        before, after, replays = rates(case, device, arguments.rounds, arguments.steps)
        word = f"{after / before:.2f}" if replays else "not captured"
        print(f"| {batch_size} | {before:.1f} | {after:.1f} | {word} |", flush=True)
    versions = {"Python": platform.python_version(), "torch": torch.__version__}
    print_footer(versions, describe_device(device))
    return 0


def rates(case: Case, device: torch.device, rounds: int, steps: int) -> tuple[float, float, int]:
    """Measure a case.

    Returns:
        Steps per second plain and captured, and the number of steps that were replayed.
    """
    plain, captured = new_runs(case, 2, device, steps)
    seconds: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds + 1):
        with patch("pnn_core.training.train_steps.graph_capture", lambda _: None):
            seconds[0].append(epoch_seconds(plain))
        seconds[1].append(epoch_seconds(captured))
    # The first epoch, which includes one-time costs, is left out.
    before, after = (steps / median(own[1:]) for own in seconds)
    return before, after, captured.step_loop.replays


def epoch_seconds(run: EvaluatedRun) -> float:
    """Return the seconds of training one epoch, which ends with reading its losses from the GPU."""
    started = time.perf_counter()
    run.train_epoch()
    return time.perf_counter() - started


if __name__ == "__main__":
    sys.exit(main())
