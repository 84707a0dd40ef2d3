"""Network in Network with any of the spatial layers."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import nn

from pnn_core.config import ModelConfig
from pnn_core.layers.classifier import build_classifier
from pnn_core.layers.spatial import build_spatial_unit
from pnn_core.layers.stem import build_stem
from pnn_core.parts.networks import nin
from pnn_core.rng.generators import spawn


class NetworkInNetwork(nn.Module):
    """Stem and spatial layers, each with 1×1s behind it, two pools, a convolutional classifier.

    All convolutions have a bias and a ReLU. Dropout stands behind each pool, not in the classifier.

    Args:
        config: Network to build.
        network: Its entry in `NETWORKS`.
        generator: CPU source of the randomness of masks and filters. Weights are torch's
            defaults, from the global generator.
    """

    def __init__(
        self, config: ModelConfig, network: nin.NetworkInNetwork, generator: torch.Generator
    ) -> None:
        super().__init__()
        self.stem = build_stem(config, bias=True, generator=spawn(generator), norm=False)
        first, second = (
            build_spatial_unit(config, place, generator, strided=False, norm=False)
            for place in network.layers(config)
        )
        mixed = [_pointwise(widths) for widths in network.widths(config)]
        self.layers = nn.Sequential(
            *mixed[0],
            nn.MaxPool2d(kernel_size=3, stride=2, padding=1),
            nn.Dropout(config.dropout),
            first,
            *mixed[1],
            nn.AvgPool2d(kernel_size=3, stride=2, padding=1, count_include_pad=False),
            nn.Dropout(config.dropout),
            second,
            *mixed[2],
        )
        self.classify = build_classifier(
            network.classifier(config), config.dataset.classes, dropout=0.0
        )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Map normalised images `[batch, channels, height, width]` to logits `[batch, classes]`."""
        logits: torch.Tensor = self.classify(self.layers(self.stem(images)))
        return logits


def _pointwise(widths: Sequence[int]) -> list[nn.Module]:
    """Build a 1×1 and a ReLU from each width to the next."""
    return [
        module
        for inputs, outputs in pairwise(widths)
        for module in (nn.Conv2d(inputs, outputs, kernel_size=1), nn.ReLU(inplace=True))
    ]
