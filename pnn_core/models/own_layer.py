"""Check of a spatial layer of one's own: it gives what it says, in the place that it is given."""

from itertools import product

import torch

from pnn_core.config import DatasetShape, ModelConfig
from pnn_core.parts.feature_map import FeatureMap
from pnn_core.parts.layer_place import LayerPlace
from pnn_core.parts.layers import SPATIAL_LAYERS
from pnn_core.parts.own_code import describe

_INPUTS = FeatureMap(channels=6, height=8, width=8)


def require_layer(name: str) -> None:
    """Check that a layer can be built, keeps its shapes and has the parameters that it counts.

    Args:
        name: Name in `SPATIAL_LAYERS`.

    Raises:
        ValueError: Says in one sentence what does not hold.
    """
    entry = SPATIAL_LAYERS[name]
    shape = DatasetShape(channels=1, height=8, width=8, classes=2)
    config = ModelConfig(dataset=shape, layer=name, mask_count=_INPUTS.channels)
    strides = (1, 2) if entry.as_convolution else (1,)
    for stride, bias in product(strides, (True, False)):
        place = LayerPlace(inputs=_INPUTS, out_channels=10, stride=stride, bias=bias)
        try:
            module = entry.build(config, place, torch.Generator().manual_seed(0))
            with torch.no_grad():
                given = module(torch.zeros(2, *_shape(_INPUTS)))
            counted = entry.learnable_params(config, place)
        except Exception as error:  # whatever somebody's layer raises
            raise ValueError(f"layer {name} raised {describe(error)}") from error
        expected = (2, *_shape(place.outputs))
        if tuple(given.shape) != expected:
            raise ValueError(
                f"layer {name} gives maps of shape {[*given.shape]} for {[2, *_shape(_INPUTS)]} at "
                f"stride {stride}: {[*expected]} is expected"
            )
        held = sum(p.numel() for p in module.parameters() if p.requires_grad)
        if held != counted:
            raise ValueError(
                f"layer {name} has {held} learnable parameters from {_INPUTS.channels} to 10 "
                f"channels {'with' if bias else 'without'} a bias, and its learnable_params says "
                f"{counted}"
            )


def _shape(feature_map: FeatureMap) -> tuple[int, int, int]:
    return feature_map.channels, feature_map.height, feature_map.width
