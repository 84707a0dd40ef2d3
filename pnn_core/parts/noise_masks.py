"""Noise masks of one layer, in words."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pnn_core.config import MaskConfig


@dataclass(frozen=True, kw_only=True)
class NoiseMasks:
    """Noise masks as one layer draws them, before anything else is drawn of its generator.

    Attributes:
        count: Masks that differ: all m, or the `fan_out` that all channels share.
        height: Height of a mask in pixels.
        width: Width of a mask in pixels.
        mask: Level and distribution; with `trained_masks` these are the masks before training.
        blur: Standard deviation, in pixels, of the Gaussian that each mask is blurred by, at equal
            variance; 0 for none.
    """

    count: int
    height: int
    width: int
    mask: "MaskConfig"
    blur: float = 0.0
