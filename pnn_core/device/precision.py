"""Numerical precision of training on a device."""

from contextlib import AbstractContextManager, nullcontext

import torch

from pnn_core.config import ModelConfig

LEAST_HALF_LEVEL = 0.03
"""Lowest noise level that is trained in half precision.

The 1×1's operand is rounded to bf16, with a relative error of up to 1/256. At level 0.01 that error
is a quarter of the noise, and a sixth of all values are not moved by the noise at all; at level
0.1 it is a fortieth."""


def needs_float32(model: ModelConfig) -> bool:
    """Return True if bf16 would round much of a network's noise away.

    The level counts with every layer, so that a trial's controls, which keep its level, train in
    the trial's precision.
    """
    return 0 < model.mask.noise_level < LEAST_HALF_LEVEL


def autocast(device: torch.device, *, float32: bool = False) -> AbstractContextManager[None]:
    """Return the context in which networks compute: bf16 autocast on a GPU, float32 on a CPU.

    Args:
        device: Device that computes.
        float32: True for float32 on a GPU, too.
    """
    if device.type == "cuda" and not float32:
        return torch.autocast("cuda", dtype=torch.bfloat16)
    return nullcontext()
