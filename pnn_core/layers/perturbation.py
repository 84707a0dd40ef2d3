"""The perturbation layer."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import nn

from pnn_core.config import MaskConfig, Order
from pnn_core.fused.operators import perturb_combine
from pnn_core.fused.sequential import NormalisedLayer
from pnn_core.layers.leaf_module import LeafModule, joined, joined_parameter
from pnn_core.layers.masks import draw_masks
from pnn_core.layers.pointwise import Combination


class Perturbation(LeafModule):
    """Noise masks, added to each channel: N[i] + x[⌊i / fan_out⌋] for i = 0 … m − 1.

    The arguments are those of `PerturbationLayer`; m = fan_out · p.
    """

    masks: torch.Tensor
    """`[1, m, height, width]`, or `[1, fan_out, height, width]` where all channels share them.

    A buffer, in the state dict, never trained; with `trained_masks` a parameter instead, which
    holds N/ℓ, as M. Klachko's does: the level then also sets how fast the noise learns.

    Four axes, so that `module.to(memory_format=...)` lays the masks out like the images.
    """

    def __init__(
        self,
        in_channels: int,
        *,
        fan_out: int,
        height: int,
        width: int,
        mask: MaskConfig,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.fan_out = fan_out
        self.copies = 1 if mask.unique_masks else in_channels
        self.scale = mask.noise_level if mask.trained_masks else 1.0
        drawn = replace(mask, noise_level=1.0) if mask.trained_masks else mask
        count = fan_out * in_channels // self.copies
        masks = draw_masks(count, height, width, drawn, generator)[None]
        if mask.trained_masks:
            self.masks = nn.Parameter(masks)
        else:
            self.register_buffer("masks", masks)

    @property
    def macs_per_output(self) -> int:
        """Multiply-accumulates for each value: none, as noise is added."""
        return 0

    @classmethod
    def pack(cls, modules: Sequence["Perturbation"]) -> "BatchedPerturbation":
        """Join the masks of replicates."""
        return BatchedPerturbation(modules)

    def noise(self) -> torch.Tensor:
        """Return N, `[1, m, height, width]`."""
        masks = self.masks if self.scale == 1.0 else self.masks * self.scale
        return masks if self.copies == 1 else masks.repeat(1, self.copies, 1, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Perturb `[batch, in_channels, height, width]` to `[batch, m, height, width]`."""
        if self.fan_out > 1:
            x = x.repeat_interleave(self.fan_out, dim=1)
        return x + self.noise()


class BatchedPerturbation(nn.Module):
    """Noise masks, added to each channel of each replicate.

    Args:
        layers: Layers of one shape.
    """

    masks: torch.Tensor
    """`[1, R * masks, height, width]`, a buffer or a parameter; see `Perturbation.masks`."""

    def __init__(self, layers: Sequence[Perturbation]) -> None:
        super().__init__()
        first = layers[0]
        self.replicates = len(layers)
        self.fan_out, self.copies, self.scale = first.fan_out, first.copies, first.scale
        if isinstance(first.masks, nn.Parameter):
            self.masks = joined_parameter([layer.masks for layer in layers], axis=1)
        else:
            self.register_buffer("masks", joined([layer.masks for layer in layers], axis=1))

    def noise(self) -> torch.Tensor:
        """Return N of all replicates, `[1, R * m, h, w]`."""
        masks = self.masks if self.scale == 1.0 else self.masks * self.scale
        if self.copies == 1:
            return masks
        each = masks.unflatten(1, (self.replicates, 1, -1))
        repeated: torch.Tensor = each.expand(-1, -1, self.copies, -1, -1, -1).flatten(1, 3)
        return repeated

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Perturb `[batch, R * p, h, w]` to `[batch, R * m, h, w]`."""
        masks = self.masks if self.scale == 1.0 else self.masks * self.scale
        # A channel's masks stand on an axis of their own, so that no channel is repeated in memory.
        shape = (
            (self.replicates, -1, self.fan_out) if self.copies == 1 else (self.replicates, 1, -1)
        )
        channels = x.unflatten(1, (self.replicates, -1, 1))
        maps: torch.Tensor = (channels + masks.unflatten(1, shape)).flatten(1, 3)
        return maps


class PerturbationLayer(NormalisedLayer):
    """Fixed noise masks, a ReLU and one learned 1×1 combination, in place of a convolution.

    Each of the p input channels is perturbed by its own `fan_out` masks and one full 1×1
    combination of the m = fan_out · p maps gives the q output channels (paper Eq. 2 and 28):

        y[t] = Σᵢ V[t, i] · relu(N[i] + x[⌊i / fan_out⌋])      i = 0 … m − 1

    V and its bias, if any, are the only learnable parameters under the order `noise_relu_conv`. The
    published code normalises the m maps before combining them, which the paper's text does not
    say: `noise_relu_bn_conv`. `noise_conv_bn_relu` leaves out the ReLU.

    Args:
        in_channels: Number of input channels, p.
        out_channels: Number of output channels, q.
        fan_out: Masks per input channel.
        height: Height of the feature map in pixels.
        width: Width of the feature map in pixels.
        mask: Settings by which the masks are drawn, shared and trained.
        order: Order of ReLU, BN and the combination behind the noise.
        bias: True if the combination has one.
        generator: CPU source of the masks' randomness.
        grouped: True if the 1×1 combines the maps of each input channel alone; output t is then
            made of channel ⌊t · p / q⌋.
        mix_maps: True if a second 1×1 follows (see `Combination`).

    Raises:
        ValueError: `grouped`, and p does not divide q.
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
        grouped: bool = False,
        mix_maps: bool = False,
    ) -> None:
        super().__init__()
        if grouped and out_channels % in_channels:
            raise ValueError(
                f"out_channels (={out_channels}) must be a multiple of in_channels "
                f"(={in_channels}) where the 1×1 is grouped"
            )
        self.perturb = Perturbation(
            in_channels,
            fan_out=fan_out,
            height=height,
            width=width,
            mask=mask,
            generator=generator,
        )
        self.combine = Combination(
            fan_out * in_channels,
            out_channels,
            order=order,
            bias=bias,
            groups=in_channels if grouped else 1,
            mix_maps=mix_maps,
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Perturb and combine.

        Args:
            x: `[batch, in_channels, height, width]`.

        Returns:
            `[batch, out_channels, height, width]`.
        """
        combine = self.combine
        if isinstance(combine.relu, nn.ReLU):
            fused = perturb_combine(
                x, self.perturb.noise, combine.norm, combine.conv, fan_out=self.perturb.fan_out
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
            self.perturb.noise,
            combine.norm,
            combine.conv,
            fan_out=self.perturb.fan_out,
            output_norm=norm,
            shortcut=shortcut,
            relu=relu,
        )
