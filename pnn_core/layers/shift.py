"""Nine fixed shifts in the place of a spatial convolution.

Wu et al., "Shift: A Zero FLOP, Zero Parameter Alternative to Spatial Convolutions", CVPR 2018.
"""

from collections.abc import Sequence

import torch
from torch.autograd.function import FunctionCtx, once_differentiable

from pnn_core.layers.leaf_module import LeafModule
from pnn_core.layers.map_source import MapSource, no_noise

STEPS = ((0, 0), (-1, 0), (1, 0), (0, -1), (0, 1), (-1, -1), (-1, 1), (1, -1), (1, 1))
"""Rows and columns by which maps move: not at all, to the four neighbours, to the corners."""


class Shift(MapSource, LeafModule):
    """Each channel `fan_out` times; map i is moved by step i mod 9, and what comes in is 0.

    Nine consecutive maps so see all of a 3×3 window. Where nine does not divide the number of maps,
    the first steps have one map more than the last ones: the remainder is spread from the centre
    outwards. (Wu et al. leave the whole remainder at the centre, where fewer than nine channels,
    as in small networks, would see no neighbour at all.)

    Args:
        fan_out: Maps per channel.
        replicates: Number of networks whose channels come in, those of the first one first.
    """

    copies_made = True

    def __init__(self, fan_out: int, *, replicates: int = 1) -> None:
        super().__init__(fan_out)
        self.replicates = replicates

    @property
    def macs_per_output(self) -> int:
        """Multiply-accumulates for each value: none, as values are moved."""
        return 0

    @classmethod
    def pack(cls, modules: Sequence["Shift"]) -> "Shift":
        """Count steps from 0 for the channels of each replicate."""
        return cls(modules[0].fan_out, replicates=len(modules))

    def summands(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """See `MapSource`."""
        maps = x
        if self.fan_out > 1:
            # Repeated as pixels, so that maps that are channels last stay so.
            pixels = x.permute(0, 2, 3, 1)[..., None].expand(-1, -1, -1, -1, self.fan_out)
            maps = pixels.flatten(3).permute(0, 3, 1, 2)
        moved: torch.Tensor = _Move.apply(maps.unflatten(1, (self.replicates, -1)))
        return moved.flatten(1, 2), no_noise(x, maps.shape[1])


class _Move(torch.autograd.Function):
    """Moves maps `[batch, replicates, m, height, width]` by their steps; its gradient, back."""

    @staticmethod
    def forward(_: FunctionCtx, maps: torch.Tensor) -> torch.Tensor:
        return _moved(maps, 1)

    @staticmethod
    @once_differentiable
    def backward(_: FunctionCtx, *gradients: torch.Tensor) -> torch.Tensor:
        return _moved(gradients[0], -1)


def _moved(maps: torch.Tensor, sign: int) -> torch.Tensor:
    """Move maps by their steps, or by their opposites, into a new tensor."""
    moved = torch.zeros_like(maps)
    for first, (rows, columns) in enumerate(STEPS):
        from_row, to_row = _overlap(sign * rows)
        from_column, to_column = _overlap(sign * columns)
        taken = maps[:, :, first :: len(STEPS), from_row, from_column]
        moved[:, :, first :: len(STEPS), to_row, to_column] = taken
    return moved


def _overlap(step: int) -> tuple[slice, slice]:
    """Return the part of an axis that stays inside when moved by a step, and its new place."""
    before, after = slice(None, -1), slice(1, None)
    if step == 0:
        return slice(None), slice(None)
    return (before, after) if step > 0 else (after, before)
