"""The plain 3×3 convolution."""

from typing import TYPE_CHECKING

from pnn_core.parts.layer_place import LayerPlace
from pnn_core.parts.layers.spatial_layer import SpatialLayer

if TYPE_CHECKING:
    import torch
    from torch import nn

    from pnn_core.config import ModelConfig


class Conv3x3(SpatialLayer):
    """A 3×3 convolution: the network as it was."""

    def learnable_params(self, config: "ModelConfig", place: LayerPlace) -> int:
        """Count 9 weights for each pair of channels."""
        return (9 * place.inputs.channels + place.bias) * place.out_channels

    def build(
        self, config: "ModelConfig", place: LayerPlace, generator: "torch.Generator"
    ) -> "nn.Module":
        """Build a convolution that keeps the map's size at stride 1."""
        from torch import nn

        return nn.Conv2d(
            place.inputs.channels,
            place.out_channels,
            kernel_size=3,
            stride=place.stride,
            padding=1,
            bias=place.bias,
        )


LAYER = Conv3x3(
    label="3×3",
    symbol="square",
    colour="green",
    place=2,
    uses=frozenset(),
    as_convolution=True,
)
