"""The first layer."""

import math

import torch
from torch import nn

from pnn_core.config import Activation, MaskConfig, ModelConfig
from pnn_core.fused.sequential import FusedSequential
from pnn_core.layers.perturbation import Perturbation

ACTIVATIONS: dict[Activation, type[nn.Module]] = {
    "relu": nn.ReLU,
    "sigmoid": nn.Sigmoid,
    "none": nn.Identity,
}


def build_stem(config: ModelConfig, *, bias: bool, generator: torch.Generator) -> nn.Sequential:
    """Build the first layer: what `StemConfig.stem` names, then BN and ReLU.

    `conv7x7` ends with a 3×3 max-pool of stride 2, whatever `ModelConfig.pooling` says: it is the
    stem of the published ResNets as a whole.

    Args:
        config: The network.
        bias: Whether the convolution has one.
        generator: CPU source of the randomness of frozen weights and masks.

    Returns:
        Parts in order; what they give has the shape `pnn_core.architecture.networks.after_stem`.
    """
    stem = config.first_layer.stem
    layers = (
        _perturbation(config, bias=bias, generator=generator)
        if stem == "perturbation"
        else [_convolution(config, bias=bias, generator=generator)]
    )
    layers += [nn.BatchNorm2d(config.width), nn.ReLU(inplace=True)]
    if stem == "conv7x7":
        layers.append(nn.MaxPool2d(kernel_size=3, stride=2, padding=1))
    return FusedSequential(*layers)


def _convolution(config: ModelConfig, *, bias: bool, generator: torch.Generator) -> nn.Module:
    stem = config.first_layer.stem
    size, stride = (7, 2) if stem == "conv7x7" else (3, 1)
    conv = nn.Conv2d(
        config.dataset.channels,
        config.width,
        kernel_size=size,
        stride=stride,
        padding=size // 2,
        bias=bias,
    )
    if stem == "conv3x3_frozen":
        # Drawn anew, by torch's default, so that the masks' seed regrows them and the weights of
        # the layers behind stay those that they are with a learned stem.
        nn.init.kaiming_uniform_(conv.weight, a=math.sqrt(5), generator=generator)
        conv.weight.requires_grad_(False)
    return conv


def _perturbation(
    config: ModelConfig, *, bias: bool, generator: torch.Generator
) -> list[nn.Module]:
    """Noise → activation → 1×1.

    The noise is uniform, fixed and each channel's own, whatever the masks of the other layers are:
    a control without noise in its layers keeps this stem as it is.
    """
    data, stem = config.dataset, config.first_layer
    perturb = Perturbation(
        data.channels,
        fan_out=stem.stem_fan_out,
        height=data.height,
        width=data.width,
        mask=MaskConfig(noise_level=stem.stem_noise_level),
        generator=generator,
    )
    map_count = stem.stem_fan_out * data.channels
    combine = nn.Conv2d(map_count, config.width, kernel_size=1, bias=bias)
    return [perturb, ACTIVATIONS[stem.stem_activation](), combine]
