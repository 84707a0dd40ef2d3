"""Part of the plan: several processes that train on one GPU at once, as trials of a study do."""

import argparse
import time

import numpy as np
from printed_verdict import judge, say
from replicates import COLOUR, DIGITS

from pnn_core.config import OptimConfig, TrialConfig
from pnn_core.data import LabelledImages, TrainingData
from pnn_core.device.gpu_sharing import best_count
from pnn_core.replicates.gpu_memory_probe import sample
from pnn_core.replicates.training_rate import RateError, RateTask, measure_rate

COUNTS = (1, 2, 4, 8)
BATCH_SIZES = (128, 10)
STEPS = 100


def run(arguments: argparse.Namespace) -> bool:
    """Measure all numbers of processes, and say what a study would choose."""
    device, small = arguments.device, arguments.small
    deadline = time.perf_counter() + arguments.seconds
    kept = []
    for batch_size in BATCH_SIZES[1:] if small else BATCH_SIZES:
        task = _task(device.type, batch_size, 10 if small else STEPS, small=small)
        rates: dict[int, float] = {}
        for count in COUNTS[:2] if small else COUNTS:
            if time.perf_counter() > deadline:
                say(f"batch {batch_size}: {count} at once: no time was left")
                continue
            try:
                rates[count] = measure_rate(task, count, 0.5 if small else 5.0)
            except RateError as error:
                say(f"batch {batch_size}: {count} at once: {error}")
                break
            rate, ratio = rates[count], rates[count] / rates[1]
            say(f"batch {batch_size}: {count} at once: {rate:.1f} steps/s, ratio {ratio:.2f}")
        if rates:
            best = best_count(rates)
            say(f"batch {batch_size}: a study would train {best} at once")
            claim = f"batch {batch_size}: steps/s of the number chosen over one"
            kept.append(judge(claim, rates[best] / rates[1], 1, device, least=True))
    return bool(kept) and all(kept)


def _task(device: str, batch_size: int, steps: int, *, small: bool) -> RateTask:
    """Make the training of each process, on random images."""
    model = DIGITS if small else COLOUR
    config = TrialConfig(model=model, optim=OptimConfig(batch_size=batch_size))
    config, few = sample(config, _images(model.dataset.channels, model.dataset.height), steps)
    return RateTask(config=config, replicates=1, data=few, device=device, threads=1)


def _images(channels: int, size: int) -> TrainingData:
    rng = np.random.default_rng(0)

    def images(count: int) -> LabelledImages:
        pixels = rng.integers(0, 256, (count, channels, size, size), dtype=np.uint8)
        return LabelledImages(images=pixels, labels=np.arange(count) % 10)

    return TrainingData(
        name="random",
        train=images(STEPS * BATCH_SIZES[0]),
        validation=images(500),
        held_out=np.arange(500),
        classes=tuple("0123456789"),
        mean=(0.5,) * channels,
        std=(0.25,) * channels,
        augment=False,
    )
