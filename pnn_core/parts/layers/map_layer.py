"""Layers that make maps of each channel and combine them by a learned 1×1."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pnn_core.parts.feature_map import FeatureMap
from pnn_core.parts.layer_place import LayerPlace
from pnn_core.parts.layers.spatial_layer import SpatialLayer

if TYPE_CHECKING:
    import torch
    from torch import nn

    from pnn_core.config import ModelConfig
    from pnn_core.layers.map_source import MapSource

COMBINATION_SETTINGS = frozenset({"fan_out", "order", "grouped", "mix_maps"})
"""Settings of the combination behind the maps."""


@dataclass(frozen=True, kw_only=True)
class MapLayer(SpatialLayer):
    """`pnn_core.layers.map_layer.MapLayer`, in words: the same combination behind any maps.

    Layers of this kind differ in their maps alone and, at equal settings, have equally many
    learnable parameters, unless masks are trained.
    """

    uses: frozenset[str] = COMBINATION_SETTINGS

    @abstractmethod
    def map_source(
        self, config: "ModelConfig", inputs: FeatureMap, generator: "torch.Generator"
    ) -> "MapSource":
        """Build the module that makes the maps.

        Args:
            config: The network.
            inputs: Shape of what comes in.
            generator: CPU source of the randomness of masks.
        """

    def learnable_params(self, config: "ModelConfig", place: LayerPlace) -> int:
        """Count the 1×1s, the normalisations and, where they are trained, the masks."""
        inputs, outputs, bias = place.inputs, place.out_channels, place.bias
        maps = config.fan_out * inputs.channels
        combined = maps // inputs.channels if config.grouped else maps
        size = (combined + bias) * outputs
        if config.order == "noise_relu_bn_conv":
            size += 2 * maps
        if config.mix_maps:
            size += 2 * outputs + (outputs + bias) * outputs
        masks = self.noise_masks(config, inputs)
        if masks is not None and config.mask.trained_masks:
            size += masks.count * masks.height * masks.width
        return size

    def build(
        self, config: "ModelConfig", place: LayerPlace, generator: "torch.Generator"
    ) -> "nn.Module":
        """Build the maps and their combination."""
        from pnn_core.layers.map_layer import MapLayer as Module

        return Module(
            self.map_source(config, place.inputs, generator),
            place.inputs.channels,
            place.out_channels,
            order=config.order,
            bias=place.bias,
            grouped=config.grouped,
            mix_maps=config.mix_maps,
        )
