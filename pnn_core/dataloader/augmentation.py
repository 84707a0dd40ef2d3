"""Random crops and flips of a whole batch at once."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.nn import functional

from pnn_core.data.augmentation import Augmentation


@dataclass(frozen=True, kw_only=True)
class CropsAndFlips:
    """One random crop and flip for each image.

    Attributes:
        rows: First row of each crop within the padded image, `[n]`.
        columns: First column of each crop, `[n]`.
        flipped: True for each image whose left and right are exchanged, `[n]`.
        padding: Black pixels added on each side before cropping back to the image's size.
    """

    rows: torch.Tensor
    columns: torch.Tensor
    flipped: torch.Tensor
    padding: int

    def __getitem__(self, batch: slice | torch.Tensor) -> "CropsAndFlips":
        return CropsAndFlips(
            rows=self.rows[batch],
            columns=self.columns[batch],
            flipped=self.flipped[batch],
            padding=self.padding,
        )

    @classmethod
    def interleaved(cls, draws: "Sequence[CropsAndFlips]") -> "CropsAndFlips":
        """Interleave draws: the first of each, then the second of each, and so on."""
        return cls(
            rows=torch.stack([each.rows for each in draws], dim=1).flatten(),
            columns=torch.stack([each.columns for each in draws], dim=1).flatten(),
            flipped=torch.stack([each.flipped for each in draws], dim=1).flatten(),
            padding=draws[0].padding,
        )


def draw_crops_and_flips(
    augmentation: Augmentation, count: int, generator: torch.Generator, device: torch.device
) -> CropsAndFlips:
    """Draw for `count` images on the CPU, so that a seed gives the same on every device."""
    padding = augmentation.shift
    offsets = torch.randint(0, 2 * padding + 1, (2, count), generator=generator).to(device)
    flipped = draw_flips(augmentation, count, generator).to(device)
    return CropsAndFlips(rows=offsets[0], columns=offsets[1], flipped=flipped, padding=padding)


def draw_flips(augmentation: Augmentation, count: int, generator: torch.Generator) -> torch.Tensor:
    """Draw the images to flip, bool `[count]`.

    They are drawn also where none is flipped: so runs with and without flips have the same order
    and the same shifts.
    """
    return torch.randint(0, 2, (count,), generator=generator).bool() & augmentation.flip


def crop_and_flip(images: torch.Tensor, draws: CropsAndFlips) -> torch.Tensor:
    """Shift and mirror each image of `[n, channels, height, width]` by its own draw."""
    count, channels, height, width = images.shape
    padded = functional.pad(images, (draws.padding,) * 4)
    steps = torch.arange(width, device=images.device)
    steps = torch.where(draws.flipped[:, None], steps.flip(0), steps)
    columns = draws.columns[:, None] + steps
    rows = draws.rows[:, None] + torch.arange(height, device=images.device)
    return padded[
        torch.arange(count, device=images.device)[:, None, None, None],
        torch.arange(channels, device=images.device)[None, :, None, None],
        rows[:, None, :, None],
        columns[:, None, None, :],
    ]
