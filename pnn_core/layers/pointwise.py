"""The learned 1×1 combination, the one learnable part of a layer with fixed masks or filters."""

import torch
from torch import nn

from pnn_core.config import Order


class Combination(nn.Module):
    """ReLU, batch normalisation and a 1×1 convolution, as far as the order asks for them.

    The BN and the ReLU behind the 1×1 belong to the network around it, which may put a pool or a
    shortcut between them.

    Args:
        map_count: Number of maps to combine, m.
        out_channels: Number of output channels, q.
        order: Order of the parts; decides if a ReLU and a BN stand before the 1×1.
        bias: True if the 1×1 has one.
        groups: Number of runs of maps, each of which the 1×1 combines alone.
        mix_maps: True if BN, ReLU and a second, full 1×1 follow the first. With the orders
            `..._conv_bn_relu` that is M. Klachko's `mix_maps`, which exists to join what a
            grouped 1×1 keeps apart.
    """

    def __init__(
        self,
        map_count: int,
        out_channels: int,
        *,
        order: Order,
        bias: bool,
        groups: int = 1,
        mix_maps: bool = False,
    ) -> None:
        super().__init__()
        self.relu = nn.Identity() if order == "noise_conv_bn_relu" else nn.ReLU(inplace=True)
        self.norm = nn.BatchNorm2d(map_count) if order == "noise_relu_bn_conv" else nn.Identity()
        self.conv = nn.Conv2d(map_count, out_channels, kernel_size=1, groups=groups, bias=bias)
        self.mix = (
            nn.Sequential(
                nn.BatchNorm2d(out_channels),
                nn.ReLU(inplace=True),
                nn.Conv2d(out_channels, out_channels, kernel_size=1, bias=bias),
            )
            if mix_maps
            else nn.Identity()
        )

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """Combine maps, which may be overwritten.

        Args:
            maps: `[batch, map_count, height, width]`.

        Returns:
            `[batch, out_channels, height, width]`.
        """
        output: torch.Tensor = self.mix(self.conv(self.norm(self.relu(maps))))
        return output
