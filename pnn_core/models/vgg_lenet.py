"""Networks without shortcuts: VGG-16 and LeNet."""

from collections import OrderedDict

import torch
from torch import nn

from pnn_core.config import ModelConfig
from pnn_core.layers.classifier import build_classifier, build_hidden
from pnn_core.layers.spatial import build_pool, build_spatial_unit
from pnn_core.layers.stem import build_stem
from pnn_core.models.backbone import Backbone
from pnn_core.parts.networks import plain
from pnn_core.rng.generators import spawn


class PlainNetwork(nn.Module):
    """Stem, spatial layers one after the other, pools between stages, a classifier.

    All layers have a bias, as VGG's do.

    Args:
        config: Network to build.
        network: Its entry in `NETWORKS`.
        generator: CPU source of the randomness of masks and filters. Weights are torch's
            defaults, from the global generator.
    """

    def __init__(
        self, config: ModelConfig, network: plain.PlainNetwork, generator: torch.Generator
    ) -> None:
        super().__init__()
        self.stem, self.layers = build_layers(config, network, generator)
        self.classify = build_classifier(
            network.classifier(config), config.dataset.classes, config.dropout
        )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Map normalised images `[batch, channels, height, width]` to logits `[batch, classes]`."""
        logits: torch.Tensor = self.classify(self.layers(self.stem(images)))
        return logits


def build_backbone(
    config: ModelConfig, network: plain.PlainNetwork, generator: torch.Generator
) -> Backbone:
    """Build all layers without the last pool, and the classifier's hidden layers.

    Args:
        config: Detector to build.
        network: Its entry in `NETWORKS`.
        generator: CPU source of the randomness of masks and filters.
    """
    stem, layers = build_layers(config, network, generator)
    region = network.detector(config).region
    hidden = build_hidden(region.channels * region.pixels, network.hidden, config.dropout)
    head = [("flatten", nn.Flatten()), ("hidden", nn.Sequential(*hidden))]
    return Backbone(
        features=nn.Sequential(OrderedDict([("stem", stem), ("layers", layers)])),
        head=nn.Sequential(OrderedDict(head)),
    )


def build_layers(
    config: ModelConfig, network: plain.PlainNetwork, generator: torch.Generator
) -> tuple[nn.Sequential, nn.Sequential]:
    """Build the stem and the spatial layers; arguments as `build_backbone` has them."""
    stem = build_stem(config, bias=True, generator=spawn(generator))
    if network.pools_behind_stem:
        stem.append(build_pool(config.pooling))
    units = (
        build_spatial_unit(config, place, generator, strided=False)
        for place in network.layers(config)
    )
    return stem, nn.Sequential(*units)
