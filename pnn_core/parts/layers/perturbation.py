"""The perturbation layer: fixed noise masks, a ReLU and a learned 1×1 (paper Eq. 2)."""

from typing import TYPE_CHECKING

from pnn_core.parts.feature_map import FeatureMap
from pnn_core.parts.layer_place import LayerPlace
from pnn_core.parts.layers.spatial_layer import SpatialLayer
from pnn_core.parts.noise_masks import NoiseMasks

if TYPE_CHECKING:
    import torch
    from torch import nn

    from pnn_core.config import ModelConfig


class Perturbation(SpatialLayer):
    """`pnn_core.layers.perturbation.PerturbationLayer`, in words."""

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
        if config.mask.trained_masks:
            size += (maps if config.mask.unique_masks else config.fan_out) * inputs.pixels
        return size

    def build(
        self, config: "ModelConfig", place: LayerPlace, generator: "torch.Generator"
    ) -> "nn.Module":
        """Build the layer for maps of one size, which its masks have."""
        from pnn_core.layers.perturbation import PerturbationLayer

        return PerturbationLayer(
            place.inputs.channels,
            place.out_channels,
            fan_out=config.fan_out,
            height=place.inputs.height,
            width=place.inputs.width,
            mask=config.mask,
            order=config.order,
            bias=place.bias,
            generator=generator,
            grouped=config.grouped,
            mix_maps=config.mix_maps,
        )

    def idle(self, config: "ModelConfig") -> frozenset[str]:
        """Name the distribution where there is no noise to distribute."""
        return frozenset({"noise_distribution"} if config.mask.noise_level == 0 else ())

    def noise_masks(self, config: "ModelConfig", inputs: FeatureMap) -> NoiseMasks:
        """Describe the masks of one layer."""
        per_channel = inputs.channels if config.mask.unique_masks else 1
        return NoiseMasks(
            count=config.fan_out * per_channel,
            height=inputs.height,
            width=inputs.width,
            mask=config.mask,
        )


LAYER = Perturbation(
    label="perturbation",
    symbol="diamond",
    colour="vermilion",
    place=0,
    uses=frozenset(
        {
            "fan_out",
            "order",
            "grouped",
            "mix_maps",
            "noise_level",
            "noise_distribution",
            "unique_masks",
            "trained_masks",
        }
    ),
)
