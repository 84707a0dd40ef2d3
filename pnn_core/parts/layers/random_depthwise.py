"""Control: a fixed random 3×3 depthwise convolution and a learned 1×1."""

from typing import TYPE_CHECKING

from pnn_core.parts.feature_map import FeatureMap
from pnn_core.parts.layers.map_layer import MapLayer

if TYPE_CHECKING:
    import torch

    from pnn_core.config import ModelConfig
    from pnn_core.layers.map_source import MapSource


class RandomDepthwise(MapLayer):
    """Filters that stay as `depthwise` starts with them: random, as masks are, but spatial.

    Unlike a local binary layer's, each of them sees one channel.
    """

    def map_source(
        self, config: "ModelConfig", inputs: FeatureMap, generator: "torch.Generator"
    ) -> "MapSource":
        """Build filters that are drawn from the masks' generator, and not trained."""
        from pnn_core.layers.initialisation import draw_frozen_weights
        from pnn_core.layers.spatial_maps import DepthwiseMaps

        maps = DepthwiseMaps(inputs.channels, config.fan_out)
        as_published = config.initialisation == "published"
        draw_frozen_weights(maps.conv, generator, as_published=as_published)
        return maps


LAYER = RandomDepthwise(label="random depthwise", symbol="triangle-down", colour="purple", place=10)
