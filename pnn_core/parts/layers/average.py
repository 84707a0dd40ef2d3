"""Control: a 3×3 average and a learned 1×1, the plainest spatial layer."""

from typing import TYPE_CHECKING

from pnn_core.parts.feature_map import FeatureMap
from pnn_core.parts.layers.map_layer import MapLayer

if TYPE_CHECKING:
    import torch

    from pnn_core.config import ModelConfig
    from pnn_core.layers.map_source import MapSource


class Average(MapLayer):
    """The mean of each 3×3 neighbourhood; at fan-out k, each channel has k equal maps of them."""

    def map_source(
        self, config: "ModelConfig", inputs: FeatureMap, generator: "torch.Generator"
    ) -> "MapSource":
        """Build the averages."""
        from pnn_core.layers.spatial_maps import AveragedMaps

        return AveragedMaps(config.fan_out)


LAYER = Average(label="3×3 average", symbol="hexagon", colour="sky", place=11)
