"""The perturbation layer: fixed noise masks, a ReLU and a learned 1×1 (paper Eq. 2)."""

from typing import TYPE_CHECKING

from pnn_core.parts.feature_map import FeatureMap
from pnn_core.parts.layers.noise_layer import NoiseLayer
from pnn_core.parts.noise_masks import NoiseMasks

if TYPE_CHECKING:
    import torch

    from pnn_core.config import ModelConfig
    from pnn_core.layers.map_source import MapSource


class Perturbation(NoiseLayer):
    """Maps with the fixed noise of `pnn_core.layers.perturbation.Perturbation`."""

    def map_source(
        self, config: "ModelConfig", inputs: FeatureMap, generator: "torch.Generator"
    ) -> "MapSource":
        """Build masks of the size that `noise_masks` says."""
        from pnn_core.layers.perturbation import Perturbation as Module

        masks = self.noise_masks(config, inputs)
        return Module(
            inputs.channels,
            fan_out=config.fan_out,
            height=masks.height,
            width=masks.width,
            mask=masks.mask,
            crop=config.dataset.padding == "batch",
            blur=masks.blur,
            generator=generator,
        )

    def noise_masks(self, config: "ModelConfig", inputs: FeatureMap) -> NoiseMasks:
        """Describe the masks of one layer, as large as its maps."""
        per_channel = inputs.channels if config.mask.unique_masks else 1
        return NoiseMasks(
            count=config.fan_out * per_channel,
            height=inputs.height,
            width=inputs.width,
            mask=config.mask,
        )


LAYER = Perturbation(label="perturbation", symbol="diamond", colour="vermilion", place=0)
