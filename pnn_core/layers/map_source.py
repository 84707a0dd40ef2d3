"""Maps that a layer makes of its channels, before a learned 1×1 combines them."""

from abc import ABC, abstractmethod

import torch
from torch import nn


class MapSource(nn.Module, ABC):
    """A module that makes m = fan_out · p maps of p channels, each a sum of a map and of noise.

    Args:
        fan_out: Maps per channel.
    """

    copies_made = False
    """True if the first summand has all m maps, and not the p channels."""

    def __init__(self, fan_out: int) -> None:
        super().__init__()
        self.fan_out = fan_out

    @abstractmethod
    def summands(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the two summands of the maps; call it once for each forward pass.

        Args:
            x: `[batch, p, height, width]`.

        Returns:
            x, or what each map has in its place, `[batch, m, height, width]`; and the noise N,
            `[1, m, height, width]`.
        """

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map `[batch, p, height, width]` to `[batch, m, height, width]`."""
        x, noise = self.summands(x)
        if self.fan_out == 1 or self.copies_made:
            return x + noise
        # A channel's maps stand on an axis of their own, so that no channel is repeated in memory.
        if x.is_contiguous(memory_format=torch.channels_last):
            noise = noise.contiguous(memory_format=torch.channels_last)  # or the sum were not
        each = noise.unflatten(1, (-1, self.fan_out))
        maps: torch.Tensor = (x.unflatten(1, (-1, 1)) + each).flatten(1, 2)
        return maps


def no_noise(x: torch.Tensor, map_count: int) -> torch.Tensor:
    """Return the noise of level 0 for maps of x, `[1, map_count, height, width]`.

    In float32 also where x has half precision, as masks are.
    """
    shape = (1, map_count, *x.shape[2:])
    dtype = torch.promote_types(x.dtype, torch.float32)
    noise = torch.empty(shape, dtype=dtype, device=x.device, memory_format=torch.channels_last)
    return noise.zero_()
