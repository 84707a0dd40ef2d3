"""A network as a detector: features of a whole image, and a head for each region of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from pnn_core.parts.feature_map import FeatureMap

REGION_SIDE = 7
"""Pixels a side of the map that each region is aligned to."""

PROPOSAL_WIDTH = 512
"""Most channels of the 3×3 convolution that proposes regions."""

ANCHOR_SHARES = (0.16, 0.32, 0.64)
"""Sides of the square anchors, as shares of the canvas.

As published they are 128, 256 and 512 pixels where the shorter edge is 600: 0.16, 0.32 and 0.64 of
the longer edge of VOC's usual 500×375 pixels, which is what fills a canvas. A share finds the same
objects on every canvas and with every network, where multiples of the stride would not.
"""

ANCHOR_RATIOS = (0.5, 1.0, 2.0)
"""Heights of the anchors over their widths, as published."""

ANCHORS = len(ANCHOR_SHARES) * len(ANCHOR_RATIOS)
"""Anchors at each pixel of the features."""

SMALLEST_FEATURES = 4
"""Pixels a side of the smallest features among which regions are told apart."""


@dataclass(frozen=True, kw_only=True)
class DetectorShape:
    """Shapes within Faster R-CNN on single-scale ("C4") features.

    Attributes:
        features: Shape of the image's features, in which regions are proposed and aligned.
        stride: Pixels of the canvas, along an edge, for each pixel of the features.
        hidden: Units of the head's fully connected layers; none where it is of convolutions.
        outputs: Numbers that the head gives for each region.
    """

    features: FeatureMap
    stride: int
    hidden: tuple[int, ...] = ()
    outputs: int

    @property
    def region(self) -> FeatureMap:
        """Shape of what the head is given for each region."""
        return self.features.resized(REGION_SIDE)

    @property
    def proposal_width(self) -> int:
        """Channels of the 3×3 convolution that proposes regions."""
        return min(PROPOSAL_WIDTH, self.features.channels)

    def params(self, classes: int) -> int:
        """Count what the optimiser changes beside the backbone, in closed form.

        That is the proposals' 3×3 and their two 1×1s, for objectness and boxes; the fully connected
        layers of the head; and the logits and boxes of each class.

        Args:
            classes: Number of classes without the background.
        """
        channels, width = self.features.channels, self.proposal_width
        proposals = (9 * channels + 1) * width + (width + 1) * 5 * ANCHORS
        layers = pairwise((self.region.channels * self.region.pixels, *self.hidden))
        hidden = sum((inputs + 1) * outputs for inputs, outputs in layers)
        return proposals + hidden + (self.outputs + 1) * 5 * (classes + 1)

    def refusal(self, network: str, canvas: int) -> str:
        """Say why a network cannot take a canvas; empty where it can.

        Args:
            network: Name of the network.
            canvas: Pixels a side of the canvas.
        """
        smallest = SMALLEST_FEATURES * self.stride
        if canvas >= smallest and canvas % self.stride == 0:
            return ""
        below = max(smallest, canvas - canvas % self.stride)
        nearest = [below, below + self.stride] if canvas > below else [below]
        return (
            f"canvas (={canvas}) cannot be halved down to the features of network {network}: "
            f"accepted are multiples of {self.stride} from {smallest} on, of which the nearest "
            f"{_listed(nearest)}"
        )


def _listed(sizes: Sequence[int]) -> str:
    verb = "is" if len(sizes) == 1 else "are"
    return f"{verb} {' and '.join(map(str, sizes))}"
