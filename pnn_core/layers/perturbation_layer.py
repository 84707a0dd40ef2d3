"""The perturbation layer by itself, for networks of other people."""

import torch

from pnn_core.config import MaskConfig
from pnn_core.config.model import Order
from pnn_core.layers.map_layer import MapLayer
from pnn_core.layers.perturbation import Perturbation


class PerturbationLayer(MapLayer):
    """Fixed noise masks, a ReLU and a learned 1×1, in the place of a k×k convolution (Eq. 2).

    The map's size stays: a stride is a pool behind the layer, `nn.MaxPool2d(2, ceil_mode=True)` in
    the published code::

        layer = PerturbationLayer(64, 64)
        layer(torch.randn(8, 64, 32, 32)).shape  # [8, 64, 32, 32]

    Args:
        in_channels: Number of input channels, p.
        out_channels: Number of output channels, q.
        size: Height and width of the feature map in pixels, or its side; masks are as large.
        noise_level: Half-range of the noise, ℓ.
        fan_out: Masks per input channel.
        order: See `MapLayer`.
        bias: True if the 1×1 has one.
        seed: Seed of the masks. Learned weights come from torch's global generator.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        size: int | tuple[int, int] = 32,
        *,
        noise_level: float = 0.1,
        fan_out: int = 1,
        order: Order = "noise_relu_bn_conv",
        bias: bool = False,
        seed: int = 0,
    ) -> None:
        height, width = (size, size) if isinstance(size, int) else size
        masks = Perturbation(
            in_channels,
            fan_out=fan_out,
            height=height,
            width=width,
            mask=MaskConfig(noise_level=noise_level),
            generator=torch.Generator().manual_seed(seed),
        )
        super().__init__(masks, in_channels, out_channels, order=order, bias=bias)
