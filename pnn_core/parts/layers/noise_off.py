"""Control: the perturbation layer without noise."""

from typing import TYPE_CHECKING

from pnn_core.parts.feature_map import FeatureMap
from pnn_core.parts.layers.map_layer import MapLayer

if TYPE_CHECKING:
    import torch

    from pnn_core.config import ModelConfig
    from pnn_core.layers.map_source import MapSource


class NoiseOff(MapLayer):
    """The perturbation layer at level 0: what it differs in from that layer is the noise itself.

    It has the same learnable parameters and starts from the same ones. At fan-out k, its k maps of
    a channel are equal and so are k gradients: a step changes the weight of a channel, which is
    the sum of k, by k times as much, so that its learning rate must be tuned for itself.
    """

    def map_source(
        self, config: "ModelConfig", inputs: FeatureMap, generator: "torch.Generator"
    ) -> "MapSource":
        """Build copies of the channels."""
        from pnn_core.layers.noise_off import Unperturbed

        return Unperturbed(config.fan_out)


LAYER = NoiseOff(label="noise off", symbol="star-diamond", colour="vermilion", place=4)
