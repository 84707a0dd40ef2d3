"""Control: noise masks of which each is one number over its whole map."""

from dataclasses import replace
from typing import TYPE_CHECKING

from pnn_core.parts.layers.perturbation import Perturbation
from pnn_core.parts.noise_masks import NoiseMasks

if TYPE_CHECKING:
    from pnn_core.config import ModelConfig
    from pnn_core.parts.feature_map import FeatureMap


class ConstantMasks(Perturbation):
    """Masks of the same distribution and level that do not tell the network where it is.

    A fixed mask differs from pixel to pixel, and so gives away the position; a number that is the
    same at every pixel shifts the threshold of its map alone.
    """

    def noise_masks(self, config: "ModelConfig", inputs: "FeatureMap") -> NoiseMasks:
        """Describe as many masks as a perturbation layer has, of one pixel each."""
        return replace(super().noise_masks(config, inputs), height=1, width=1)


LAYER = ConstantMasks(label="constant masks", symbol="diamond-wide", colour="orange", place=5)
