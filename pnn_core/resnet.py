"""Residual networks whose 3×3 convolutions are perturbation layers, as published."""

import math
from dataclasses import dataclass

import torch
from torch import nn

from pnn_core.config import ModelConfig, Network
from pnn_core.perturbation import PerturbationLayer

STAGE_BLOCKS: dict[Network, tuple[int, ...]] = {"resnet18": (2, 2, 2, 2), "resnet8": (1, 1, 1)}
"""Blocks of each stage; stage i has width 2^i · p and halves the feature map where i > 0."""


@dataclass(frozen=True, kw_only=True)
class FeatureMap:
    """Shape of what flows between layers: channels, then height and width in pixels."""

    channels: int
    height: int
    width: int

    def after(self, channels: int, stride: int) -> "FeatureMap":
        """The shape after a layer of that many channels and that stride, rounded up."""
        return FeatureMap(
            channels=channels,
            height=math.ceil(self.height / stride),
            width=math.ceil(self.width / stride),
        )


class PerturbationBlock(nn.Module):
    """The published residual block.

    [perturb → max-pool(stride) → BN → ReLU] → [perturb → BN] → + shortcut → ReLU. The pool
    stands where the 3×3 convolution had its stride; the shortcut is a strided 1×1 with BN where
    shapes differ.

    Args:
        config: The network; gives fan-out, masks and order.
        inputs: Shape of what comes in.
        outputs: Shape of what goes out.
        stride: 1 or 2.
        generator: CPU source of the masks' randomness.
    """

    def __init__(
        self,
        config: ModelConfig,
        inputs: FeatureMap,
        outputs: FeatureMap,
        stride: int,
        generator: torch.Generator,
    ) -> None:
        super().__init__()

        def perturb(shape: FeatureMap, *, bias: bool) -> PerturbationLayer:
            return PerturbationLayer(
                shape.channels,
                outputs.channels,
                fan_out=config.fan_out,
                height=shape.height,
                width=shape.width,
                mask=config.mask,
                order=config.order,
                bias=bias,
                generator=generator,
            )

        self.perturb1 = perturb(inputs, bias=True)
        # Rounding up keeps odd maps as large as the shortcut's strided 1×1 makes them.
        self.pool = nn.MaxPool2d(stride, ceil_mode=True) if stride > 1 else nn.Identity()
        self.norm1 = nn.BatchNorm2d(outputs.channels)
        # Only without this bias do all of Table 5's parameter ratios come out within 2%.
        self.perturb2 = perturb(outputs, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs.channels)
        self.shortcut = (
            nn.Identity()
            if inputs == outputs
            else nn.Sequential(
                nn.Conv2d(
                    inputs.channels, outputs.channels, kernel_size=1, stride=stride, bias=False
                ),
                nn.BatchNorm2d(outputs.channels),
            )
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map `[batch, *inputs]` to `[batch, *outputs]`."""
        y = torch.relu_(self.norm1(self.pool(self.perturb1(x))))
        y = self.norm2(self.perturb2(y))
        return torch.relu_(y + self.shortcut(x))


class PerturbationResNet(nn.Module):
    """Stem, stages of perturbation blocks, global average pool, linear classifier.

    Args:
        config: The network.
        generator: CPU source of the masks' randomness. Weights are initialised by torch's
            defaults from the global generator.
    """

    def __init__(self, config: ModelConfig, generator: torch.Generator) -> None:
        super().__init__()
        self.stem, shape = _stem(config)
        stages: list[nn.Module] = []
        for stage, blocks in enumerate(STAGE_BLOCKS[config.network]):
            for block in range(blocks):
                stride = 2 if stage > 0 and block == 0 else 1
                outputs = shape.after(config.width * 2**stage, stride)
                stages.append(PerturbationBlock(config, shape, outputs, stride, generator))
                shape = outputs
        self.stages = nn.Sequential(*stages)
        self.classify = nn.Linear(shape.channels, config.dataset.classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Map normalised images `[batch, channels, height, width]` to logits `[batch, classes]`."""
        features = self.stages(self.stem(images))
        logits: torch.Tensor = self.classify(features.mean(dim=(2, 3)))
        return logits


def _stem(config: ModelConfig) -> tuple[nn.Module, FeatureMap]:
    """The first layer and the shape of what it gives."""
    data = config.dataset
    shape = FeatureMap(channels=data.channels, height=data.height, width=data.width)
    if config.first_layer.stem == "conv3x3":
        conv = nn.Conv2d(data.channels, config.width, kernel_size=3, padding=1, bias=False)
        layers = nn.Sequential(conv, nn.BatchNorm2d(config.width), nn.ReLU(inplace=True))
        return layers, shape.after(config.width, 1)
    conv = nn.Conv2d(data.channels, config.width, kernel_size=7, stride=2, padding=3, bias=False)
    layers = nn.Sequential(
        conv,
        nn.BatchNorm2d(config.width),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(kernel_size=3, stride=2, padding=1),
    )
    return layers, shape.after(config.width, 2).after(config.width, 2)
