"""Networks as lists of shapes, shared by modules and by `parameter_count`. Needs no torch.

Every network is a first layer, spatial layers in residual blocks or one after the other, and a
classifier. All widths are multiples of p (`ModelConfig.width`).
"""

from dataclasses import dataclass

from pnn_core.architecture.feature_map import FeatureMap
from pnn_core.config import ModelConfig, Network

STAGE_BLOCKS: dict[Network, tuple[int, ...]] = {
    "resnet8": (1, 1, 1),
    "resnet18": (2, 2, 2, 2),
    "resnet34": (3, 4, 6, 3),
    "resnet50": (3, 4, 6, 3),
}
"""Residual blocks of each stage; stage i has width 2^i · p and halves the map where i > 0."""

BOTTLENECK_EXPANSION = 4
"""A bottleneck gives four times as many channels as its spatial layer has."""

PLAIN_STAGES: dict[Network, tuple[tuple[int, int], ...]] = {
    "vgg16": ((1, 2), (2, 2), (4, 3), (8, 3), (8, 3)),
    "lenet": ((1, 1), (2, 1)),
}
"""Width, as a multiple of p, and layers of each stage, which ends with a pool. The first layer of
the first stage is the network's first layer."""

VGG_HIDDEN = (4096, 4096)
"""Hidden units of VGG's classifier, for images of at least `VGG_IMAGE` pixels a side."""

VGG_MAP = 7
"""Pixels a side to which that classifier's input is pooled."""

VGG_IMAGE = 224
"""The image size that classifier was made for. Smaller images get a global pool and one linear
layer, as is usual for CIFAR: the 123 million weights behind a 7×7 map would see copies of one
pixel."""

LENET_HIDDEN = (120, 84)
"""Hidden units of LeNet-5's classifier."""


@dataclass(frozen=True, kw_only=True)
class BlockShape:
    """Shapes around a residual block.

    Attributes:
        inputs: What comes in.
        inner: What the block's first spatial layer gives, halved where the stride is 2.
        outputs: What goes out.
        stride: 1 or 2.
    """

    inputs: FeatureMap
    inner: FeatureMap
    outputs: FeatureMap
    stride: int


@dataclass(frozen=True, kw_only=True)
class PlainLayerShape:
    """Shapes around a spatial layer without a shortcut.

    Attributes:
        inputs: What comes in.
        outputs: What goes out, halved where the stride is 2.
        stride: 1, or 2 at the end of a stage.
    """

    inputs: FeatureMap
    outputs: FeatureMap
    stride: int


@dataclass(frozen=True, kw_only=True)
class ClassifierShape:
    """Shapes within the classifier.

    Attributes:
        inputs: What comes in.
        pooled: To what it is averaged first.
        hidden: Units of each hidden layer.
    """

    inputs: FeatureMap
    pooled: FeatureMap
    hidden: tuple[int, ...]


def after_stem(config: ModelConfig) -> FeatureMap:
    """What the first layer gives: `conv7x7` halves the image twice."""
    data = config.dataset
    image = FeatureMap(channels=data.channels, height=data.height, width=data.width)
    if config.first_layer.stem == "conv7x7":
        return image.after(config.width, 2).after(config.width, 2)
    return image.after(config.width, 1)


def residual_blocks(config: ModelConfig) -> tuple[BlockShape, ...]:
    """The blocks of a ResNet, in order."""
    shape = after_stem(config)
    expansion = BOTTLENECK_EXPANSION if config.network == "resnet50" else 1
    blocks = []
    for stage, count in enumerate(STAGE_BLOCKS[config.network]):
        for block in range(count):
            stride = 2 if stage > 0 and block == 0 else 1
            inner = shape.after(config.width * 2**stage, stride)
            outputs = inner.after(inner.channels * expansion, 1)
            blocks.append(BlockShape(inputs=shape, inner=inner, outputs=outputs, stride=stride))
            shape = outputs
    return tuple(blocks)


def plain_layers(config: ModelConfig) -> tuple[PlainLayerShape, ...]:
    """The spatial layers of a network without shortcuts, in order, without the first layer.

    The first layer gives `after_stem`; where its stage has no other layer, a pool follows at once.
    """
    stages = PLAIN_STAGES[config.network]
    shape = after_stem(config)
    if pools_behind_stem(config):
        shape = shape.after(shape.channels, 2)
    layers = []
    for stage, (multiple, count) in enumerate(stages):
        for layer in range(1 if stage == 0 else 0, count):
            stride = 2 if layer == count - 1 else 1
            outputs = shape.after(config.width * multiple, stride)
            layers.append(PlainLayerShape(inputs=shape, outputs=outputs, stride=stride))
            shape = outputs
    return tuple(layers)


def pools_behind_stem(config: ModelConfig) -> bool:
    """Whether the first layer is the only one of a plain network's first stage."""
    return PLAIN_STAGES[config.network][0][1] == 1


def classifier_shape(config: ModelConfig) -> ClassifierShape:
    """What the classifier is made of."""
    if config.network in STAGE_BLOCKS:
        inputs = residual_blocks(config)[-1].outputs
        return ClassifierShape(inputs=inputs, pooled=_square(inputs, 1), hidden=())
    inputs = plain_layers(config)[-1].outputs
    if config.network == "lenet":
        return ClassifierShape(inputs=inputs, pooled=inputs, hidden=LENET_HIDDEN)
    if min(config.dataset.height, config.dataset.width) >= VGG_IMAGE:
        pooled = _square(inputs, VGG_MAP)
        return ClassifierShape(inputs=inputs, pooled=pooled, hidden=VGG_HIDDEN)
    return ClassifierShape(inputs=inputs, pooled=_square(inputs, 1), hidden=())


def _square(shape: FeatureMap, side: int) -> FeatureMap:
    return FeatureMap(channels=shape.channels, height=side, width=side)
