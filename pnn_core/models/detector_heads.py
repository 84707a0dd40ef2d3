"""Parts of Faster R-CNN between and behind a network's features and its head, as published.

They stand in the place of torchvision's parts of the same arguments. What they give has at least
float32's precision, also where a GPU computes in half of it: boxes of some hundred pixels have none
to spare.
"""

import torch
from torch import nn
from torchvision.ops import roi_align

from pnn_core.parts.detector_shape import ANCHORS, REGION_SIDE, DetectorShape

SAMPLES_PER_PIXEL = 2
"""Points along an edge of which each pixel of an aligned region is the mean."""


class MapProposals(nn.Module):
    """A 3×3 convolution and, for each anchor at each pixel, its objectness and box.

    Weights begin at N(0, 0.01), biases at 0, as published.

    Args:
        shape: Shapes within the detector.
    """

    def __init__(self, shape: DetectorShape) -> None:
        super().__init__()
        width = shape.proposal_width
        self.conv = nn.Conv2d(shape.features.channels, width, kernel_size=3, padding=1)
        self.relu = nn.ReLU(inplace=True)
        self.objectness = nn.Conv2d(width, ANCHORS, kernel_size=1)
        self.boxes = nn.Conv2d(width, 4 * ANCHORS, kernel_size=1)
        for layer in (self.conv, self.objectness, self.boxes):
            _begin(layer, deviation=0.01)

    def forward(self, features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Map `[batch, *features]` to `[batch, 9, h, w]` and `[batch, 36, h, w]`."""
        maps = self.relu(self.conv(features))
        return precise(self.objectness(maps)), precise(self.boxes(maps))


class ProposalHead(nn.Module):
    """`MapProposals` as `torchvision.models.detection.rpn.RegionProposalNetwork` calls it.

    Args:
        shape: Shapes within the detector.
    """

    def __init__(self, shape: DetectorShape) -> None:
        super().__init__()
        self.each = MapProposals(shape)

    def forward(
        self, features: list[torch.Tensor]
    ) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
        """Map features of several scales to objectness and boxes of each."""
        objectness, boxes = zip(*map(self.each, features), strict=True)
        return list(objectness), list(boxes)


class RegionAlign(nn.Module):
    """RoI align on the features of one scale.

    Args:
        shape: Shapes within the detector.
    """

    def __init__(self, shape: DetectorShape) -> None:
        super().__init__()
        self.scale = 1 / shape.stride

    def forward(
        self,
        features: dict[str, torch.Tensor],
        boxes: list[torch.Tensor],
        image_shapes: list[tuple[int, int]],  # as torchvision gives it; there is one scale
    ) -> torch.Tensor:
        """Map features and each image's boxes, `[K, 4]`, to regions, `[all K, channels, 7, 7]`."""
        (maps,) = features.values()
        regions: torch.Tensor = roi_align(
            maps, boxes, REGION_SIDE, spatial_scale=self.scale, sampling_ratio=SAMPLES_PER_PIXEL
        )
        if maps.is_contiguous(memory_format=torch.channels_last):
            return regions.contiguous(memory_format=torch.channels_last)
        return regions


class RegionPredictor(nn.Module):
    """Logits of a region, and a box of it for each class.

    Weights begin at N(0, 0.01) and N(0, 0.001), biases at 0, as published.

    Args:
        inputs: Numbers that the head gives for each region.
        classes: Number of classes without the background, which has number 0 here.
    """

    def __init__(self, inputs: int, classes: int) -> None:
        super().__init__()
        self.logits = nn.Linear(inputs, classes + 1)
        self.boxes = nn.Linear(inputs, 4 * (classes + 1))
        _begin(self.logits, deviation=0.01)
        _begin(self.boxes, deviation=0.001)

    def forward(self, regions: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Map `[regions, inputs]`, or with a height and width of 1, to logits and boxes.

        Returns:
            `[regions, 1 + classes]` and `[regions, 4 * (1 + classes)]`.
        """
        regions = regions.flatten(1)
        return precise(self.logits(regions)), precise(self.boxes(regions))


def precise(tensor: torch.Tensor) -> torch.Tensor:
    """Convert half precision to float32; anything else stays as it is."""
    return tensor.to(torch.promote_types(tensor.dtype, torch.float32))


def _begin(layer: nn.Conv2d | nn.Linear, *, deviation: float) -> None:
    nn.init.normal_(layer.weight, std=deviation)
    assert layer.bias is not None  # noqa: S101  # all of these have one
    nn.init.zeros_(layer.bias)
