"""Noise masks: drawn once, never trained."""

import math

import torch

from pnn_core.config import MaskConfig


def draw_masks(
    mask_count: int, height: int, width: int, config: MaskConfig, generator: torch.Generator
) -> torch.Tensor:
    """Draw the masks N of one perturbation layer (paper Eq. 2 and Section 4.2).

    Args:
        mask_count: Masks to draw, m.
        height: Height of the feature map in pixels.
        width: Width of the feature map in pixels.
        config: Level and distribution of the noise.
        generator: CPU source of randomness, so that a seed gives the same masks on every device.

    Returns:
        `[mask_count, height, width]`, float32 on the CPU.
    """
    masks = torch.empty(mask_count, height, width)
    if config.noise_distribution == "uniform":
        return masks.uniform_(-config.noise_level, config.noise_level, generator=generator)
    # The variance of U(−ℓ, ℓ) is ℓ²/3.
    return masks.normal_(0.0, config.noise_level / math.sqrt(3.0), generator=generator)
