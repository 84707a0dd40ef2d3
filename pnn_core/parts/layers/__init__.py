"""Spatial layers: what can stand where a network had its 3×3 convolution, or a larger one.

- `spatial_layer`: `SpatialLayer`, entry with all that the platform must know
- `map_layer`: maps and a learned 1×1; `noise_layer`: maps with noise
- one module for each entry of `SPATIAL_LAYERS`, under the layer's name
"""

from pnn_core.parts.entries import Registry, load_entries
from pnn_core.parts.layers.spatial_layer import SpatialLayer

SPATIAL_LAYERS: Registry[SpatialLayer] = load_entries(
    __name__,
    "LAYER",
    "perturbation",
    "conv3x3",
    "conv1x1",
    "local_binary",
    "noise_off",
    "constant_masks",
    "fresh_masks",
    "blurred_masks",
    "shift",
    "depthwise",
    "random_depthwise",
    "average",
)
"""Every spatial layer by its name, the value of `ModelConfig.layer`."""

COMPARED_LAYERS = tuple(sorted(SPATIAL_LAYERS, key=lambda name: SPATIAL_LAYERS[name].place))
"""Names of all layers as comparisons and pictures order them: noise, then its controls."""

LAYER_SETTINGS = frozenset[str]().union(*(layer.uses for layer in SPATIAL_LAYERS.values()))
"""Settings of a network that some spatial layer uses; the others hold for every layer."""
