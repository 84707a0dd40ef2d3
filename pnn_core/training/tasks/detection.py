"""Detection: boxes of the objects in an image, and the class of each."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import nn

from pnn_core.config import DatasetShape, TrialConfig
from pnn_core.data import AnnotatedImages, Images
from pnn_core.data.augmentation import Augmentation
from pnn_core.data.image_file import opened
from pnn_core.dataloader.annotated_batches import AnnotatedBatches
from pnn_core.dataloader.batches import Batch, BatchSource, Normalise, OrderedImages
from pnn_core.dataloader.decoding_workers import Decoder
from pnn_core.device.precision import autocast, needs_float32
from pnn_core.models.detector import Detector
from pnn_core.models.saved_network import TrainedNetwork
from pnn_core.training.average_precision import (
    DetectionScores,
    ImageDetections,
    evaluate_detections,
)
from pnn_core.training.compiled_network import Forward
from pnn_core.training.tasks.task import TestRecord, TrainingTask

_EVALUATION_IMAGES = 4
"""Images of a step of an evaluation, if they are padded to the canvas: more would save nothing."""


@dataclass(frozen=True, kw_only=True)
class DetectionEvaluation:
    """Mean average precision of a network on images.

    Attributes:
        found: Objects found in each image.
        scores: Average precision of each class, and the curves that it is taken from.
    """

    found: tuple[ImageDetections, ...]
    scores: DetectionScores

    def epoch_metrics(self) -> dict[str, float]:
        """Return both means as fields of `EpochResult`."""
        return {"val_map_50": self.scores.map_50, "val_map_50_area": self.scores.map_50_area}


class Detection(TrainingTask):
    """The four losses of Faster R-CNN in training; mean average precision in evaluation."""

    def source(
        self,
        images: Images,
        shape: DatasetShape,
        normalise: Normalise,
        decoder: Decoder,
        augmentation: Augmentation | None,
    ) -> BatchSource:
        """Scale and pad images as they are needed."""
        if not isinstance(images, AnnotatedImages):
            raise TypeError("images without boxes have no objects to find")
        files = images.on_canvas(shape.height, shape.padding)
        return AnnotatedBatches(files, normalise, decoder, augmentation)

    def loss(self, forward: Forward, batch: Batch) -> torch.Tensor:
        """Return the sum of the losses of proposals and of boxes, in nats."""
        images, objects = batch
        return cast("Detector", forward).losses(images, objects)

    def evaluate(
        self,
        network: nn.Module,
        source: OrderedImages,
        shape: DatasetShape,
        device: torch.device,
        *,
        float32: bool,
    ) -> DetectionEvaluation:
        """Find the objects in every image once; see `TrainingTask`."""
        batches = cast("AnnotatedBatches", source)
        found = detect(network, batches, device, float32=float32)
        names = [*map(str, range(shape.classes))]
        scores = evaluate_detections(found, batches.files, names)
        return DetectionEvaluation(found=tuple(found), scores=scores)

    def test_record(self, config: TrialConfig, images: int) -> "DetectionTests":
        """Return an empty record; see `TrainingTask`."""
        return DetectionTests(config.epochs)


@torch.inference_mode()
def detect(
    network: nn.Module,
    source: AnnotatedBatches,
    device: torch.device,
    *,
    float32: bool = False,
) -> list[ImageDetections]:
    """Find the objects in every image once; the network is put into evaluation mode.

    Args:
        network: A `Detector`.
        source: The images.
        device: Device that computes.
        float32: True for float32 on a GPU, in the place of bf16 autocast.

    Returns:
        ImageDetections of each image, in its own coordinates.

    Raises:
        DatasetError: Names an image that is decoded now and is damaged.
    """
    network.eval()
    found: list[ImageDetections] = []
    for batch, _ in source.in_order(_EVALUATION_IMAGES):
        with autocast(device, float32=float32):
            outputs = network(batch)
        for output in outputs:
            place, size = source.files.letterbox(len(found)), source.files.sizes[len(found)]
            boxes = place.to_image(output.boxes.float().cpu().numpy())
            found.append(
                ImageDetections(
                    # The network sees the padding, too.
                    boxes=boxes.clip(0, np.tile(size, 2)).astype(np.float32),
                    scores=output.scores.float().cpu().numpy(),
                    labels=output.labels.cpu().numpy(),
                )
            )
    return found


def detect_in_files(network: TrainedNetwork, paths: Sequence[Path]) -> list[ImageDetections]:
    """Find the objects in image files, read as those of data sets are.

    Args:
        network: Detector as `load_network` gives it.
        paths: Paths of the files.

    Returns:
        Detections of each image, in its own coordinates.

    Raises:
        DatasetError: Names an image that is damaged.
    """
    sizes = []
    for path in paths:
        with opened(path) as image:
            sizes.append(image.size)
    device, card = network.factor.device, network.card
    shape = card.trial.model.dataset
    files = AnnotatedImages.without_objects(paths, sizes, shape.height)
    batches = AnnotatedBatches(
        files.on_canvas(shape.height, shape.padding),
        Normalise(card.mean, card.std, device),
        Decoder(0),
    )
    return detect(network.network, batches, device, float32=needs_float32(card.trial.model))


class DetectionTests(TestRecord):
    """Mean average precision after the last epoch: test images are looked at once.

    Args:
        epochs: Number of epochs of the run.
    """

    def __init__(self, epochs: int) -> None:
        self._epochs = epochs
        self._map_50 = math.nan
        self._map_50_area = math.nan

    def sources(
        self, epoch: int, tested: BatchSource, black: torch.Tensor
    ) -> tuple[OrderedImages, ...]:
        """Return the test images after the last epoch."""
        return () if epoch < self._epochs else (tested,)

    def add(self, evaluations: Sequence[DetectionEvaluation]) -> None:
        """Keep the last epoch's; see `TestRecord`."""
        for last in evaluations:
            self._map_50 = last.scores.map_50
            self._map_50_area = last.scores.map_50_area

    def result(self) -> Mapping[str, Any]:
        """Return both means."""
        return {"test_map_50": self._map_50, "test_map_50_area": self._map_50_area}

    def state_dict(self) -> dict[str, Any]:
        """Return the measurements so far; see `TestRecord`."""
        return {"test_map_50": self._map_50, "test_map_50_area": self._map_50_area}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore the measurements; see `TestRecord`."""
        self._map_50 = state["test_map_50"]
        self._map_50_area = state["test_map_50_area"]
