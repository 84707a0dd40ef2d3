"""GPU memory that the largest of several training runs takes, measured on the GPU itself.

Beside it the images and settings with which any run can be measured for a moment.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

import numpy as np
import torch

from pnn_core.config import DETECTION, PADDING, GpuNeed, TrialConfig
from pnn_core.data import Images, LabelledImages, TrainingData
from pnn_core.device.gpu_memory_limit import CONTEXT_BYTES
from pnn_core.models.costs import count_costs
from pnn_core.replicates.grouping import (
    ACTIVATION_COPIES,
    GPU_MEMORY_FRACTION,
    activation_bytes,
    group_runs,
    max_group_size,
)
from pnn_core.training.evaluation import EVALUATION_BATCH
from pnn_core.training.train_steps import MIN_STEPS_TO_CAPTURE
from pnn_core.training.trainer import NonFiniteLossError
from pnn_core.training.validated_run import ValidatedRun

STEPS = MIN_STEPS_TO_CAPTURE
"""Training steps that are measured. From the second on, gradients of the step before and the
optimiser's state exist when the network runs; and this many steps are captured as a CUDA graph,
which has memory of its own, as in most epochs of a study."""

_NO_STEP = 1e-12
"""Learning rate at which no loss diverges; memory does not depend on it."""

_STATE_BYTES = 16
"""Bytes for each learnable parameter: its value, its gradient and two moments."""


def probe_gpu_memory(
    configs: Sequence[TrialConfig], replicates: int, data: TrainingData, device: torch.device
) -> GpuNeed:
    """Train the largest of several training runs for a moment, and measure its GPU memory.

    Args:
        configs: Training runs, at least one. The largest is the one with most activations and
            parameters by count, at its batch size.
        replicates: Number of seeds that a trial trains, at once as far as that pays.
        data: Training and validation images.
        device: A GPU on which this process is alone.

    Raises:
        DatasetError: Names an image that is decoded in training and is damaged.
    """
    largest = by_size(configs, data)[-1]
    free, total = torch.cuda.mem_get_info(device)  # also makes this process's context
    try:
        needed: int | None = _peak(largest, replicates, data, device) + CONTEXT_BYTES
    except torch.OutOfMemoryError:
        needed = None
    return GpuNeed(
        gpu=torch.cuda.get_device_name(device),
        largest=largest,
        needed_bytes=needed,
        free_bytes=min(free + CONTEXT_BYTES, total),
        total_bytes=total,
    )


def by_size(configs: Sequence[TrialConfig], data: TrainingData) -> list[TrialConfig]:
    """Sort training runs by an estimate of their memory, the smallest first."""
    return sorted(configs, key=lambda config: _estimated_bytes(config, len(data.train)))


def sample(config: TrialConfig, data: TrainingData, steps: int) -> tuple[TrialConfig, TrainingData]:
    """Make a run of few images, all of whose epochs are alike.

    Args:
        config: Training run.
        data: Training and validation images.
        steps: Number of training steps in an epoch, where there are images enough.

    Returns:
        The run at one learning rate, at which no loss diverges, and its images.
    """
    optim = replace(config.optim, learning_rate=_NO_STEP, schedule="constant")
    few = replace(
        data,
        train=_first(data.train, steps * config.optim.batch_size),
        validation=_first(data.validation, EVALUATION_BATCH),
        held_out=data.held_out[:EVALUATION_BATCH],
    )
    return replace(config, optim=optim), few


def _estimated_bytes(config: TrialConfig, images: int) -> int:
    parameters = count_costs(config.model).learnable_params
    return ACTIVATION_COPIES * activation_bytes(config, images) + _STATE_BYTES * parameters


def _on_whole_canvas(config: TrialConfig) -> TrialConfig:
    """Pad images to the canvas: a few of them may need less than the largest batch of all."""
    if config.model.dataset.task != DETECTION:
        return config
    return config.with_parameters({PADDING: "canvas"})


def _peak(config: TrialConfig, replicates: int, data: TrainingData, device: torch.device) -> int:
    """Measure the peak of torch's allocator, in bytes.

    A few images stand for all; those left out, which all runs share, are added. The
    result is no less than `group_runs` needs to train as many seeds at once in this memory alone.
    """
    config, few = sample(_on_whole_canvas(config), data, STEPS)
    torch.cuda.reset_peak_memory_stats(device)
    seeds = range(config.seed, config.seed + replicates)
    runs = [ValidatedRun(replace(config, seed=seed), few, device) for seed in seeds]
    batched = 0.0
    if replicates > 1:
        together = min(max_group_size(runs[0]), replicates)
        step = ACTIVATION_COPIES * activation_bytes(config, len(few.train))
        batched = torch.cuda.memory_allocated(device) + together * step / GPU_MEMORY_FRACTION
    for training in group_runs(runs):
        with suppress(NonFiniteLossError):
            training.next_epoch()
    left_out = _resident_bytes(data) - _resident_bytes(few)
    return max(torch.cuda.max_memory_reserved(device), int(batched)) + left_out


def _first(images: Images, count: int) -> Images:
    return images.take(np.arange(min(count, len(images))))


def _resident_bytes(data: TrainingData) -> int:
    """Return the bytes of the images that stay on the device."""
    return sum(
        part.images.nbytes + part.labels.nbytes
        for part in (data.train, data.validation)
        if isinstance(part, LabelledImages)
    )
