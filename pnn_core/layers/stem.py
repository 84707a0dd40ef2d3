"""The first layer."""

import torch
from torch import nn

from pnn_core.config import Activation, ModelConfig
from pnn_core.fused.sequential import FusedSequential
from pnn_core.parts.stems import STEMS

ACTIVATIONS: dict[Activation, type[nn.Module]] = {
    "relu": nn.ReLU,
    "sigmoid": nn.Sigmoid,
    "none": nn.Identity,
}


def build_stem(
    config: ModelConfig, *, bias: bool, generator: torch.Generator, norm: bool = True
) -> nn.Sequential:
    """Build the stem that `StemConfig.stem` names, then BN, ReLU and its pool, if it has one.

    Args:
        config: Network to build.
        bias: True if the convolution has one.
        generator: CPU source of the randomness of frozen weights and masks.
        norm: True if the network has a BN there.

    Returns:
        Parts in order; they give maps of the shape `Stem.outputs`.
    """
    stem = STEMS[config.first_layer.stem]
    layers = stem.build(config, bias=bias, generator=generator)
    if norm:
        layers.append(nn.BatchNorm2d(config.width))
    layers.append(nn.ReLU(inplace=True))
    if stem.pools:
        layers.append(nn.MaxPool2d(kernel_size=3, stride=2, padding=1))
    return FusedSequential(*layers)
