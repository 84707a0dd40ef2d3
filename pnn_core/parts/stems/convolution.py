"""Stems of one convolution."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pnn_core.parts.stems.stem import Stem

if TYPE_CHECKING:
    import torch
    from torch import nn

    from pnn_core.config import ModelConfig


@dataclass(frozen=True, kw_only=True)
class ConvolutionStem(Stem):
    """A convolution over the image.

    Attributes:
        kernel_size: Pixels a side of the kernel, odd.
        frozen: True if its weights stay as the masks' seed draws them.
    """

    kernel_size: int
    frozen: bool = False

    def weights_per_output(self, config: "ModelConfig") -> int:
        """Count one kernel for each colour channel."""
        return 0 if self.frozen else self.kernel_size**2 * config.dataset.channels

    def build(
        self, config: "ModelConfig", *, bias: bool, generator: "torch.Generator"
    ) -> "list[nn.Module]":
        """Build the convolution."""
        from torch import nn

        from pnn_core.layers.initialisation import draw_frozen_weights

        conv = nn.Conv2d(
            config.dataset.channels,
            config.width,
            kernel_size=self.kernel_size,
            stride=self.stride,
            padding=self.kernel_size // 2,
            bias=bias,
        )
        if self.frozen:
            as_published = config.initialisation == "published"
            draw_frozen_weights(conv, generator, as_published=as_published)
        return [conv]
