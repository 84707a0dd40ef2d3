"""Control: a learned 3×3 depthwise convolution and a learned 1×1, the usual cheap spatial layer."""

from typing import TYPE_CHECKING

from pnn_core.parts.feature_map import FeatureMap
from pnn_core.parts.layer_place import LayerPlace
from pnn_core.parts.layers.map_layer import MapLayer

if TYPE_CHECKING:
    import torch

    from pnn_core.config import ModelConfig
    from pnn_core.layers.map_source import MapSource


class Depthwise(MapLayer):
    """Filters that are learned, in the place of the masks: `fan_out` of them for each channel."""

    def learnable_params(self, config: "ModelConfig", place: LayerPlace) -> int:
        """Count 9 weights for each filter, beside the combination."""
        filters = config.fan_out * place.inputs.channels
        return 9 * filters + super().learnable_params(config, place)

    def map_source(
        self, config: "ModelConfig", inputs: FeatureMap, generator: "torch.Generator"
    ) -> "MapSource":
        """Build the filters."""
        from pnn_core.layers.spatial_maps import DepthwiseMaps

        return DepthwiseMaps(inputs.channels, config.fan_out)


LAYER = Depthwise(label="depthwise 3×3", symbol="pentagon", colour="green", place=9)
