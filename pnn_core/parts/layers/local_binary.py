"""The local binary layer: fixed sparse filters, a ReLU and a learned 1×1 (paper Eq. 1)."""

from typing import TYPE_CHECKING

from pnn_core.parts.layer_place import LayerPlace
from pnn_core.parts.layers.spatial_layer import SpatialLayer

if TYPE_CHECKING:
    import torch
    from torch import nn

    from pnn_core.config import ModelConfig


class LocalBinary(SpatialLayer):
    """`pnn_core.layers.local_binary.LocalBinaryLayer`, in words."""

    def learnable_params(self, config: "ModelConfig", place: LayerPlace) -> int:
        """Count the 1×1 and the normalisation before it."""
        maps = config.fan_out * place.inputs.channels
        norm = 2 * maps if config.order == "noise_relu_bn_conv" else 0
        return (maps + place.bias) * place.out_channels + norm

    def build(
        self, config: "ModelConfig", place: LayerPlace, generator: "torch.Generator"
    ) -> "nn.Module":
        """Build the layer for maps of any size."""
        from pnn_core.layers.local_binary import LocalBinaryLayer

        return LocalBinaryLayer(
            place.inputs.channels,
            place.out_channels,
            fan_out=config.fan_out,
            nonzero_share=config.mask.nonzero_share,
            order=config.order,
            bias=place.bias,
            generator=generator,
        )


LAYER = LocalBinary(
    label="local binary",
    symbol="triangle-up",
    colour="purple",
    place=3,
    uses=frozenset({"fan_out", "order", "nonzero_share"}),
)
