"""Cost of several seeds of one configuration when they are trained at once.

An epoch of R batched replicates, of one alone, and of the largest R one after another, in turns and
in one process: on a CPU networks for the 8×8 digits, with one thread; on a GPU ResNet-18 for 32×32
images. Images are random: only time is measured. Needs `pnn_core` and torch alone.

Usage: PYTHONPATH=. python benchmarks/replicates.py [--rounds 3] [--steps 10]
"""

import argparse
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from statistics import median

import numpy as np
import torch
from machine import print_footer, processor

from pnn_core.config import DatasetShape, ModelConfig, OptimConfig, TrialConfig
from pnn_core.data import ImageTraits, LabelledImages
from pnn_core.device.selection import default_device, describe_device
from pnn_core.replicates.batched_run import BatchedRun
from pnn_core.training.confirmation_run import ConfirmationRun
from pnn_core.training.evaluated_run import EvaluatedRun

REPLICATES = (2, 4, 8)

DIGITS = ModelConfig(
    dataset=DatasetShape(channels=1, height=8, width=8, classes=10), network="resnet8", mask_count=8
)
COLOUR = ModelConfig(
    dataset=DatasetShape(channels=3, height=32, width=32, classes=10), mask_count=64
)


@dataclass(frozen=True, kw_only=True)
class Case:
    """A configuration to measure."""

    model: ModelConfig
    batch_size: int

    @property
    def name(self) -> str:
        """Name of the case, such as `resnet8 perturbation, m 8, fan-out 1, batch 10`."""
        model = self.model
        return (
            f"{model.network} {model.layer}, m {model.mask_count}, fan-out {model.fan_out}, "
            f"batch {self.batch_size}"
        )


ON_A_CPU = (
    Case(model=DIGITS, batch_size=10),
    Case(model=DIGITS, batch_size=80),
    Case(model=replace(DIGITS, mask_count=16, fan_out=2), batch_size=40),
    Case(model=replace(DIGITS, mask_count=48), batch_size=10),
    Case(model=replace(DIGITS, mask_count=48), batch_size=80),
    Case(model=replace(DIGITS, mask_count=48, fan_out=8), batch_size=10),
    Case(model=replace(DIGITS, mask_count=48, fan_out=8), batch_size=80),
    Case(model=replace(DIGITS, mask_count=16, layer="conv3x3"), batch_size=40),
)
ON_A_GPU = tuple(
    Case(model=replace(COLOUR, layer=layer), batch_size=batch_size)
    for layer in ("perturbation", "conv3x3")
    for batch_size in (10, 40)
)


def main() -> None:
    """Print a row for each configuration."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="default: 3; medians are printed")
    parser.add_argument("--steps", type=int, default=10, help="steps of an epoch; default: 10")
    arguments = parser.parse_args()
    device = default_device()
    torch.set_num_threads(1)
    batched = " | ".join(f"{count} at once" for count in REPLICATES)
    print(f"| | one alone, ms a step | {batched} | {REPLICATES[-1]} in turn |")
    print("|---|---:|" + "---:|" * (len(REPLICATES) + 1))
    for case in ON_A_GPU if device.type == "cuda" else ON_A_CPU:
        first, others = multiples(case, device, arguments.rounds, arguments.steps)
        ratios = " | ".join(f"{other:.2f}" for other in others)
        print(f"| {case.name} | {1000 * first:.2f} | {ratios} |", flush=True)
    name = describe_device(device) if device.type == "cuda" else f"{processor()}, one thread"
    versions = {"Python": platform.python_version(), "torch": torch.__version__}
    print_footer(versions, name)


def multiples(
    case: Case, device: torch.device, rounds: int, steps: int
) -> tuple[float, list[float]]:
    """Measure a configuration.

    Returns:
        Seconds of a step of one run alone; multiples of it of `REPLICATES` at once, and in turn.
    """
    alone = new_runs(case, 1, device, steps)[0]
    batched = [BatchedRun(new_runs(case, count, device, steps)) for count in REPLICATES]
    in_turn = new_runs(case, REPLICATES[-1], device, steps)
    sides: list[Callable[[], object]] = [
        alone.next_epoch,
        *(run.next_epoch for run in batched),
        lambda: [run.next_epoch() for run in in_turn],
    ]
    seconds: list[list[float]] = [[] for _ in sides]
    for side in sides:
        side()  # the first epoch includes one-time costs
    for _ in range(rounds):
        for side, own in zip(sides, seconds, strict=True):
            started = time.perf_counter()
            side()
            own.append(time.perf_counter() - started)
    first, *others = map(median, seconds)
    return first / steps, [other / first for other in others]


def new_runs(case: Case, count: int, device: torch.device, steps: int) -> Sequence[EvaluatedRun]:
    """Make replicates of a configuration that train on random images, and test on a few."""
    shape = case.model.dataset
    rng = np.random.default_rng(0)
    total = steps * case.batch_size
    images = LabelledImages(
        images=rng.integers(
            0, 256, (total, shape.channels, shape.height, shape.width), dtype=np.uint8
        ),
        labels=rng.integers(0, shape.classes, total),
    )
    traits = ImageTraits(
        shape=shape, mean=(0.5,) * shape.channels, std=(0.25,) * shape.channels, augment=False
    )
    config = TrialConfig(model=case.model, optim=OptimConfig(batch_size=case.batch_size))
    few = images.take(np.arange(case.batch_size))
    return [
        ConfirmationRun(replace(config, seed=seed), traits, images, few, device)
        for seed in range(count)
    ]


if __name__ == "__main__":
    main()
