"""Faster R-CNN on the single-scale features of one of our networks.

Ren et al., "Faster R-CNN", NIPS 2015, on torchvision's `RegionProposalNetwork` and `RoIHeads`, with
the limits of the base code of the paper's Table 7 (https://github.com/jwyang/faster-rcnn.pytorch).
Two things are torchvision's: anchors that cross the image's border learn, too, and proposals of
less than 16 pixels are kept. Its `GeneralizedRCNNTransform` is left out, because images come
normalised, scaled and padded.
"""

from collections.abc import Sequence
from typing import Self

import torch
from torch import nn
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.roi_heads import RoIHeads
from torchvision.models.detection.rpn import RegionProposalNetwork

from pnn_core.config import DatasetShape
from pnn_core.models.backbone import Backbone
from pnn_core.models.counted_parts import CountedInParts, CountedPart
from pnn_core.models.detections import Detections, Objects
from pnn_core.models.detector_heads import ProposalHead, RegionAlign, RegionPredictor, precise
from pnn_core.parts.detector_shape import ANCHOR_RATIOS, ANCHOR_SHARES, DetectorShape
from pnn_core.parts.feature_map import FeatureMap

PROPOSALS_RANKED = {"training": 12_000, "testing": 6_000}
"""Most anchors of an image, the best first, among which non-maximum suppression chooses."""

PROPOSALS_KEPT = {"training": 2_000, "testing": 300}
"""Most proposals of an image after it."""

PROPOSAL_OVERLAP = 0.7
"""IoU above which the less likely of two proposals is dropped."""

ANCHORS_SAMPLED = 256
"""Anchors of an image that the proposals' loss is over, up to half of them on objects."""

REGIONS_SAMPLED = 128
"""Regions of an image that the detections' loss is over, up to a quarter of them on objects."""

DETECTION_OVERLAP = 0.3
"""IoU above which the less likely of two detections of one class is dropped."""

SCORE_THRESHOLD = 0.0
"""Score above which a detection counts: all do, as where the base code measures mAP."""

DETECTIONS_KEPT = 100
"""Most detections of an image, of all classes."""


class Detector(CountedInParts):
    """Features, a network that proposes regions in them, and a head that classifies each region.

    Batch normalisations are trained, those of the head on the statistics of sampled regions, unless
    `freeze_norms` is called. A step of training draws from the global generator of the images'
    device (anchors and regions that the losses are over, dropout) and from no other source.

    Args:
        shape: Shapes within the detector.
        backbone: Features and head.
        classes: Number of classes without the background.
    """

    def __init__(self, shape: DetectorShape, backbone: Backbone, classes: int) -> None:
        super().__init__()
        canvas = shape.stride * shape.features.height
        self.shape = shape
        self.features = backbone.features
        self.proposals = RegionProposalNetwork(
            AnchorGenerator(
                sizes=(tuple(canvas * share for share in ANCHOR_SHARES),),
                aspect_ratios=(ANCHOR_RATIOS,),
            ),
            ProposalHead(shape),
            fg_iou_thresh=0.7,
            bg_iou_thresh=0.3,
            batch_size_per_image=ANCHORS_SAMPLED,
            positive_fraction=0.5,
            pre_nms_top_n=PROPOSALS_RANKED,
            post_nms_top_n=PROPOSALS_KEPT,
            nms_thresh=PROPOSAL_OVERLAP,
        )
        self.regions = RoIHeads(
            RegionAlign(shape),
            backbone.head,
            RegionPredictor(shape.outputs, classes),
            fg_iou_thresh=0.5,
            bg_iou_thresh=0.5,
            batch_size_per_image=REGIONS_SAMPLED,
            positive_fraction=0.25,
            bbox_reg_weights=(10.0, 10.0, 5.0, 5.0),
            score_thresh=SCORE_THRESHOLD,
            nms_thresh=DETECTION_OVERLAP,
            detections_per_img=DETECTIONS_KEPT,
        )
        self._norms_are_frozen = False

    def forward(self, images: torch.Tensor) -> list[Detections]:
        """Find objects, in evaluation mode.

        Args:
            images: Normalised images, `[batch, channels, height, width]`: of the canvas, or smaller
                where the network was built for `DatasetShape.padding` to the batch.

        Returns:
            Detections in each image.
        """
        assert not self.training, "in training, call losses"  # noqa: S101
        listed, features = self._see(images)
        boxes, _ = self.proposals(listed, features)
        found, _ = self.regions(features, boxes, listed.image_sizes)
        return [
            Detections(boxes=each["boxes"], labels=each["labels"] - 1, scores=each["scores"])
            for each in found
        ]

    def losses(self, images: torch.Tensor, objects: Sequence[Objects]) -> torch.Tensor:
        """Sum the four losses, in training mode: objectness and box of anchors and of regions.

        Args:
            images: Normalised images, `[batch, channels, height, width]`: of the canvas, or smaller
                where the network was built for `DatasetShape.padding` to the batch.
            objects: Objects in each image, on its device; an image may have none.

        Returns:
            A scalar, in nats, the mean over images.
        """
        assert self.training, "in evaluation, call the detector"  # noqa: S101
        listed, features = self._see(images)
        dtype = features["0"].dtype
        targets = [{"boxes": each.boxes.to(dtype), "labels": each.labels + 1} for each in objects]
        boxes, losses = self.proposals(listed, features, targets)
        if any(len(each) for each in boxes) or any(len(each.boxes) for each in objects):
            losses |= self.regions(features, boxes, listed.image_sizes, targets)[1]
            return torch.stack([*losses.values()]).sum()
        # Only a network that diverged proposes no region, and its loss is to say so.
        return torch.stack([*losses.values()]).sum() * torch.nan

    def freeze_norms(self) -> None:
        """Keep batch normalisations as they are, statistics included, in training too."""
        self._norms_are_frozen = True
        for norm in self._norms():
            norm.requires_grad_(False)
        self.train(self.training)

    def train(self, mode: bool = True) -> Self:
        """Choose training or evaluation; frozen normalisations are always in evaluation."""
        super().train(mode)
        if self._norms_are_frozen:
            for norm in self._norms():
                norm.eval()
        return self

    def counted_parts(self, dataset: DatasetShape, *, training: bool) -> tuple[CountedPart, ...]:
        """See `CountedInParts`."""
        shape = self.shape
        regions = REGIONS_SAMPLED if training else PROPOSALS_KEPT["testing"]
        image = FeatureMap(channels=dataset.channels, height=dataset.height, width=dataset.width)
        outputs = FeatureMap(channels=shape.outputs, height=1, width=1)
        head, predictor = self.regions.box_head, self.regions.box_predictor
        return (
            CountedPart(module=self.features, inputs=image, times=1),
            CountedPart(module=self.proposals.head.each, inputs=shape.features, times=1),
            CountedPart(module=head, inputs=shape.region, times=regions),
            CountedPart(module=predictor, inputs=outputs, times=regions),
        )

    def _see(self, images: torch.Tensor) -> tuple[ImageList, dict[str, torch.Tensor]]:
        """Return images and their features as torchvision's parts take them.

        Images that are smaller than the canvas are padded to what can be halved down to features,
        so that each map in the network is the upper left part of the one of the canvas.
        """
        height, width = (-edge % self.shape.stride for edge in images.shape[2:])
        if height or width:
            images = nn.functional.pad(images, (0, width, 0, height))
        sizes = [(images.shape[2], images.shape[3])] * len(images)
        return ImageList(images, sizes), {"0": precise(self.features(images))}

    def _norms(self) -> list[nn.BatchNorm2d]:
        return [module for module in self.modules() if isinstance(module, nn.BatchNorm2d)]
