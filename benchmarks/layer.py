"""Training step of a PNN-ResNet-18 in several forms, side by side.

Width 64, fan-out 1, images of 32×32, as in the paper's Table 5. On a GPU under bf16 autocast, and
captured as a CUDA graph; on the CPU in float32.

Needs torch and this repository alone:

    PYTHONPATH=. python benchmarks/layer.py
"""

import argparse
import math
import multiprocessing
import platform
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median

import torch
from layer_floor import Floor, measure_floor, synchronize
from layer_forms import (
    COMPILED,
    EAGER,
    FORMS,
    ON_GPU,
    PEER,
    Work,
    project_network,
)
from machine import print_footer, processor, say

from pnn_core.device.selection import default_device, describe_device
from pnn_core.training.cuda_graph import WARM_UP_STEPS, Step


@dataclass(kw_only=True)
class Measured:
    """Measurements of one form.

    Attributes:
        turn: Function that does a number of steps and returns their wall time in seconds.
        peak_bytes: Memory on top of what was in use before the form was built.
        seconds: Seconds of a step, for each repeat.
    """

    turn: Callable[[int], float]
    peak_bytes: float
    seconds: list[float] = field(default_factory=list)


def measure(forms: Sequence[str], work: Work, repeats: int, steps: int) -> dict[str, Measured]:
    """Build all forms, then take turns; a form that fails is reported and left out.

    Args:
        forms: Names of the forms.
        work: Images to train on.
        repeats: Number of turns of each.
        steps: Number of steps in each turn.
    """
    built: dict[str, Measured] = {}
    for name in forms:
        say(f"batch {work.batch_size}: building {name}")
        try:
            built[name] = build(name, work)
        except Exception as error:
            say(f"  left out: {type(error).__name__}: {error}")
    for _ in range(repeats):
        for form in built.values():
            form.seconds.append(form.turn(steps) / steps)
    return built


def build(name: str, work: Work) -> Measured:
    """Build a form and warm it up."""
    if work.device.type == "cpu":
        process = CpuProcess(name, work.batch_size)
        return Measured(turn=process.turn, peak_bytes=process.peak_bytes)
    before = torch.cuda.memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    step = warmed_up(FORMS[name](work))
    return Measured(
        turn=partial(timed, step, work.device),
        peak_bytes=torch.cuda.max_memory_allocated() - before,
    )


def timed(step: Step, device: torch.device, steps: int) -> float:
    """Return the seconds of a number of steps."""
    synchronize(device)
    start = time.perf_counter()
    for _ in range(steps):
        step()
    synchronize(device)
    return time.perf_counter() - start


class CpuProcess:
    """A form in a process of its own, as the way it allocates memory matters on a CPU.

    Args:
        name: Name of the form.
        batch_size: Images per step.

    Attributes:
        peak_bytes: Growth of the process when it built the form and trained.
    """

    def __init__(self, name: str, batch_size: int) -> None:
        self._pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))
        self.peak_bytes = self._pool.submit(_begin, name, batch_size).result()

    def turn(self, steps: int) -> float:
        """Return the seconds of a number of steps."""
        return self._pool.submit(_turn, steps).result()


_step: Step
"""Step of this process, if it is a form's own."""


def _begin(name: str, batch_size: int) -> float:
    global _step
    work = Work(batch_size, torch.device("cpu"))
    before = peak_resident()
    _step = warmed_up(FORMS[name](work))
    return peak_resident() - before


def _turn(steps: int) -> float:
    return timed(_step, torch.device("cpu"), steps)


def peak_resident() -> float:
    """Return the peak of this process's memory in bytes; NaN if the system does not tell."""
    status = Path("/proc/self/status")
    lines = status.read_text(encoding="utf-8").splitlines() if status.exists() else []
    # getrusage would also count what the parent held before this process was its own.
    return next((1024.0 * int(line.split()[1]) for line in lines if "VmHWM" in line), math.nan)


def warmed_up(step: Step) -> Step:
    """Do some steps to warm up, and return the step."""
    for _ in range(WARM_UP_STEPS):
        step()
    return step


def format_table(measured: dict[str, Measured], floor: Floor) -> str:
    """Format medians over the repeats as a Markdown table."""
    lines = [
        "| form | ms a step | steps/s | ratio | of the floor | peak memory, MiB | ratio |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    peer = measured[PEER]
    for name, form in measured.items():
        seconds = median(form.seconds)
        cells = [
            name,
            f"{1e3 * seconds:.2f}",
            f"{1 / seconds:.1f}",
            f"{seconds / median(peer.seconds):.2f}",
            f"{seconds / floor.seconds:.1f}",
            f"{form.peak_bytes / 2**20:.0f}",
            f"{form.peak_bytes / peer.peak_bytes:.2f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def describe(floor: Floor) -> str:
    """Describe the lower bound of a step in a sentence."""
    return (
        f"Floor: {1e3 * floor.seconds:.2f} ms: {floor.bytes_moved / 1e6:.0f} MB at "
        f"{floor.bandwidth / 1e9:.1f} GB/s take {1e3 * floor.bytes_moved / floor.bandwidth:.2f}, "
        f"{floor.flops / 1e9:.0f} GFLOP at {floor.rate / 1e12:.2f} TFLOP/s take "
        f"{1e3 * floor.flops / floor.rate:.2f}."
    )


def main() -> int:
    """Measure and print a table for each batch size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", type=torch.device, default=default_device())
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[128, 10])
    parser.add_argument("--repeats", type=int, default=5, help="default: 5; medians are printed")
    parser.add_argument("--compile", action="store_true", help="on the CPU, too: takes minutes")
    arguments = parser.parse_args()
    device, gpu = arguments.device, arguments.device.type == "cuda"
    forms = [*EAGER, *(COMPILED if gpu or arguments.compile else ()), *(ON_GPU if gpu else ())]
    for batch_size in arguments.batch_sizes:
        torch.compiler.reset()
        work = Work(batch_size, device)
        steps = max(1, (2560 if gpu else 40) // batch_size)
        measured = measure(forms, work, arguments.repeats, steps)
        images = work.images[:batch_size].contiguous(memory_format=torch.channels_last)
        dtype = torch.bfloat16 if gpu else torch.float32
        floor = measure_floor(project_network(work), images, dtype)
        print(f"\n### Batch {batch_size}\n\n{format_table(measured, floor)}\n\n{describe(floor)}")
    print(f"\nMedians of {arguments.repeats}, ratios to {PEER}.")
    print_footer(versions(), device_name(device))
    return 0


def versions() -> dict[str, str]:
    """Return the versions that decide how fast a step is."""
    cuda = {"CUDA": str(torch.version.cuda)} if torch.cuda.is_available() else {}
    return {"Python": platform.python_version(), "torch": torch.__version__} | cuda


def device_name(device: torch.device) -> str:
    """Return the name of the GPU, or of the CPU with its threads."""
    if device.type == "cuda":
        return describe_device(device)
    return f"{processor()}, {torch.get_num_threads()} threads"


if __name__ == "__main__":
    sys.exit(main())
