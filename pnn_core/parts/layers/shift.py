"""Control: nine fixed shifts and a learned 1×1 (Wu et al., CVPR 2018)."""

from typing import TYPE_CHECKING

from pnn_core.parts.feature_map import FeatureMap
from pnn_core.parts.layers.map_layer import MapLayer

if TYPE_CHECKING:
    import torch

    from pnn_core.config import ModelConfig
    from pnn_core.layers.map_source import MapSource


class Shift(MapLayer):
    """Neighbours at the exact parameter budget of a perturbation layer, without any noise.

    Map i is moved by step i mod 9 of a 3×3 window: of any number of maps, each step has ⌊m/9⌋ or,
    the centre and the nearest neighbours first, one more. At fan-out k the maps of a channel are
    moved by different steps.
    """

    def map_source(
        self, config: "ModelConfig", inputs: FeatureMap, generator: "torch.Generator"
    ) -> "MapSource":
        """Build the shifts."""
        from pnn_core.layers.shift import Shift as Module

        return Module(config.fan_out)


LAYER = Shift(label="shift", symbol="cross", colour="sky", place=8)
