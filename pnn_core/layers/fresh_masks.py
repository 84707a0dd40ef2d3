"""Noise masks that are drawn anew at every training step."""

from collections.abc import Sequence

import torch

from pnn_core.config import MaskConfig
from pnn_core.layers.leaf_module import LeafModule
from pnn_core.layers.map_source import MapSource, no_noise
from pnn_core.layers.masks import draw_masks
from pnn_core.rng.generators import numbered


class MaskStream:
    """Masks of one layer of one run, one draw after another.

    Each draw has a generator of its own, made of the stream's seed and the draw's number: what a
    checkpoint must hold is that number alone, on any device.

    Args:
        generator: CPU source of the stream's seed.

    Attributes:
        drawn: Number of draws so far.
    """

    def __init__(self, generator: torch.Generator) -> None:
        self.seed = int(torch.randint(2**63 - 1, (), generator=generator, device="cpu"))
        self.drawn = 0

    def draw(
        self, count: int, height: int, width: int, mask: MaskConfig, device: torch.device
    ) -> torch.Tensor:
        """Draw the next masks, `[count, height, width]`, on a device; see `draw_masks`."""
        generator = numbered(self.seed, self.drawn, device)
        self.drawn += 1
        return draw_masks(count, height, width, mask, generator, device)


class FreshMasks(MapSource, LeafModule):
    """Noise masks that are drawn anew for each batch in training, and replaced by their mean after.

    Additive noise has a mean of 0, so that the network is evaluated without any, as with dropout's
    weight scaling and other noise that regularises: its forward pass is then that of `noise_off`,
    and the two differ by their training alone. The mean of the *maps*, E[relu(x + N)], would be
    another network, with a smooth function in the place of the ReLU.

    Batch normalisation keeps statistics of maps with noise. At levels up to some 0.3 that makes no
    difference; at level 1 the digits lose about 10 points by it, beside some 11 by the noise in
    training (resnet8 with 16 masks, 8 epochs, 2 seeds), and the expected maps repair none of it.

    Args:
        in_channels: Number of input channels, p, of each replicate.
        fan_out: Masks per input channel.
        mask: Level and distribution of the noise; with `unique_masks` each channel has its own.
        streams: Stream of each replicate: one, unless replicates are packed.
    """

    # Each step makes generators of its own, which a CUDA graph would replay with equal draws.
    can_be_captured = False

    def __init__(
        self, in_channels: int, *, fan_out: int, mask: MaskConfig, streams: Sequence[MaskStream]
    ) -> None:
        super().__init__(fan_out)
        self.in_channels = in_channels
        self.mask = mask
        self.streams = tuple(streams)

    @property
    def macs_per_output(self) -> int:
        """Multiply-accumulates for each value: none, as noise is added."""
        return 0

    @classmethod
    def pack(cls, modules: Sequence["FreshMasks"]) -> "FreshMasks":
        """Draw from the replicates' own streams, so that each goes on where the pack ends."""
        first = modules[0]
        streams = [stream for module in modules for stream in module.streams]
        return cls(first.in_channels, fan_out=first.fan_out, mask=first.mask, streams=streams)

    def summands(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """See `MapSource`."""
        maps = self.fan_out * self.in_channels * len(self.streams)
        if not self.training or self.mask.noise_level == 0:
            return x, no_noise(x, maps)
        height, width = x.shape[2:]
        copies = 1 if self.mask.unique_masks else self.in_channels
        count = self.fan_out * self.in_channels // copies
        noise = torch.cat(
            [
                stream.draw(count, height, width, self.mask, x.device).repeat(copies, 1, 1)
                for stream in self.streams
            ]
        )
        return x, noise[None].to(torch.promote_types(x.dtype, noise.dtype))

    def get_extra_state(self) -> torch.Tensor:
        """Return the number of draws so far, for the state dict."""
        return torch.tensor([stream.drawn for stream in self.streams])

    def set_extra_state(self, state: torch.Tensor) -> None:
        """Go on after as many draws."""
        for stream, drawn in zip(self.streams, state.tolist(), strict=True):
            stream.drawn = drawn
