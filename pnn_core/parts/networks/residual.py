"""Residual networks as lists of block shapes."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pnn_core.parts.detector_shape import REGION_SIDE, DetectorShape
from pnn_core.parts.feature_map import FeatureMap
from pnn_core.parts.layer_place import LayerPlace
from pnn_core.parts.layers import SPATIAL_LAYERS
from pnn_core.parts.networks.detector_network import DetectorNetwork
from pnn_core.parts.networks.network import ClassifierShape, norm_params, unit_params
from pnn_core.parts.stems import STEMS
from pnn_core.parts.task_names import CLASSIFICATION, DETECTION

if TYPE_CHECKING:
    import torch
    from torch import nn

    from pnn_core.config import ModelConfig
    from pnn_core.models.backbone import Backbone

BOTTLENECK_EXPANSION = 4
"""Output channels of a bottleneck for each channel of its spatial layer."""


@dataclass(frozen=True, kw_only=True)
class BlockShape:
    """Shapes around a residual block.

    Attributes:
        inputs: Shape of what comes in.
        layers: Places of the spatial layers: two, or the one of a bottleneck.
        outputs: Shape of what goes out.
        stride: 1 or 2.
    """

    inputs: FeatureMap
    layers: tuple[LayerPlace, ...]
    outputs: FeatureMap
    stride: int


@dataclass(frozen=True, kw_only=True)
class ResidualNetwork(DetectorNetwork):
    """Stages of residual blocks; stage i has width 2^i · p and halves the map where i > 0.

    A detector has the stem and all stages but the last as features, and the last stage, then a
    global pool, as the head of each region. Regions are aligned to 7×7 pixels, on which that stage
    has masks of its own size, and it does not halve them: He et al. align to 14×14 and halve, the
    paper's base code aligns to 7×7 and halves to 4×4. The features' stride is 16 with four stages
    and the stem `conv7x7`, 4 with a stem of stride 1, and half of either with three stages.

    Attributes:
        stage_blocks: Number of blocks of each stage.
        bottleneck: True if a block is one spatial layer between two 1×1s, and not two of them.
        padded_shortcut: True if a shortcut between unequal shapes picks pixels and adds channels
            of 0, and is not a strided 1×1 with BN.
    """

    stage_blocks: tuple[int, ...]
    bottleneck: bool = False
    padded_shortcut: bool = False
    uses: frozenset[str] = frozenset({"before_addition", "pooling"})
    strided: bool = True
    stem_bias: bool = False
    tasks: frozenset[str] = frozenset({CLASSIFICATION, DETECTION})

    def blocks(self, config: "ModelConfig") -> tuple[BlockShape, ...]:
        """List the blocks, in order; those of a detector's last stage see regions."""
        shape = STEMS[config.first_layer.stem].outputs(config)
        blocks = []
        for stage, count in enumerate(self.stage_blocks):
            sees_regions = config.dataset.task == DETECTION and stage == len(self.stage_blocks) - 1
            if sees_regions:
                shape = shape.resized(REGION_SIDE)
            for number in range(count):
                stride = 2 if stage > 0 and number == 0 and not sees_regions else 1
                block = self._block(config, shape, config.width * 2**stage, stride)
                blocks.append(block)
                shape = block.outputs
        return tuple(blocks)

    def _block(
        self, config: "ModelConfig", inputs: FeatureMap, width: int, stride: int
    ) -> BlockShape:
        first = LayerPlace(
            inputs=inputs.after(width, 1) if self.bottleneck else inputs,
            out_channels=width,
            stride=stride,
            bias=not SPATIAL_LAYERS[config.layer].as_convolution,
        )
        if self.bottleneck:
            outputs = first.outputs.after(width * BOTTLENECK_EXPANSION, 1)
            return BlockShape(inputs=inputs, layers=(first,), outputs=outputs, stride=stride)
        # Only without a bias here do all of Table 5's parameter ratios come out within 2%.
        second = LayerPlace(inputs=first.outputs, out_channels=width, bias=False)
        outputs = second.outputs
        return BlockShape(inputs=inputs, layers=(first, second), outputs=outputs, stride=stride)

    def body_params(self, config: "ModelConfig") -> int:
        """Count the blocks."""
        blocks = self.blocks(config)
        size = sum(_block_params(config, block) for block in blocks)
        return size if self.padded_shortcut else size + sum(map(_shortcut_params, blocks))

    def first_inputs(self, config: "ModelConfig") -> FeatureMap:
        """Return the shape within the first block."""
        return self.blocks(config)[0].layers[0].inputs

    def classifier(self, config: "ModelConfig") -> ClassifierShape:
        """Return a global pool and one linear layer."""
        inputs = self.blocks(config)[-1].outputs
        return ClassifierShape(inputs=inputs, pooled=inputs.resized(1))

    @property
    def feature_blocks(self) -> int:
        """Number of the blocks that give a detector's features."""
        return sum(self.stage_blocks[:-1])

    def detector(self, config: "ModelConfig") -> DetectorShape:
        """Return features of all stages but the last, and a head of that one."""
        blocks = self.blocks(config)
        halved: int = 2 ** (len(self.stage_blocks) - 2)
        return DetectorShape(
            features=blocks[self.feature_blocks - 1].outputs,
            stride=STEMS[config.first_layer.stem].reduction * halved,
            outputs=blocks[-1].outputs.channels,
        )

    def backbone(self, config: "ModelConfig", generator: "torch.Generator") -> "Backbone":
        """Build the stages; see `pnn_core.models.resnet.build_backbone`."""
        from pnn_core.models.resnet import build_backbone

        return build_backbone(config, self, generator)

    def build(self, config: "ModelConfig", generator: "torch.Generator") -> "nn.Module":
        """Build a `pnn_core.models.resnet.ResNet`."""
        from pnn_core.models.resnet import ResNet

        return ResNet(config, self, generator)


def _block_params(config: "ModelConfig", block: BlockShape) -> int:
    """Count the spatial layers and the 1×1s around a bottleneck's."""
    inputs, outputs = block.inputs.channels, block.outputs.channels
    size = sum(unit_params(config, place) for place in block.layers)
    if len(block.layers) == 1:
        inner = block.layers[0].out_channels
        size += inputs * inner + norm_params(inner) + inner * outputs + norm_params(outputs)
    return size


def _shortcut_params(block: BlockShape) -> int:
    """Count a strided 1×1 and its BN where shapes differ."""
    if block.inputs == block.outputs:
        return 0
    outputs = block.outputs.channels
    return block.inputs.channels * outputs + norm_params(outputs)
