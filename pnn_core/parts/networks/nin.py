"""Network in Network: three layers with two 1×1s behind each, two pools, a 1×1 as classifier.

Lin, Chen and Yan, "Network in network", ICLR 2014; for CIFAR-10, with p = 192 and the stem
`conv5x5`: [5×5 of p, 1×1 of 5p/6, 1×1 of p/2] → max-pool → dropout → [5×5 of p, 1×1 of p, 1×1 of
p] → average pool → dropout → [3×3 of p, 1×1 of p] → 1×1 → mean over the map. Behind each
convolution is a ReLU, also behind the last. The stem stands for the first 5×5; the spatial layers
stand for the others.

There is no batch normalisation in it. A spatial layer brings those that its `order` names: that of
the published perturbation code has one before its 1×1, and none behind it here.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from pnn_core.parts.feature_map import FeatureMap
from pnn_core.parts.layer_place import LayerPlace
from pnn_core.parts.networks.network import ClassifierShape, ShapedNetwork, unit_params
from pnn_core.parts.stems import STEMS

if TYPE_CHECKING:
    import torch
    from torch import nn

    from pnn_core.config import ModelConfig


@dataclass(frozen=True, kw_only=True)
class NetworkInNetwork(ShapedNetwork):
    """Network of which only widths can be changed.

    Its pools are of 3×3 pixels with stride 2, the first one's maximum and the second one's mean.
    """

    uses: frozenset[str] = frozenset()
    strided: bool = False
    stem_bias: bool = True
    normalised: bool = False
    smallest_side: int = 5

    def layers(self, config: "ModelConfig") -> tuple[LayerPlace, LayerPlace]:
        """List the spatial layers behind the stem, in order."""
        stem, width = STEMS[config.first_layer.stem].outputs(config), config.width
        inputs = stem.after(self.widths(config)[0][-1], 2)
        first = LayerPlace(inputs=inputs, out_channels=width, bias=True, kernel_size=5)
        return first, LayerPlace(inputs=inputs.after(width, 2), out_channels=width, bias=True)

    def widths(self, config: "ModelConfig") -> tuple[tuple[int, ...], ...]:
        """List the widths of the stem and of each layer, each with those of the 1×1s behind it.

        The last 1×1 is the classifier's and not among them. Shares of p are rounded up.
        """
        width = config.width
        return (width, -(-5 * width // 6), -(-width // 2)), (width, width, width), (width, width)

    def refusal(self, config: "ModelConfig") -> str:
        """Say that groups need whole shares: the stem gives half the width, rounded up."""
        uneven = any(p.out_channels % p.inputs.channels for p in self.layers(config))
        if not (config.grouped and uneven):
            return ""
        return (
            f"network nin cannot keep channels apart (grouped) at a width of {config.width}, which "
            "is mask_count / fan_out: accepted are even ones"
        )

    def body_params(self, config: "ModelConfig") -> int:
        """Count the spatial layers and all 1×1s but the classifier's."""
        mixed = (pair for widths in self.widths(config) for pair in pairwise(widths))
        layers = (unit_params(config, place, norm=False) for place in self.layers(config))
        return sum((inputs + 1) * outputs for inputs, outputs in mixed) + sum(layers)

    def first_inputs(self, config: "ModelConfig") -> FeatureMap:
        """Return the shape behind the first pool."""
        return self.layers(config)[0].inputs

    def classifier(self, config: "ModelConfig") -> ClassifierShape:
        """Return a 1×1 and a global pool."""
        inputs = self.layers(config)[-1].outputs
        return ClassifierShape(inputs=inputs, pooled=inputs.resized(1), convolutional=True)

    def build(self, config: "ModelConfig", generator: "torch.Generator") -> "nn.Module":
        """Build a `pnn_core.models.nin.NetworkInNetwork`."""
        from pnn_core.models.nin import NetworkInNetwork as Module

        return Module(config, self, generator)


NETWORK = NetworkInNetwork()
