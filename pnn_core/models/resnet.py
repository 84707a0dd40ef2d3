"""Residual networks with any of the spatial layers."""

from collections import OrderedDict
from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional

from pnn_core.config import ModelConfig
from pnn_core.fused.sequential import FusedSequential
from pnn_core.layers.classifier import build_classifier
from pnn_core.layers.leaf_module import LeafModule
from pnn_core.layers.spatial import build_spatial_unit
from pnn_core.layers.stem import build_stem
from pnn_core.models.backbone import Backbone
from pnn_core.parts.feature_map import FeatureMap
from pnn_core.parts.networks.residual import BlockShape, ResidualNetwork
from pnn_core.rng.generators import spawn


class BasicBlock(nn.Module):
    """Two spatial layers and a shortcut.

    As published, [layer → pool → BN → ReLU] → [layer → BN] → + shortcut → ReLU. The pool stands
    where the 3×3 convolution had its stride; the shortcut is a strided 1×1 with BN where shapes
    differ. `before_addition` may put a ReLU behind the last BN.

    Args:
        config: Network to build.
        shape: Shapes around the block.
        generator: CPU source of the randomness of masks and filters.
        padded: True if the shortcut has no parameters (see `build_shortcut`).
    """

    def __init__(
        self,
        config: ModelConfig,
        shape: BlockShape,
        generator: torch.Generator,
        *,
        padded: bool = False,
    ) -> None:
        super().__init__()
        first, second = shape.layers
        self.first = build_spatial_unit(config, first, generator, strided=True)
        relu = config.before_addition == "bn_relu"
        self.second = build_spatial_unit(config, second, generator, strided=True, relu=relu)
        self.shortcut = build_shortcut(shape.inputs, shape.outputs, shape.stride, padded=padded)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map `[batch, *shape.inputs]` to `[batch, *shape.outputs]`."""
        return self.second.add_relu(self.first(x), self.shortcut(x))


class BottleneckBlock(nn.Module):
    """One spatial layer between two 1×1 convolutions, and a shortcut.

    [1×1 → BN → ReLU] → [layer → pool → BN → ReLU] → [1×1 → BN] → + shortcut → ReLU. A 3×3
    convolution halves by its own stride ("ResNet v1.5").

    Args:
        config: Network to build.
        shape: Shapes around the block.
        generator: CPU source of the randomness of masks and filters.
        padded: True if the shortcut has no parameters (see `build_shortcut`).
    """

    def __init__(
        self,
        config: ModelConfig,
        shape: BlockShape,
        generator: torch.Generator,
        *,
        padded: bool = False,
    ) -> None:
        super().__init__()
        (place,) = shape.layers
        inner, outputs = place.out_channels, shape.outputs.channels
        self.reduce = FusedSequential(
            nn.Conv2d(shape.inputs.channels, inner, kernel_size=1, bias=False),
            nn.BatchNorm2d(inner),
            nn.ReLU(inplace=True),
        )
        self.spatial = build_spatial_unit(config, place, generator, strided=True)
        self.expand = FusedSequential(
            nn.Conv2d(inner, outputs, kernel_size=1, bias=False), nn.BatchNorm2d(outputs)
        )
        if config.before_addition == "bn_relu":
            self.expand.append(nn.ReLU(inplace=True))
        self.shortcut = build_shortcut(shape.inputs, shape.outputs, shape.stride, padded=padded)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map `[batch, *shape.inputs]` to `[batch, *shape.outputs]`."""
        return self.expand.add_relu(self.spatial(self.reduce(x)), self.shortcut(x))


class ResNet(nn.Module):
    """Stem, stages of residual blocks, global average pool, linear classifier.

    Args:
        config: Network to build.
        network: Its entry in `NETWORKS`.
        generator: CPU source of the randomness of masks and filters. Weights are torch's
            defaults, from the global generator.
    """

    def __init__(
        self, config: ModelConfig, network: ResidualNetwork, generator: torch.Generator
    ) -> None:
        super().__init__()
        self.stem = build_stem(config, bias=False, generator=spawn(generator))
        self.blocks = nn.Sequential(*build_blocks(config, network, generator))
        self.classify = build_classifier(
            network.classifier(config), config.dataset.classes, config.dropout
        )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Map normalised images `[batch, channels, height, width]` to logits `[batch, classes]`."""
        logits: torch.Tensor = self.classify(self.blocks(self.stem(images)))
        return logits


def build_backbone(
    config: ModelConfig, network: ResidualNetwork, generator: torch.Generator
) -> Backbone:
    """Build a stem and all stages but the last, and the last one with a pool behind it.

    Args:
        config: Detector to build.
        network: Its entry in `NETWORKS`.
        generator: CPU source of the randomness of masks and filters.
    """
    stem = build_stem(config, bias=False, generator=spawn(generator))
    blocks = build_blocks(config, network, generator)
    named = [(str(number), block) for number, block in enumerate(blocks)]
    first, last = (
        nn.Sequential(OrderedDict(part))
        for part in (named[: network.feature_blocks], named[network.feature_blocks :])
    )
    pooled = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(config.dropout)]
    return Backbone(
        features=nn.Sequential(OrderedDict([("stem", stem), ("blocks", first)])),
        head=nn.Sequential(OrderedDict([("blocks", last), ("pool", nn.Sequential(*pooled))])),
    )


def build_blocks(
    config: ModelConfig, network: ResidualNetwork, generator: torch.Generator
) -> list[nn.Module]:
    """Build the residual blocks, in order; arguments as `build_backbone` has them."""
    block = BottleneckBlock if network.bottleneck else BasicBlock
    return [
        block(config, shape, generator, padded=network.padded_shortcut)
        for shape in network.blocks(config)
    ]


def build_shortcut(
    inputs: FeatureMap, outputs: FeatureMap, stride: int, *, padded: bool
) -> nn.Module:
    """Build a strided 1×1 with BN or, if `padded`, picked pixels and channels of 0.

    Where the shapes are equal, build nothing.
    """
    if inputs == outputs:
        return nn.Identity()
    if padded:
        return PaddedShortcut(outputs.channels - inputs.channels, stride)
    return FusedSequential(
        StridedConv1x1(inputs.channels, outputs.channels, stride),
        nn.BatchNorm2d(outputs.channels),
    )


class PaddedShortcut(LeafModule):
    """Every `stride`-th pixel, with channels of 0 behind those that come in.

    Option A of He et al., CVPR 2016, Section 4.2.

    Args:
        added: Number of channels to add.
        stride: Step in rows and columns.
        replicates: Number of networks whose channels come in, those of the first one first.
    """

    def __init__(self, added: int, stride: int, *, replicates: int = 1) -> None:
        super().__init__()
        self.added = added
        self.every = stride
        self.replicates = replicates

    @property
    def macs_per_output(self) -> int:
        """Multiply-accumulates for each value: none."""
        return 0

    @classmethod
    def pack(cls, modules: Sequence["PaddedShortcut"]) -> "PaddedShortcut":
        """Add channels behind those of each replicate."""
        first = modules[0]
        return cls(first.added, first.every, replicates=len(modules))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map `[batch, p, h, w]` to `[batch, p + added, ⌈h/stride⌉, ⌈w/stride⌉]`."""
        picked = every_nth(x, self.every).unflatten(1, (self.replicates, -1))
        padded: torch.Tensor = functional.pad(picked, (0, 0, 0, 0, 0, self.added)).flatten(1, 2)
        return padded


class StridedConv1x1(nn.Conv2d):
    """A 1×1 convolution of every `stride`-th pixel, without bias.

    The pixels are picked first, because torch 2.14's CPU library (oneDNN) writes out of bounds in
    the backward pass of a strided 1×1 over fewer than 16 channels-last maps of 64×64 pixels.

    Args:
        in_channels: Channels of what comes in.
        out_channels: Channels of what goes out.
        stride: Step in rows and columns.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__(in_channels, out_channels, kernel_size=1, bias=False)
        self.every = stride

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map `[batch, in_channels, h, w]` to `[batch, out_channels, ⌈h/stride⌉, ⌈w/stride⌉]`."""
        return super().forward(every_nth(x, self.every))


def every_nth(x: torch.Tensor, n: int) -> torch.Tensor:
    """Pick each n-th pixel of each n-th row, the first ones first.

    An average of one pixel: its gradient is written in a third of the time that two slices take.
    """
    return functional.avg_pool2d(x, kernel_size=1, stride=n)
