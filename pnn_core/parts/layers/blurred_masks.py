"""Control: noise masks that are blurred, so that neighbouring pixels have nearly the same noise.

An idea that the authors left in their own code: a line that is commented out there blurs the masks
of the first layer by a Gaussian of 2 pixels (`PerturbLayerFirst` in
https://github.com/juefeix/pnn.pytorch.update), along all axes. Here each mask is blurred for
itself, and keeps its variance, which a plain blur would divide by some 50.
"""

from dataclasses import replace
from typing import TYPE_CHECKING

from pnn_core.parts.layers.perturbation import Perturbation
from pnn_core.parts.noise_masks import NoiseMasks

if TYPE_CHECKING:
    from pnn_core.config import ModelConfig
    from pnn_core.parts.feature_map import FeatureMap

DEVIATION = 2.0
"""Standard deviation of the blur, in pixels. Maps that are not much larger have masks that are
nearly constant."""


class BlurredMasks(Perturbation):
    """Masks of the same variance, whose values are sums of many and so nearly normal."""

    def noise_masks(self, config: "ModelConfig", inputs: "FeatureMap") -> NoiseMasks:
        """Describe the masks of a perturbation layer, and their blur."""
        return replace(super().noise_masks(config, inputs), blur=DEVIATION)


LAYER = BlurredMasks(label="blurred masks", symbol="star", colour="orange", place=7)
