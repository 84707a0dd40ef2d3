"""The published network in its plainest form: one torch module for each step of the formula.

The form that a reader of the paper (Eq. 2) and of its code would write: channels before rows and
columns in memory, each map computed and kept. The peer in `layer.py`; the same function as the
project's network, parameter for parameter.
"""

import torch
from torch import nn

NOISE_LEVEL = 0.1
WIDTHS = (1, 2, 4, 8)
BLOCKS_EACH = 2


class PublishedLayer(nn.Module):
    """Mask add → ReLU → BN → 1×1.

    Args:
        in_channels: Input channels p.
        out_channels: Output channels q.
        size: Height and width of a map in pixels.
        fan_out: Masks per input channel.
        bias: True if the 1×1 has a bias.
    """

    noise: torch.Tensor

    def __init__(
        self, in_channels: int, out_channels: int, size: int, *, fan_out: int, bias: bool
    ) -> None:
        super().__init__()
        self.fan_out = fan_out
        maps = fan_out * in_channels
        self.register_buffer("noise", torch.empty(1, maps, size, size))
        self.noise.uniform_(-NOISE_LEVEL, NOISE_LEVEL)
        self.layers = nn.Sequential(
            nn.ReLU(inplace=True), nn.BatchNorm2d(maps), nn.Conv2d(maps, out_channels, 1, bias=bias)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map `[batch, in_channels, size, size]` to `[batch, out_channels, size, size]`."""
        if self.fan_out > 1:
            x = x.repeat_interleave(self.fan_out, dim=1)
        y: torch.Tensor = self.layers(torch.add(x, self.noise))
        return y


class PublishedBlock(nn.Module):
    """[layer → max-pool → BN → ReLU] → [layer → BN] → + shortcut → ReLU.

    Args:
        in_channels: Channels of the input.
        channels: Channels of the output.
        size: Height and width of the input in pixels.
        stride: Stride; 2 halves the map.
        fan_out: Masks per channel.
    """

    def __init__(
        self, in_channels: int, channels: int, size: int, *, stride: int, fan_out: int
    ) -> None:
        super().__init__()
        pool = [nn.MaxPool2d(stride, stride)] if stride > 1 else []
        self.layers = nn.Sequential(
            PublishedLayer(in_channels, channels, size, fan_out=fan_out, bias=True),
            *pool,
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
            PublishedLayer(channels, channels, size // stride, fan_out=fan_out, bias=False),
            nn.BatchNorm2d(channels),
        )
        self.shortcut = nn.Sequential()
        if stride > 1 or in_channels != channels:
            self.shortcut.append(nn.Conv2d(in_channels, channels, 1, stride=stride, bias=False))
            self.shortcut.append(nn.BatchNorm2d(channels))
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map `[batch, in_channels, size, size]` to the sum of `layers` and `shortcut`."""
        y: torch.Tensor = self.relu(self.layers(x) + self.shortcut(x))
        return y


class PublishedResNet18(nn.Module):
    """3×3 stem, four stages of two blocks, average pool, classifier.

    Args:
        width: Channels of the first stage, p.
        size: Height and width of an image in pixels, divisible by 8.
        fan_out: Masks per channel.
        classes: Number of classes.
    """

    def __init__(self, *, width: int, size: int, fan_out: int, classes: int) -> None:
        super().__init__()
        layers: list[nn.Module] = [
            nn.Conv2d(3, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
        ]
        channels = width
        for stage, factor in enumerate(WIDTHS):
            for block in range(BLOCKS_EACH):
                stride = 2 if stage > 0 and block == 0 else 1
                layers.append(
                    PublishedBlock(channels, factor * width, size, stride=stride, fan_out=fan_out)
                )
                channels, size = factor * width, size // stride
        layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, classes)]
        self.layers = nn.Sequential(*layers)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Map `[batch, 3, size, size]` to logits `[batch, classes]`."""
        logits: torch.Tensor = self.layers(images)
        return logits
