"""A spatial layer in its network: with the pool, BN and ReLU behind it."""

from collections import OrderedDict

import torch
from torch import nn

from pnn_core.config import ModelConfig, Pooling
from pnn_core.fused.sequential import FusedSequential
from pnn_core.parts.feature_map import FeatureMap
from pnn_core.parts.layers import SPATIAL_LAYERS


def build_spatial_unit(
    config: ModelConfig,
    inputs: FeatureMap,
    out_channels: int,
    *,
    stride: int,
    strided: bool,
    bias: bool,
    relu: bool,
    generator: torch.Generator,
) -> FusedSequential:
    """Build a spatial layer with the pool, BN and ReLU behind it.

    As published, the pool stands directly behind the layer: layer → pool → BN → ReLU. Behind a
    3×3 convolution, and with the orders `..._conv_bn_relu`: layer → BN → ReLU → pool.

    Args:
        config: Network to build.
        inputs: Shape of what comes in.
        out_channels: Number of output channels.
        stride: Stride of the unit; 2 halves the map.
        strided: True if a 3×3 convolution halves by its stride, as in a ResNet, and not by a pool,
            as in VGG.
        bias: True if the convolution, or the 1×1 combination, has one.
        relu: True if a ReLU follows the BN.
        generator: CPU source of the randomness of masks and filters.

    Returns:
        Parts `layer`, `norm` and, where there are any, `pool` and `relu`.
    """
    entry = SPATIAL_LAYERS[config.layer]
    halve_by_stride = entry.as_convolution and strided
    layer = entry.build(
        config,
        inputs,
        out_channels,
        stride=stride if halve_by_stride else 1,
        bias=bias,
        generator=generator,
    )
    norm: list[tuple[str, nn.Module]] = [("norm", nn.BatchNorm2d(out_channels))]
    if relu:
        norm.append(("relu", nn.ReLU(inplace=True)))
    pool = [("pool", build_pool(config.pooling))] if stride > 1 and not halve_by_stride else []
    behind = norm + pool if entry.normalises_before_pool(config) else pool + norm
    return FusedSequential(OrderedDict([("layer", layer), *behind]))


def build_pool(pooling: Pooling) -> nn.Module:
    """Build a 2×2 pool of stride 2.

    Rounding up keeps odd maps as large as a strided convolution makes them, and a map of one pixel
    at one pixel. An average is over the pixels that are there.
    """
    if pooling == "max":
        return nn.MaxPool2d(kernel_size=2, ceil_mode=True)
    return nn.AvgPool2d(kernel_size=2, ceil_mode=True)
