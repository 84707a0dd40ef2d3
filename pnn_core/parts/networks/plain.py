"""Networks without shortcuts as lists of layer shapes."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pnn_core.parts.detector_shape import DetectorShape
from pnn_core.parts.feature_map import FeatureMap
from pnn_core.parts.layer_place import LayerPlace
from pnn_core.parts.networks.detector_network import DetectorNetwork
from pnn_core.parts.networks.network import ClassifierShape, unit_params
from pnn_core.parts.stems import STEMS
from pnn_core.parts.task_names import DETECTION

if TYPE_CHECKING:
    import torch
    from torch import nn

    from pnn_core.config import ModelConfig
    from pnn_core.models.backbone import Backbone


@dataclass(frozen=True, kw_only=True)
class PlainNetwork(DetectorNetwork):
    """Stages of spatial layers, each of which ends with a pool; all layers have a bias.

    A detector leaves out the last pool: its features are halved by the stem and by all pools but
    that one. The head of each region, of 7×7 pixels, is the hidden layers of the classifier.

    Attributes:
        stages: Width, as a multiple of p, and number of layers of each stage. The first layer of
            the first stage is the stem.
        hidden: Hidden units of the classifier.
        pooled_side: Pixels a side to which the classifier's input is pooled; None leaves it as it
            is.
        smallest_image: Pixels a side from which images get that classifier; smaller ones get a
            global pool and one linear layer.
    """

    stages: tuple[tuple[int, int], ...]
    hidden: tuple[int, ...]
    pooled_side: int | None = None
    smallest_image: int = 1
    uses: frozenset[str] = frozenset({"pooling"})
    strided: bool = False
    stem_bias: bool = True

    def layers(self, config: "ModelConfig") -> tuple[LayerPlace, ...]:
        """List the spatial layers behind the stem, in order."""
        shape = STEMS[config.first_layer.stem].outputs(config)
        if self.pools_behind_stem:
            shape = shape.after(shape.channels, 2)
        layers = []
        for stage, (multiple, count) in enumerate(self.stages):
            for layer in range(1 if stage == 0 else 0, count):
                is_pooled = layer == count - 1 and stage < self._pooled_stages(config)
                stride, channels = 2 if is_pooled else 1, config.width * multiple
                place = LayerPlace(inputs=shape, out_channels=channels, stride=stride, bias=True)
                layers.append(place)
                shape = place.outputs
        return tuple(layers)

    def _pooled_stages(self, config: "ModelConfig") -> int:
        return len(self.stages) - (config.dataset.task == DETECTION)

    @property
    def pools_behind_stem(self) -> bool:
        """True if the stem is the only layer of the first stage."""
        return self.stages[0][1] == 1

    def body_params(self, config: "ModelConfig") -> int:
        """Count the spatial layers."""
        return sum(unit_params(config, place) for place in self.layers(config))

    def first_inputs(self, config: "ModelConfig") -> FeatureMap:
        """Return the shape behind the stem and its pool."""
        return self.layers(config)[0].inputs

    def classifier(self, config: "ModelConfig") -> ClassifierShape:
        """Return the network's own hidden layers or, for small images, a global pool."""
        inputs = self.layers(config)[-1].outputs
        if min(config.dataset.height, config.dataset.width) < self.smallest_image:
            return ClassifierShape(inputs=inputs, pooled=inputs.resized(1))
        pooled = inputs if self.pooled_side is None else inputs.resized(self.pooled_side)
        return ClassifierShape(inputs=inputs, pooled=pooled, hidden=self.hidden)

    def detector(self, config: "ModelConfig") -> DetectorShape:
        """Return the features before the last pool, and a head of the classifier's hidden layers.

        They stay the network's own at every size of a canvas.
        """
        return DetectorShape(
            features=self.layers(config)[-1].outputs,
            stride=STEMS[config.first_layer.stem].reduction * 2 ** self._pooled_stages(config),
            hidden=self.hidden,
            outputs=self.hidden[-1],
        )

    def backbone(self, config: "ModelConfig", generator: "torch.Generator") -> "Backbone":
        """Build the layers; see `pnn_core.models.vgg_lenet.build_backbone`."""
        from pnn_core.models.vgg_lenet import build_backbone

        return build_backbone(config, self, generator)

    def build(self, config: "ModelConfig", generator: "torch.Generator") -> "nn.Module":
        """Build a `pnn_core.models.vgg_lenet.PlainNetwork`."""
        from pnn_core.models.vgg_lenet import PlainNetwork as Module

        return Module(config, self, generator)
