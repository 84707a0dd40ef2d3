"""Noise masks and binary filters: fixed random numbers, drawn once."""

import math

import torch

from pnn_core.config import MaskConfig
from pnn_core.rng.blur import blur_matrix


def draw_masks(
    mask_count: int,
    height: int,
    width: int,
    config: MaskConfig,
    generator: torch.Generator,
    device: torch.device | None = None,
) -> torch.Tensor:
    """Draw the masks N of one perturbation layer (paper Eq. 2 and Section 4.2).

    Args:
        mask_count: Number of masks to draw.
        height: Height of the feature map in pixels.
        width: Width of the feature map in pixels.
        config: Level and distribution of the noise.
        generator: Source of randomness; on the CPU, so that a seed gives the same masks on every
            device, unless they are drawn too often for that.
        device: Device of the generator; None for the current one.

    Returns:
        `[mask_count, height, width]`, float32.
    """
    masks = torch.empty(mask_count, height, width, device=device)
    if config.noise_distribution == "uniform":
        return masks.uniform_(-config.noise_level, config.noise_level, generator=generator)
    # The variance of U(−ℓ, ℓ) is ℓ²/3.
    return masks.normal_(0.0, config.noise_level / math.sqrt(3.0), generator=generator)


def blur_masks(masks: torch.Tensor, deviation: float) -> torch.Tensor:
    """Blur each mask by a Gaussian, and keep its variance (`pnn_core.rng.blur`).

    Args:
        masks: `[mask_count, height, width]`.
        deviation: Standard deviation of the Gaussian, in pixels; 0 for no blur.
    """
    if deviation == 0 or masks.is_meta:
        return masks
    rows, columns = (torch.from_numpy(blur_matrix(side, deviation)) for side in masks.shape[1:])
    return (rows @ masks.double() @ columns.T).to(masks.dtype)


def draw_binary_filters(
    filter_count: int, in_channels: int, nonzero_share: float, generator: torch.Generator
) -> torch.Tensor:
    """Draw the filters b of one local binary layer (paper Eq. 1): sparse, of −1, 0 and 1.

    The published code (https://github.com/juefeix/lbcnn.pytorch) draws places with replacement, so
    that a sparsity of 0.5 leaves 1 − e^(−1/2) = 0.394 of its weights nonzero: `nonzero_share` 0.394
    has that density here. Its normalisations stand elsewhere than those of any order here.

    Exactly that share of the layer's weights is not 0, rounded to a whole number and at least one,
    at places drawn without replacement; each is 1 or −1 with equal chance.

    Args:
        filter_count: Number of filters to draw, m.
        in_channels: Number of channels that each filter sees.
        nonzero_share: Share of the weights that are not 0, above 0 and up to 1.
        generator: CPU source of randomness.

    Returns:
        `[filter_count, in_channels, 3, 3]`, float32.
    """
    filters = torch.zeros(filter_count, in_channels, 3, 3)
    if filters.is_meta:
        # Only the shape is asked for, and sorting without numbers would import a compiler.
        return filters
    count = filters.numel()
    nonzero = max(1, round(nonzero_share * count))
    signs = torch.empty(count).bernoulli_(0.5, generator=generator).mul_(2.0).sub_(1.0)
    places = torch.randperm(count, generator=generator)[:nonzero]
    filters.view(-1)[places] = signs[:nonzero]
    return filters
