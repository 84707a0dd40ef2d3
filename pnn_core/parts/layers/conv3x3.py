"""The plain convolution: 3×3, or of the size that the network has in its place."""

from typing import TYPE_CHECKING

from pnn_core.parts.layer_place import LayerPlace
from pnn_core.parts.layers.spatial_layer import SpatialLayer

if TYPE_CHECKING:
    import torch
    from torch import nn

    from pnn_core.config import ModelConfig


class Conv3x3(SpatialLayer):
    """The network as it was: 3×3 convolutions, but for the 5×5 one of `nin`."""

    def learnable_params(self, config: "ModelConfig", place: LayerPlace) -> int:
        """Count one kernel for each pair of channels."""
        return (place.kernel_size**2 * place.inputs.channels + place.bias) * place.out_channels

    def build(
        self, config: "ModelConfig", place: LayerPlace, generator: "torch.Generator"
    ) -> "nn.Module":
        """Build a convolution that keeps the map's size at stride 1."""
        from torch import nn

        return nn.Conv2d(
            place.inputs.channels,
            place.out_channels,
            kernel_size=place.kernel_size,
            stride=place.stride,
            padding=place.kernel_size // 2,
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
