"""A spatial layer in its network: with the pool, BN and ReLU behind it."""

from collections import OrderedDict
from dataclasses import replace

import torch
from torch import nn

from pnn_core.config import ModelConfig, Pooling
from pnn_core.fused.sequential import FusedSequential
from pnn_core.parts.layer_place import LayerPlace
from pnn_core.parts.layers import SPATIAL_LAYERS


def build_spatial_unit(
    config: ModelConfig,
    place: LayerPlace,
    generator: torch.Generator,
    *,
    strided: bool,
    relu: bool = True,
    norm: bool = True,
) -> FusedSequential:
    """Build a spatial layer with the pool, BN and ReLU behind it.

    As published, the pool stands directly behind the layer: layer → pool → BN → ReLU. Behind a
    3×3 convolution, and with the orders `..._conv_bn_relu`: layer → BN → ReLU → pool.

    Args:
        config: Network to build.
        place: Place of the layer, with the stride of the whole unit.
        generator: CPU source of the randomness of masks and filters.
        strided: True if a 3×3 convolution halves by its stride, as in a ResNet, and not by a pool,
            as in VGG.
        relu: True if a ReLU follows the BN.
        norm: True if the network has a BN there; else only the orders `..._conv_bn_relu` put one.

    Returns:
        Parts `layer` and, where there are any, `norm`, `pool` and `relu`.
    """
    entry = SPATIAL_LAYERS[config.layer]
    halve_by_stride = entry.as_convolution and strided
    layer = entry.build(config, place if halve_by_stride else replace(place, stride=1), generator)
    parts: list[tuple[str, nn.Module]] = []
    if norm or entry.ends_normalised(config):
        parts.append(("norm", nn.BatchNorm2d(place.out_channels)))
    if relu:
        parts.append(("relu", nn.ReLU(inplace=True)))
    pool = (
        [("pool", build_pool(config.pooling))] if place.stride > 1 and not halve_by_stride else []
    )
    behind = parts + pool if entry.normalises_before_pool(config) else pool + parts
    return FusedSequential(OrderedDict([("layer", layer), *behind]))


def build_pool(pooling: Pooling) -> nn.Module:
    """Build a 2×2 pool of stride 2.

    Rounding up keeps odd maps as large as a strided convolution makes them, and a map of one pixel
    at one pixel. An average is over the pixels that are there.
    """
    if pooling == "max":
        return nn.MaxPool2d(kernel_size=2, ceil_mode=True)
    return nn.AvgPool2d(kernel_size=2, ceil_mode=True)
