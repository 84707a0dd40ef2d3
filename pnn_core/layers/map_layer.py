"""Maps of each input channel and a learned 1×1 combination of them, in place of a convolution."""

import torch
from torch import nn

from pnn_core.config import Order
from pnn_core.fused.operators import perturb_combine
from pnn_core.fused.sequential import NormalisedLayer
from pnn_core.layers.map_source import MapSource
from pnn_core.layers.pointwise import Combination


class MapLayer(NormalisedLayer):
    """Maps of p channels, a ReLU and one learned 1×1 combination (paper Eq. 2 and 28).

    Each channel has `fan_out` maps, and one full 1×1 combination of all m = fan_out · p maps gives
    the q output channels; a perturbation layer is

        y[t] = Σᵢ V[t, i] · relu(N[i] + x[⌊i / fan_out⌋])      i = 0 … m − 1

    V and its bias, if any, are the only learnable parameters under the order `noise_relu_conv`. The
    published code normalises the m maps before combining them, which the paper's text does not
    say: `noise_relu_bn_conv`. `noise_conv_bn_relu` leaves out the ReLU.

    Args:
        source: Module that makes the maps.
        in_channels: Number of input channels, p.
        out_channels: Number of output channels, q.
        order: Order of ReLU, BN and the combination behind the maps.
        bias: True if the combination has one.
        grouped: True if the 1×1 combines the maps of each input channel alone; output t is then
            made of channel ⌊t · p / q⌋.
        mix_maps: True if a second 1×1 follows (see `Combination`).

    Raises:
        ValueError: `grouped`, and p does not divide q.
    """

    perturb: MapSource

    def __init__(
        self,
        source: MapSource,
        in_channels: int,
        out_channels: int,
        *,
        order: Order,
        bias: bool,
        grouped: bool = False,
        mix_maps: bool = False,
    ) -> None:
        super().__init__()
        if grouped and out_channels % in_channels:
            raise ValueError(
                f"out_channels (={out_channels}) must be a multiple of in_channels "
                f"(={in_channels}) where the 1×1 is grouped"
            )
        self.perturb = source
        self.combine = Combination(
            source.fan_out * in_channels,
            out_channels,
            order=order,
            bias=bias,
            groups=in_channels if grouped else 1,
            mix_maps=mix_maps,
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Make maps and combine them.

        Args:
            x: `[batch, in_channels, height, width]`.

        Returns:
            `[batch, out_channels, height, width]`.
        """
        combine = self.combine
        if isinstance(combine.relu, nn.ReLU):
            fused = perturb_combine(
                x, self.perturb.summands, combine.norm, combine.conv, fan_out=self.perturb.fan_out
            )
            if fused is not None:
                mixed: torch.Tensor = combine.mix(fused)
                return mixed
        output: torch.Tensor = combine(self.perturb(x))
        return output

    def normalised(
        self, x: torch.Tensor, norm: nn.BatchNorm2d, shortcut: torch.Tensor | None, *, relu: bool
    ) -> torch.Tensor | None:
        """See `NormalisedLayer`."""
        combine = self.combine
        if not isinstance(combine.relu, nn.ReLU) or not isinstance(combine.mix, nn.Identity):
            return None
        return perturb_combine(
            x,
            self.perturb.summands,
            combine.norm,
            combine.conv,
            fan_out=self.perturb.fan_out,
            output_norm=norm,
            shortcut=shortcut,
            relu=relu,
        )
