"""Initial weights of convolutions, beside torch's own."""

import math

import torch
from torch import nn


def draw_published_weights(network: nn.Module) -> None:
    """Draw all learned weights of a network's convolutions again, as the published codes do.

    They draw from N(0, √(2 / (k²·q))), k the side of the kernel and q the number of output
    channels, also where a 1×1 is grouped; nothing else differs from torch's default, which is what
    biases, linear layers and batch normalisations keep. Frozen weights stay: who froze them drew
    them. The draws are of torch's global generator.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d) and module.weight.requires_grad:
            nn.init.normal_(module.weight, std=published_deviation(module))


def draw_frozen_weights(conv: nn.Conv2d, generator: torch.Generator, *, as_published: bool) -> None:
    """Draw weights from a generator, and train them no more.

    The masks' seed regrows them then, and the weights of the layers behind stay those that they are
    with a learned stem.

    Args:
        conv: Convolution to freeze.
        generator: CPU source of randomness.
        as_published: True to draw as the published codes do; else as torch does.
    """
    if as_published:
        nn.init.normal_(conv.weight, std=published_deviation(conv), generator=generator)
    else:
        nn.init.kaiming_uniform_(conv.weight, a=math.sqrt(5), generator=generator)
    conv.weight.requires_grad_(False)


def published_deviation(conv: nn.Conv2d) -> float:
    """Return √(2 / (k²·q)): `weights_init` in https://github.com/juefeix/pnn.pytorch."""
    return math.sqrt(2 / (math.prod(conv.kernel_size) * conv.out_channels))
