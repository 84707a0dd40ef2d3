"""Place of a spatial layer in its network."""

from dataclasses import dataclass

from pnn_core.parts.feature_map import FeatureMap


@dataclass(frozen=True, kw_only=True)
class LayerPlace:
    """Place of a spatial layer in a network, and what is asked of the layer there.

    Attributes:
        inputs: Shape of what comes in.
        out_channels: Number of output channels, q.
        stride: 1, or 2 where the map is halved: by the layer's own stride or by a pool behind it.
        bias: True if the layer has one.
        kernel_size: Pixels a side of the convolution that the network has there, as published.
        depthwise: True if each output channel is made of one input channel alone.
    """

    inputs: FeatureMap
    out_channels: int
    stride: int = 1
    bias: bool
    kernel_size: int = 3
    depthwise: bool = False

    @property
    def outputs(self) -> FeatureMap:
        """Shape of what goes out, behind the pool."""
        return self.inputs.after(self.out_channels, self.stride)
