"""Residual networks as lists of block shapes."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pnn_core.parts.feature_map import FeatureMap
from pnn_core.parts.layers import SPATIAL_LAYERS
from pnn_core.parts.networks.network import ClassifierShape, Network, norm_params, unit_params
from pnn_core.parts.stems import STEMS

if TYPE_CHECKING:
    import torch
    from torch import nn

    from pnn_core.config import ModelConfig

BOTTLENECK_EXPANSION = 4
"""Output channels of a bottleneck for each channel of its spatial layer."""


@dataclass(frozen=True, kw_only=True)
class BlockShape:
    """Shapes around a residual block.

    Attributes:
        inputs: Shape of what comes in.
        inner: Shape of what the block's first spatial layer gives, halved where the stride is 2.
        outputs: Shape of what goes out.
        stride: 1 or 2.
    """

    inputs: FeatureMap
    inner: FeatureMap
    outputs: FeatureMap
    stride: int


@dataclass(frozen=True, kw_only=True)
class ResidualNetwork(Network):
    """Stages of residual blocks; stage i has width 2^i · p and halves the map where i > 0.

    Attributes:
        stage_blocks: Number of blocks of each stage.
        bottleneck: True if a block is one spatial layer between two 1×1s, and not two of them.
    """

    stage_blocks: tuple[int, ...]
    bottleneck: bool = False
    uses: frozenset[str] = frozenset({"before_addition"})
    strided: bool = True
    stem_bias: bool = False

    def blocks(self, config: "ModelConfig") -> tuple[BlockShape, ...]:
        """List the blocks, in order."""
        shape = STEMS[config.first_layer.stem].outputs(config)
        expansion = BOTTLENECK_EXPANSION if self.bottleneck else 1
        blocks = []
        for stage, count in enumerate(self.stage_blocks):
            for block in range(count):
                stride = 2 if stage > 0 and block == 0 else 1
                inner = shape.after(config.width * 2**stage, stride)
                outputs = inner.after(inner.channels * expansion, 1)
                blocks.append(BlockShape(inputs=shape, inner=inner, outputs=outputs, stride=stride))
                shape = outputs
        return tuple(blocks)

    def body_params(self, config: "ModelConfig") -> int:
        """Count the blocks."""
        block = _bottleneck_params if self.bottleneck else _basic_block_params
        return sum(block(config, shape) for shape in self.blocks(config))

    def first_inputs(self, config: "ModelConfig") -> FeatureMap:
        """Return the shape within the first block."""
        first = self.blocks(config)[0]
        return first.inputs.after(first.inner.channels, 1) if self.bottleneck else first.inputs

    def classifier(self, config: "ModelConfig") -> ClassifierShape:
        """Return a global pool and one linear layer."""
        inputs = self.blocks(config)[-1].outputs
        return ClassifierShape(inputs=inputs, pooled=inputs.resized(1))

    def build(self, config: "ModelConfig", generator: "torch.Generator") -> "nn.Module":
        """Build a `pnn_core.models.resnet.ResNet`."""
        from pnn_core.models.resnet import ResNet

        return ResNet(config, self, generator)


def has_bias(config: "ModelConfig") -> bool:
    """Return True if a block's first spatial layer has a bias."""
    return not SPATIAL_LAYERS[config.layer].as_convolution


def _basic_block_params(config: "ModelConfig", shape: BlockShape) -> int:
    channels = shape.outputs.channels
    first = unit_params(config, shape.inputs, channels, bias=has_bias(config))
    second = unit_params(config, shape.inner, channels, bias=False)
    return first + second + _shortcut_params(shape)


def _bottleneck_params(config: "ModelConfig", shape: BlockShape) -> int:
    inner, outputs = shape.inner.channels, shape.outputs.channels
    reduced = shape.inputs.after(inner, 1)
    spatial = unit_params(config, reduced, inner, bias=has_bias(config))
    around = shape.inputs.channels * inner + norm_params(inner) + inner * outputs
    return around + spatial + norm_params(outputs) + _shortcut_params(shape)


def _shortcut_params(shape: BlockShape) -> int:
    if shape.inputs == shape.outputs:
        return 0
    return shape.inputs.channels * shape.outputs.channels + norm_params(shape.outputs.channels)
