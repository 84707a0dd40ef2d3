"""What stands where the 3×3 convolution stood, and what follows it."""

from collections import OrderedDict

import torch
from torch import nn

from pnn_core.architecture.feature_map import FeatureMap
from pnn_core.config import ModelConfig, Pooling
from pnn_core.fused.sequential import FusedSequential
from pnn_core.layers.local_binary import LocalBinaryLayer
from pnn_core.layers.perturbation import PerturbationLayer


def build_spatial_layer(
    config: ModelConfig,
    inputs: FeatureMap,
    out_channels: int,
    *,
    stride: int,
    bias: bool,
    generator: torch.Generator,
) -> nn.Module:
    """Build the layer that `ModelConfig.layer` names.

    Args:
        config: The network.
        inputs: Shape of what comes in.
        out_channels: q.
        stride: Of a 3×3 convolution; the other layers have none.
        bias: Whether the convolution, or the 1×1 combination, has one.
        generator: CPU source of the randomness of masks and filters.
    """
    if config.layer == "conv3x3":
        return nn.Conv2d(
            inputs.channels, out_channels, kernel_size=3, stride=stride, padding=1, bias=bias
        )
    if config.layer == "conv1x1":
        return nn.Conv2d(inputs.channels, out_channels, kernel_size=1, bias=bias)
    if config.layer == "local_binary":
        return LocalBinaryLayer(
            inputs.channels,
            out_channels,
            fan_out=config.fan_out,
            nonzero_share=config.mask.nonzero_share,
            order=config.order,
            bias=bias,
            generator=generator,
        )
    return PerturbationLayer(
        inputs.channels,
        out_channels,
        fan_out=config.fan_out,
        height=inputs.height,
        width=inputs.width,
        mask=config.mask,
        order=config.order,
        bias=bias,
        generator=generator,
        grouped=config.grouped,
        mix_maps=config.mix_maps,
    )


def build_spatial_unit(
    config: ModelConfig,
    inputs: FeatureMap,
    out_channels: int,
    *,
    stride: int,
    conv_strides: bool,
    bias: bool,
    relu: bool,
    generator: torch.Generator,
) -> FusedSequential:
    """Build a spatial layer with the pool, BN and ReLU behind it.

    As published, the pool stands directly behind the layer: layer → pool → BN → ReLU. Behind a
    3×3 convolution, and with the orders `..._conv_bn_relu`: layer → BN → ReLU → pool.

    Args:
        config: The network.
        inputs: Shape of what comes in.
        out_channels: Channels of what goes out.
        stride: 2 halves the map.
        conv_strides: Whether a 3×3 convolution halves by its stride, as in a ResNet, and not by a
            pool, as in VGG.
        bias: Whether the convolution, or the 1×1 combination, has one.
        relu: Whether a ReLU follows the BN.
        generator: CPU source of the randomness of masks and filters.

    Returns:
        Parts `layer`, `norm` and, where there are any, `pool` and `relu`.
    """
    is_conv3x3 = config.layer == "conv3x3"
    halve_by_stride = is_conv3x3 and conv_strides
    layer = build_spatial_layer(
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
    behind = norm + pool if is_conv3x3 or _normalises_before_pool(config) else pool + norm
    return FusedSequential(OrderedDict([("layer", layer), *behind]))


def build_pool(pooling: Pooling) -> nn.Module:
    """A 2×2 pool of stride 2.

    Rounding up keeps odd maps as large as a strided convolution makes them, and a map of one pixel
    at one pixel. An average is over the pixels that are there.
    """
    if pooling == "max":
        return nn.MaxPool2d(kernel_size=2, ceil_mode=True)
    return nn.AvgPool2d(kernel_size=2, ceil_mode=True)


def _normalises_before_pool(config: ModelConfig) -> bool:
    """Whether the order, which a plain convolution has not, puts BN and ReLU before the pool."""
    has_order = config.layer in ("perturbation", "local_binary")
    return has_order and config.order.endswith("_conv_bn_relu")
