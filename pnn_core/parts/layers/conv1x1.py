"""The 1×1 convolution: no noise and no neighbours."""

from typing import TYPE_CHECKING

from pnn_core.parts.layer_place import LayerPlace
from pnn_core.parts.layers.spatial_layer import SpatialLayer

if TYPE_CHECKING:
    import torch
    from torch import nn

    from pnn_core.config import ModelConfig


class Conv1x1(SpatialLayer):
    """A 1×1 convolution, which sees one pixel at a time.

    It stands as the 1×1 of the published code does: with the orders `..._conv_bn_relu`, those of
    M. Klachko's code, BN and ReLU come before the pool.
    """

    def learnable_params(self, config: "ModelConfig", place: LayerPlace) -> int:
        """Count one weight for each pair of channels."""
        inputs = 1 if place.depthwise else place.inputs.channels
        return (inputs + place.bias) * place.out_channels

    def build(
        self, config: "ModelConfig", place: LayerPlace, generator: "torch.Generator"
    ) -> "nn.Module":
        """Build a convolution of stride 1."""
        from torch import nn

        return nn.Conv2d(
            place.inputs.channels,
            place.out_channels,
            kernel_size=1,
            groups=place.inputs.channels if place.depthwise else 1,
            bias=place.bias,
        )

    def idle(self, config: "ModelConfig") -> frozenset[str]:
        """Name the order where it leaves BN and ReLU behind the pool, as it is by default."""
        return frozenset() if self.normalises_before_pool(config) else frozenset({"order"})


LAYER = Conv1x1(
    label="1×1",
    symbol="circle",
    colour="blue",
    place=1,
    uses=frozenset({"order"}),
    stands_depthwise=True,
)
