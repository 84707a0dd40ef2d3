"""The stem of noise, an activation and a 1×1."""

from typing import TYPE_CHECKING

from pnn_core.parts.noise_masks import NoiseMasks
from pnn_core.parts.stems.stem import Stem

if TYPE_CHECKING:
    import torch
    from torch import nn

    from pnn_core.config import ModelConfig


class PerturbationStem(Stem):
    """Noise on each colour channel, an activation and a 1×1."""

    def weights_per_output(self, config: "ModelConfig") -> int:
        """Count one weight for each mask."""
        return config.first_layer.stem_fan_out * config.dataset.channels

    def build(
        self, config: "ModelConfig", *, bias: bool, generator: "torch.Generator"
    ) -> "list[nn.Module]":
        """Build noise → activation → 1×1."""
        from torch import nn

        from pnn_core.layers.perturbation import Perturbation
        from pnn_core.layers.stem import ACTIVATIONS

        masks, stem = self.noise_masks(config), config.first_layer
        perturb = Perturbation(
            config.dataset.channels,
            fan_out=stem.stem_fan_out,
            height=masks.height,
            width=masks.width,
            mask=masks.mask,
            crop=config.dataset.padding == "batch",
            generator=generator,
        )
        combine = nn.Conv2d(masks.count, config.width, kernel_size=1, bias=bias)
        return [perturb, ACTIVATIONS[stem.stem_activation](), combine]

    def noise_masks(self, config: "ModelConfig") -> NoiseMasks:
        """Describe the masks: uniform, fixed and each channel's own.

        That holds whatever the masks of the other layers are: a control without noise in its layers
        keeps this stem as it is.
        """
        from pnn_core.config import MaskConfig

        data, stem = config.dataset, config.first_layer
        return NoiseMasks(
            count=stem.stem_fan_out * data.channels,
            height=data.height,
            width=data.width,
            mask=MaskConfig(noise_level=stem.stem_noise_level),
        )


STEM = PerturbationStem(
    uses=frozenset({"stem_noise_level", "stem_fan_out", "stem_activation"}),
)
