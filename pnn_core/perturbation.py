"""The perturbation layer."""

import torch
from torch import nn

from pnn_core.config import MaskConfig, Order
from pnn_core.masks import draw_masks


class PerturbationLayer(nn.Module):
    """Fixed noise masks, a ReLU and one learned 1×1 combination, in place of a convolution.

    Each of the p input channels is perturbed by its own `fan_out` masks and one full 1×1
    combination of the m = fan_out · p maps gives the q output channels (paper Eq. 2 and 28):

        y[t] = Σᵢ V[t, i] · relu(N[i] + x[⌊i / fan_out⌋])      i = 0 … m − 1

    V and its bias, if any, are the only learnable parameters under the order `noise_relu_conv`. The
    published code normalises the m maps before combining them, which the paper's text does not
    say: `noise_relu_bn_conv`.

    Args:
        in_channels: p.
        out_channels: q.
        fan_out: Masks per input channel.
        height: Height of the feature map in pixels.
        width: Width of the feature map in pixels.
        mask: How the masks are drawn.
        order: Whether the maps are normalised before they are combined.
        bias: Whether the combination has one.
        generator: CPU source of the masks' randomness.
    """

    masks: torch.Tensor
    """N, `[1, m, height, width]`: a buffer, in the state dict, never trained.

    Four axes, so that `module.to(memory_format=...)` lays the masks out like the images.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        fan_out: int,
        height: int,
        width: int,
        mask: MaskConfig,
        order: Order,
        bias: bool,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        mask_count = fan_out * in_channels
        self.fan_out = fan_out
        self.register_buffer("masks", draw_masks(mask_count, height, width, mask, generator)[None])
        self.norm = nn.BatchNorm2d(mask_count) if order == "noise_relu_bn_conv" else nn.Identity()
        self.combine = nn.Conv2d(mask_count, out_channels, kernel_size=1, bias=bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Perturb and combine.

        Args:
            x: `[batch, in_channels, height, width]`.

        Returns:
            `[batch, out_channels, height, width]`.
        """
        if self.fan_out > 1:
            x = x.repeat_interleave(self.fan_out, dim=1)
        maps = torch.relu_(x + self.masks)
        output: torch.Tensor = self.combine(self.norm(maps))
        return output
