"""A network's learnable parameters in closed form: no network is built, and torch is not needed.

`pnn_core.models.costs` counts the same on the network itself.
"""

from itertools import pairwise

from pnn_core.architecture.feature_map import FeatureMap
from pnn_core.architecture.networks import (
    STAGE_BLOCKS,
    BlockShape,
    classifier_shape,
    plain_layers,
    residual_blocks,
)
from pnn_core.config import ModelConfig


def count_learnable_params(config: ModelConfig) -> int:
    """Count what the optimiser changes; grows with the width, all else being equal."""
    if config.network in STAGE_BLOCKS:
        block_size = _bottleneck if config.network == "resnet50" else _basic_block
        stem = _stem(config, bias=False)
        layers = sum(block_size(config, shape) for shape in residual_blocks(config))
    else:
        stem = _stem(config, bias=True)
        layers = sum(
            _spatial_layer(config, shape.inputs, shape.outputs.channels, bias=True)
            + _norm(shape.outputs.channels)
            for shape in plain_layers(config)
        )
    return stem + layers + _classifier(config)


def _stem(config: ModelConfig, *, bias: bool) -> int:
    stem, channels = config.first_layer, config.dataset.channels
    weights_per_output = {
        "conv3x3": 9 * channels,
        "conv3x3_frozen": 0,
        "conv7x7": 49 * channels,
        "perturbation": stem.stem_fan_out * channels,
    }[stem.stem]
    return (weights_per_output + bias) * config.width + _norm(config.width)


def _basic_block(config: ModelConfig, shape: BlockShape) -> int:
    channels = shape.outputs.channels
    first = _spatial_layer(config, shape.inputs, channels, bias=config.layer != "conv3x3")
    second = _spatial_layer(config, shape.inner, channels, bias=False)
    return first + second + 2 * _norm(channels) + _shortcut(shape)


def _bottleneck(config: ModelConfig, shape: BlockShape) -> int:
    inner, outputs = shape.inner.channels, shape.outputs.channels
    reduced = shape.inputs.after(inner, 1)
    spatial = _spatial_layer(config, reduced, inner, bias=config.layer != "conv3x3")
    around = shape.inputs.channels * inner + inner * outputs
    return around + spatial + 2 * _norm(inner) + _norm(outputs) + _shortcut(shape)


def _shortcut(shape: BlockShape) -> int:
    if shape.inputs == shape.outputs:
        return 0
    return shape.inputs.channels * shape.outputs.channels + _norm(shape.outputs.channels)


def _spatial_layer(config: ModelConfig, inputs: FeatureMap, outputs: int, *, bias: bool) -> int:
    """What `pnn_core.layers.spatial` builds, without the BN behind it."""
    if config.layer == "conv3x3":
        return (9 * inputs.channels + bias) * outputs
    if config.layer == "conv1x1":
        return (inputs.channels + bias) * outputs
    maps = config.fan_out * inputs.channels
    size = (maps // (inputs.channels if config.grouped else 1) + bias) * outputs
    if config.order == "noise_relu_bn_conv":
        size += _norm(maps)
    if config.mix_maps:
        size += _norm(outputs) + (outputs + bias) * outputs
    if config.mask.trained_masks:
        masks = maps if config.mask.unique_masks else config.fan_out
        size += masks * inputs.pixels
    return size


def _classifier(config: ModelConfig) -> int:
    shape = classifier_shape(config)
    widths = (
        shape.pooled.channels * shape.pooled.pixels,
        *shape.hidden,
        config.dataset.classes,
    )
    return sum((inputs + 1) * outputs for inputs, outputs in pairwise(widths))


def _norm(channels: int) -> int:
    """A batch normalisation's scale and shift."""
    return 2 * channels
