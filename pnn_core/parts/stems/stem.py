"""All that the platform must know of a stem."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pnn_core.parts.feature_map import FeatureMap
from pnn_core.parts.noise_masks import NoiseMasks

if TYPE_CHECKING:
    import torch
    from torch import nn

    from pnn_core.config import ModelConfig


@dataclass(frozen=True, kw_only=True)
class Stem(ABC):
    """A network's first layer, which BN, where the network has one there, and ReLU follow.

    Attributes:
        uses: Names of the settings of `StemConfig` that change this stem.
        stride: Stride of the layer itself.
        pools: True if a 3×3 max-pool of stride 2 stands behind the ReLU.
    """

    uses: frozenset[str] = frozenset()
    stride: int = 1
    pools: bool = False

    @abstractmethod
    def weights_per_output(self, config: "ModelConfig") -> int:
        """Count the learnable weights of each output channel, without bias and BN."""

    @abstractmethod
    def build(
        self, config: "ModelConfig", *, bias: bool, generator: "torch.Generator"
    ) -> "list[nn.Module]":
        """Build the modules before BN and ReLU, which give `config.width` channels.

        Args:
            config: The network.
            bias: True if the last of them has one.
            generator: CPU source of the randomness of frozen weights and masks.
        """

    def noise_masks(self, config: "ModelConfig") -> NoiseMasks | None:
        """Describe the noise masks that this stem draws; None if it has none."""
        return None

    def outputs(self, config: "ModelConfig") -> FeatureMap:
        """Return the shape of what the stem gives, its pool included."""
        data = config.dataset
        image = FeatureMap(channels=data.channels, height=data.height, width=data.width)
        return image.after(config.width, self.stride).after(config.width, 2 if self.pools else 1)

    @property
    def reduction(self) -> int:
        """Pixels of the image, along an edge, for each pixel that the stem gives."""
        return self.stride * (2 if self.pools else 1)

    def learnable_params(self, config: "ModelConfig", *, bias: bool, norm: bool) -> int:
        """Count what the optimiser changes, a BN behind the stem included, in closed form."""
        return (self.weights_per_output(config) + bias + 2 * norm) * config.width
