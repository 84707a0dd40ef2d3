"""The shape of what flows between layers. Needs no torch."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class FeatureMap:
    """Channels, then height and width in pixels."""

    channels: int
    height: int
    width: int

    def after(self, channels: int, stride: int) -> "FeatureMap":
        """The shape after a layer of that many channels and that stride, rounded up."""
        return FeatureMap(
            channels=channels,
            height=math.ceil(self.height / stride),
            width=math.ceil(self.width / stride),
        )

    @property
    def pixels(self) -> int:
        """Height times width."""
        return self.height * self.width
