"""All that the platform must know of a network."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from pnn_core.parts.feature_map import FeatureMap
from pnn_core.parts.layer_place import LayerPlace
from pnn_core.parts.layers import SPATIAL_LAYERS
from pnn_core.parts.stems import STEMS
from pnn_core.parts.task_names import CLASSIFICATION

if TYPE_CHECKING:
    import torch
    from torch import nn

    from pnn_core.config import ModelConfig


@dataclass(frozen=True, kw_only=True)
class ClassifierShape:
    """Shapes within the classifier.

    Attributes:
        inputs: Shape of what comes in.
        pooled: Shape to which it is averaged first.
        hidden: Units of each hidden layer.
        convolutional: True if a 1×1 and a ReLU give logits of each pixel, which are averaged.
    """

    inputs: FeatureMap
    pooled: FeatureMap
    hidden: tuple[int, ...] = ()
    convolutional: bool = False


@dataclass(frozen=True, kw_only=True)
class Network(ABC):
    """An architecture.

    Attributes:
        uses: Names of the settings of `ModelConfig` that change this network, among those that do
            not hold for every network.
        strided: True if a layer that stands `as_convolution` halves the map by its own stride, and
            no pool does.
        smallest_side: Pixels a side that an image needs.
        ignores: Names of settings that change nothing about this network, and something about
            every network that is built from shapes.
        tasks: Names of the tasks that it can be built for, in `pnn_core.config.TASKS`.
    """

    uses: frozenset[str]
    strided: bool
    smallest_side: int = 1
    ignores: frozenset[str] = frozenset()
    tasks: frozenset[str] = frozenset({CLASSIFICATION})

    @property
    def has_own_widths(self) -> bool:
        """True if no setting changes its widths."""
        return "mask_count" in self.ignores

    @abstractmethod
    def build(self, config: "ModelConfig", generator: "torch.Generator") -> "nn.Module":
        """Build the classifier on torch's current device, weights from its global generator.

        Args:
            config: The network.
            generator: CPU source of the randomness of masks and filters.
        """

    @abstractmethod
    def learnable_params(self, config: "ModelConfig") -> int:
        """Count what the optimiser changes in the whole network."""

    def refusal(self, config: "ModelConfig") -> str:
        """Say why a network that its settings allow cannot be built; empty where it can."""
        return ""


@dataclass(frozen=True, kw_only=True)
class ShapedNetwork(Network):
    """An architecture as a list of shapes: a stem, spatial layers and a classifier.

    Attributes:
        stem_bias: True if the stem has a bias.
        normalised: True if a BN follows the stem and each spatial layer.
    """

    stem_bias: bool
    normalised: bool = True

    @abstractmethod
    def body_params(self, config: "ModelConfig") -> int:
        """Count what the optimiser changes behind the stem and before all heads, in closed form.

        In detection that is what stands in the head for regions, too, but for fully connected
        layers.
        """

    @abstractmethod
    def first_inputs(self, config: "ModelConfig") -> FeatureMap:
        """Return the shape of what the first spatial layer is given."""

    @abstractmethod
    def classifier(self, config: "ModelConfig") -> ClassifierShape:
        """Return the shapes within the classifier."""

    def backbone_params(self, config: "ModelConfig") -> int:
        """Count what the optimiser changes in the stem and behind it, before all heads."""
        stem = STEMS[config.first_layer.stem].learnable_params(
            config, bias=self.stem_bias, norm=self.normalised
        )
        return stem + self.body_params(config)

    def learnable_params(self, config: "ModelConfig") -> int:
        """Count what the optimiser changes in the whole network, in closed form."""
        return self.backbone_params(config) + self.head_params(config)

    def head_params(self, config: "ModelConfig") -> int:
        """Count what the optimiser changes in the classifier."""
        shape = self.classifier(config)
        widths = (
            shape.pooled.channels * shape.pooled.pixels,
            *shape.hidden,
            config.dataset.classes,
        )
        return sum((inputs + 1) * outputs for inputs, outputs in pairwise(widths))


def unit_params(config: "ModelConfig", place: LayerPlace, *, norm: bool = True) -> int:
    """Count what the optimiser changes in a spatial layer and a BN behind it.

    Args:
        config: The network.
        place: Place of the layer.
        norm: True if the network has a BN there; else the layer's order may still put one.
    """
    layer = SPATIAL_LAYERS[config.layer]
    size = layer.learnable_params(config, place)
    has_norm = norm or layer.ends_normalised(config)
    return size + norm_params(place.out_channels) if has_norm else size


def norm_params(channels: int) -> int:
    """Count a batch normalisation's scale and shift."""
    return 2 * channels
