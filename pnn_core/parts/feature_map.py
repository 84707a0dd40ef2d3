"""Shape of what flows between layers."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class FeatureMap:
    """Channels, then height and width in pixels."""

    channels: int
    height: int
    width: int

    def after(self, channels: int, stride: int) -> "FeatureMap":
        """Return the shape after a layer of that many channels and that stride, rounded up."""
        return FeatureMap(
            channels=channels,
            height=math.ceil(self.height / stride),
            width=math.ceil(self.width / stride),
        )

    def resized(self, side: int) -> "FeatureMap":
        """Return the shape of as many channels, `side` pixels high and wide."""
        return FeatureMap(channels=self.channels, height=side, width=side)

    @property
    def pixels(self) -> int:
        """Height times width."""
        return self.height * self.width
