"""Networks without shortcuts: VGG-16 and LeNet."""

import torch
from torch import nn

from pnn_core.config import ModelConfig
from pnn_core.layers.classifier import build_classifier
from pnn_core.layers.spatial import build_pool, build_spatial_unit
from pnn_core.layers.stem import build_stem
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
        self.stem = build_stem(config, bias=True, generator=spawn(generator))
        if network.pools_behind_stem:
            self.stem.append(build_pool(config.pooling))
        self.layers = nn.Sequential(
            *(
                build_spatial_unit(config, place, generator, strided=False)
                for place in network.layers(config)
            )
        )
        self.classify = build_classifier(
            network.classifier(config), config.dataset.classes, config.dropout
        )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Map normalised images `[batch, channels, height, width]` to logits `[batch, classes]`."""
        logits: torch.Tensor = self.classify(self.layers(self.stem(images)))
        return logits
