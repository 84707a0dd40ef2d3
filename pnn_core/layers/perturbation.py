"""Fixed noise masks: with a `MapLayer` behind them, the perturbation layer (paper Eq. 2 and 28)."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import nn

from pnn_core.config import MaskConfig
from pnn_core.layers.leaf_module import LeafModule, joined, joined_parameter
from pnn_core.layers.map_source import MapSource
from pnn_core.layers.masks import blur_masks, draw_masks


class Perturbation(MapSource, LeafModule):
    """Noise masks, added to each channel: N[i] + x[⌊i / fan_out⌋] for i = 0 … m − 1.

    m = fan_out · p.

    Args:
        in_channels: Number of input channels, p.
        fan_out: Masks per input channel.
        height: Height of the masks in pixels: that of the feature map or, with a width of 1, 1.
        width: Width of the masks in pixels.
        mask: Settings by which the masks are drawn, shared and trained.
        crop: True if smaller maps than the masks get the upper left part of them.
        blur: See `pnn_core.parts.noise_masks.NoiseMasks`.
        generator: CPU source of the masks' randomness.
    """

    masks: torch.Tensor
    """`[1, m, height, width]`, or `[1, fan_out, height, width]` where all channels share them.

    With a height and width of 1, each mask is one number, for maps of any size.

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
        crop: bool = False,
        blur: float = 0.0,
    ) -> None:
        super().__init__(fan_out)
        self.crop = crop
        self.copies = 1 if mask.unique_masks else in_channels
        self.scale = mask.noise_level if mask.trained_masks else 1.0
        drawn = replace(mask, noise_level=1.0) if mask.trained_masks else mask
        count = fan_out * in_channels // self.copies
        masks = blur_masks(draw_masks(count, height, width, drawn, generator), blur)[None]
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

    def summands(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """See `MapSource`."""
        return x, over_maps(self.noise(), x, crop=self.crop)


class BatchedPerturbation(MapSource):
    """Noise masks, added to each channel of each replicate.

    Args:
        layers: Layers of one shape.
    """

    masks: torch.Tensor
    """`[1, R * masks, height, width]`, a buffer or a parameter; see `Perturbation.masks`."""

    def __init__(self, layers: Sequence[Perturbation]) -> None:
        first = layers[0]
        super().__init__(first.fan_out)
        self.replicates = len(layers)
        self.copies, self.scale, self.crop = first.copies, first.scale, first.crop
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

    def summands(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """See `MapSource`."""
        return x, over_maps(self.noise(), x, crop=self.crop)


def over_maps(noise: torch.Tensor, x: torch.Tensor, *, crop: bool = False) -> torch.Tensor:
    """Spread masks of one number over the maps of x; masks of the maps' size stay as they are.

    Masks are never interpolated: the mean of neighbours that do not depend on each other varies
    less than they do, so that a level would mean another noise at each size.

    Args:
        noise: `[1, m, height, width]`.
        x: Maps.
        crop: True to cut the upper left part out of masks that are larger than the maps.

    Raises:
        ValueError: The maps are larger than the masks or, without `crop`, smaller.
    """
    height, width = x.shape[2:]
    if noise.shape[2:] == (1, 1):
        return noise.expand(-1, -1, height, width)
    if crop and noise.shape[2] >= height and noise.shape[3] >= width:
        noise = noise[:, :, :height, :width].contiguous(memory_format=torch.channels_last)
    if noise.shape[2:] != x.shape[2:]:
        masks, maps = (f"{t.shape[2]}×{t.shape[3]}" for t in (noise, x))
        raise ValueError(
            f"the masks are {masks} pixels and the feature map is {maps}: fixed masks fit images "
            "of one size, and others must be resized to it or get a layer of their own size"
        )
    return noise
