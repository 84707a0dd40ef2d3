"""Maps of a channel's 3×3 neighbourhoods."""

import torch
from torch import nn
from torch.nn import functional

from pnn_core.layers.map_source import MapSource, no_noise


class DepthwiseMaps(MapSource):
    """A 3×3 convolution of each channel alone, by `fan_out` filters for each.

    The map's size stays, and 0 stands beyond its border. Without a bias, as noise has none.

    Args:
        in_channels: Number of input channels, p.
        fan_out: Filters per input channel.
    """

    copies_made = True

    def __init__(self, in_channels: int, fan_out: int) -> None:
        super().__init__(fan_out)
        self.conv = nn.Conv2d(
            in_channels,
            fan_out * in_channels,
            kernel_size=3,
            padding=1,
            groups=in_channels,
            bias=False,
        )

    def summands(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """See `MapSource`."""
        maps = self.conv(x)
        return maps, no_noise(maps, maps.shape[1])


class AveragedMaps(MapSource):
    """The mean of each 3×3 neighbourhood, `fan_out` times; at the border, of the pixels inside."""

    def summands(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """See `MapSource`."""
        means = functional.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False)
        return means, no_noise(x, self.fan_out * x.shape[1])
