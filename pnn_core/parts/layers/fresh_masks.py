"""Control: noise masks that are drawn anew at every training step."""

from typing import TYPE_CHECKING

from pnn_core.parts.feature_map import FeatureMap
from pnn_core.parts.layers.map_layer import COMBINATION_SETTINGS
from pnn_core.parts.layers.noise_layer import NOISE_SETTINGS, NoiseLayer

if TYPE_CHECKING:
    import torch

    from pnn_core.config import ModelConfig
    from pnn_core.layers.map_source import MapSource


class FreshMasks(NoiseLayer):
    """Noise as a regulariser, against noise as a fixed code.

    A batch shares its masks, as it does a perturbation layer's. The mean at evaluation is that of
    the masks, which is 0 (`pnn_core.layers.fresh_masks.FreshMasks` says why).
    """

    def idle(self, config: "ModelConfig") -> frozenset[str]:
        """Name all that describes masks where none are drawn."""
        idle = frozenset({"noise_distribution", "unique_masks"})
        return idle if config.mask.noise_level == 0 else frozenset()

    def map_source(
        self, config: "ModelConfig", inputs: FeatureMap, generator: "torch.Generator"
    ) -> "MapSource":
        """Build a stream of masks with a seed of its own."""
        from pnn_core.layers.fresh_masks import FreshMasks as Module
        from pnn_core.layers.fresh_masks import MaskStream

        return Module(
            inputs.channels,
            fan_out=config.fan_out,
            mask=config.mask,
            streams=[MaskStream(generator)],
        )


LAYER = FreshMasks(
    label="fresh masks",
    symbol="diamond-tall",
    colour="orange",
    place=6,
    uses=COMBINATION_SETTINGS | NOISE_SETTINGS,
)
