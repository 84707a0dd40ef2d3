"""Networks without shortcuts: VGG-16 and LeNet."""

import torch
from torch import nn

from pnn_core.architecture.networks import classifier_shape, plain_layers, pools_behind_stem
from pnn_core.config import ModelConfig
from pnn_core.layers.classifier import build_classifier
from pnn_core.layers.spatial import build_pool, build_spatial_unit
from pnn_core.layers.stem import build_stem
from pnn_core.rng.generators import spawn


class PlainNetwork(nn.Module):
    """First layer, spatial layers one after the other, pools between stages, a classifier.

    `vgg16` has 13 layers with BN, in stages of width p, 2p, 4p, 8p, 8p. `lenet`, for small images,
    has LeNet-5's two layers, of width p and 2p, each with a pool, and its classifier. The first of
    them is the network's first layer. All layers have a bias, as VGG's do.

    Args:
        config: The network.
        generator: CPU source of the randomness of masks and filters. Weights are initialised by
            torch's defaults from the global generator.
    """

    def __init__(self, config: ModelConfig, generator: torch.Generator) -> None:
        super().__init__()
        self.stem = build_stem(config, bias=True, generator=spawn(generator))
        if pools_behind_stem(config):
            self.stem.append(build_pool(config.pooling))
        self.layers = nn.Sequential(
            *(
                build_spatial_unit(
                    config,
                    shape.inputs,
                    shape.outputs.channels,
                    stride=shape.stride,
                    conv_strides=False,
                    bias=True,
                    relu=True,
                    generator=generator,
                )
                for shape in plain_layers(config)
            )
        )
        self.classify = build_classifier(
            classifier_shape(config), config.dataset.classes, config.dropout
        )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Map normalised images `[batch, channels, height, width]` to logits `[batch, classes]`."""
        logits: torch.Tensor = self.classify(self.layers(self.stem(images)))
        return logits
