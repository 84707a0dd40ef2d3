"""All that the platform must know of a spatial layer."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pnn_core.parts.feature_map import FeatureMap
from pnn_core.parts.layer_place import LayerPlace
from pnn_core.parts.noise_masks import NoiseMasks

if TYPE_CHECKING:
    import torch
    from torch import nn

    from pnn_core.config import ModelConfig


@dataclass(frozen=True, kw_only=True)
class SpatialLayer(ABC):
    """A layer that can stand where a network had a convolution of 3×3 or more pixels.

    Mask values and multiply-accumulates are counted on the module (`pnn_core.models.costs`), and
    replicates are packed by its class: a module with tensors of its own is a
    `pnn_core.layers.leaf_module.LeafModule`, which says both.

    Attributes:
        label: Name of the layer in tables and pictures.
        symbol: Marker of the layer in pictures, by Plotly's name; no other layer has it.
        colour: Colour of the layer in pictures, by its name in the palette of
            `dashboards.elements.layers`; layers of one kind share theirs.
        place: Place among the layers in comparisons and pictures; no other layer has it.
        uses: Names of the settings of `ModelConfig` and `MaskConfig` that change this layer, among
            those that do not hold for every layer. All other settings that some layer uses are
            refused, or ignored in run keys and dropped from controls.
        as_convolution: True if the layer stands as the network's convolution does: in a residual
            block without a bias and halving the map by its own stride, elsewhere with BN and ReLU
            before the pool.
        stands_depthwise: True if it can keep channels apart where its place is depthwise, by itself
            and not by the setting `grouped`.
        not_confirmed: Reason why a confirmation trains no control of this layer; empty if it does.
    """

    label: str
    symbol: str
    colour: str
    place: int
    uses: frozenset[str]
    as_convolution: bool = False
    stands_depthwise: bool = False
    not_confirmed: str = ""

    @abstractmethod
    def learnable_params(self, config: "ModelConfig", place: LayerPlace) -> int:
        """Count what the optimiser changes in the module that `build` gives, in closed form."""

    @abstractmethod
    def build(
        self, config: "ModelConfig", place: LayerPlace, generator: "torch.Generator"
    ) -> "nn.Module":
        """Build the module that maps `[batch, *inputs]` to `[batch, q, height, width]`.

        Args:
            config: The network.
            place: Place of the layer; its stride is 1 unless `as_convolution`.
            generator: CPU source of the randomness of masks and filters.
        """

    def idle(self, config: "ModelConfig") -> frozenset[str]:
        """Name the settings among `uses` that change nothing at the values of the others."""
        return frozenset()

    def also(self, config: "ModelConfig") -> str:
        """Name the layer that this one is, too, at the settings of a network; "" if it is none.

        Both train to the same numbers, so that one of them need not be trained.
        """
        return ""

    def noise_masks(self, config: "ModelConfig", inputs: FeatureMap) -> NoiseMasks | None:
        """Describe the noise masks that this layer draws; None if it has none.

        They are drawn again from their seed by `pnn_core.rng.mask_regeneration`.

        Args:
            config: The network.
            inputs: Shape of what comes in.
        """
        return None

    def normalises_before_pool(self, config: "ModelConfig") -> bool:
        """Return True if BN and ReLU stand between the layer and a pool behind it."""
        return self.as_convolution or self.ends_normalised(config)

    def ends_normalised(self, config: "ModelConfig") -> bool:
        """Return True if the order puts a BN behind the layer, in any network."""
        return "order" in self.uses and config.order.endswith("_conv_bn_relu")
