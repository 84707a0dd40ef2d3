"""The maximum of each pixel's neighbours, and a learned 1×1."""

import torch
from torch import nn

from pnn_core.config import ModelConfig
from pnn_core.parts import LayerPlace, SpatialLayer


class Neighbours(SpatialLayer):
    """A 3×3 max-pool of stride 1 before a 1×1 convolution."""

    def learnable_params(self, config: ModelConfig, place: LayerPlace) -> int:
        return (place.inputs.channels + place.bias) * place.out_channels

    def build(
        self, config: ModelConfig, place: LayerPlace, generator: torch.Generator
    ) -> nn.Module:
        return nn.Sequential(
            nn.MaxPool2d(3, stride=1, padding=1),
            nn.Conv2d(place.inputs.channels, place.out_channels, 1, bias=place.bias),
        )


LAYER = Neighbours(label="neighbours", symbol="star", colour="blue", place=100, uses=frozenset())
