"""The local binary layer."""

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional

from pnn_core.config import Order
from pnn_core.layers.leaf_module import LeafModule, joined
from pnn_core.layers.masks import draw_binary_filters
from pnn_core.layers.pointwise import Combination


class BinaryConvolution(LeafModule):
    """A 3×3 convolution by fixed sparse filters of −1, 0 and 1, which keeps the map's size.

    Args:
        in_channels: Number of input channels, p.
        filter_count: Number of filters, m.
        nonzero_share: Share of the filters' weights that are ±1.
        generator: CPU source of the filters' randomness.
    """

    filters: torch.Tensor
    """b, `[m, p, 3, 3]`: a buffer, in the state dict, never trained."""

    def __init__(
        self,
        in_channels: int,
        filter_count: int,
        *,
        nonzero_share: float,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        filters = draw_binary_filters(filter_count, in_channels, nonzero_share, generator)
        self.register_buffer("filters", filters)

    @property
    def macs_per_output(self) -> int:
        """Multiply-accumulates for each value: those of one filter, zeros included."""
        return self.filters[0].numel()

    @classmethod
    def pack(cls, modules: Sequence["BinaryConvolution"]) -> "BatchedBinaryConvolution":
        """Join the filters of replicates."""
        return BatchedBinaryConvolution(modules)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map `[batch, p, height, width]` to `[batch, m, height, width]`."""
        return functional.conv2d(x, self.filters, padding=1)


class BatchedBinaryConvolution(nn.Module):
    """Fixed binary filters of each replicate.

    Args:
        layers: Layers of one shape.
    """

    filters: torch.Tensor
    """`[R * m, p, 3, 3]`."""

    def __init__(self, layers: Sequence[BinaryConvolution]) -> None:
        super().__init__()
        self.replicates = len(layers)
        self.register_buffer("filters", joined([layer.filters for layer in layers]))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map `[batch, R * p, h, w]` to `[batch, R * m, h, w]`."""
        return functional.conv2d(x, self.filters, padding=1, groups=self.replicates)


class LocalBinaryLayer(nn.Module):
    """Fixed binary filters, a ReLU and one learned 1×1 combination (LBCNN, paper Eq. 1).

        y[t] = Σᵢ W[t, i] · relu(Σₛ b[i, s] * x[s])      i = 0 … m − 1, m = fan_out · p

    The order says what stands between filters and combination, as in a perturbation layer.

    Args:
        in_channels: Number of input channels, p.
        out_channels: Number of output channels, q.
        fan_out: Filters per input channel.
        nonzero_share: Share of the filters' weights that are ±1.
        order: Order of ReLU, BN and the combination behind the filters.
        bias: True if the combination has one.
        generator: CPU source of the filters' randomness.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        fan_out: int,
        nonzero_share: float,
        order: Order,
        bias: bool,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        filter_count = fan_out * in_channels
        self.filter = BinaryConvolution(
            in_channels, filter_count, nonzero_share=nonzero_share, generator=generator
        )
        self.combine = Combination(filter_count, out_channels, order=order, bias=bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Filter and combine: `[batch, p, height, width]` to `[batch, q, height, width]`."""
        output: torch.Tensor = self.combine(self.filter(x))
        return output
