"""Classification: one class for each image."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from pnn_core.config import DatasetShape, TrialConfig
from pnn_core.data import AnnotatedImages, Images, LabelledImages
from pnn_core.data.augmentation import Augmentation
from pnn_core.dataloader.batches import (
    Batch,
    BatchSource,
    DeviceImages,
    Normalise,
    OrderedImages,
)
from pnn_core.dataloader.decoding_workers import Decoder
from pnn_core.dataloader.file_batches import FileBatches
from pnn_core.dataloader.moved_images import MovedImages
from pnn_core.training.compiled_network import Forward
from pnn_core.training.evaluation import ClassEvaluation, evaluate
from pnn_core.training.published_accuracy import PublishedAccuracy
from pnn_core.training.tasks.task import TestRecord, TrainingTask


class Classification(TrainingTask):
    """Cross-entropy in training; loss and accuracy in evaluation."""

    def source(
        self,
        images: Images,
        shape: DatasetShape,
        normalise: Normalise,
        decoder: Decoder,
        augmentation: Augmentation | None,
    ) -> BatchSource:
        """Hold images of memory on the device, and decode those of files as they are needed."""
        match images:
            case LabelledImages():
                return DeviceImages(images, normalise, augmentation)
            case AnnotatedImages():
                raise TypeError("images with boxes have no single class to learn")
        return FileBatches(images, normalise, decoder, augmentation)

    def loss(self, forward: Forward, batch: Batch) -> torch.Tensor:
        """Return the mean cross-entropy, in nats."""
        images, labels = batch
        return functional.cross_entropy(forward(images), labels)

    def evaluate(
        self,
        network: nn.Module,
        source: OrderedImages,
        shape: DatasetShape,
        device: torch.device,
        *,
        float32: bool,
    ) -> ClassEvaluation:
        """Classify every image once; see `TrainingTask`."""
        return evaluate(network, source, shape, device, float32=float32)[0]

    def test_record(self, config: TrialConfig, images: int) -> "ClassificationTests":
        """Return an empty record; see `TrainingTask`."""
        return ClassificationTests(config.epochs, min(config.optim.batch_size, images))


class ClassificationTests(TestRecord):
    """Accuracy after the last epoch, also of moved images, and the published protocol's figure.

    The protocol averages over all epochs, so that test images are classified after each.

    Args:
        epochs: Number of epochs of the run.
        batch_size: Images of a batch of the published protocol.
    """

    def __init__(self, epochs: int, batch_size: int) -> None:
        self._epochs = epochs
        self._published = PublishedAccuracy(batch_size=batch_size)
        self._accuracy = 0.0
        self._moved_accuracy = math.nan
        self._correct = torch.zeros(0, dtype=torch.bool)

    def sources(
        self, epoch: int, tested: BatchSource, black: torch.Tensor
    ) -> tuple[OrderedImages, ...]:
        """Return the test images, after the last epoch also moved by one pixel."""
        return (tested,) if epoch < self._epochs else (tested, MovedImages(tested, black))

    def add(self, evaluations: Sequence[ClassEvaluation]) -> None:
        """Keep an epoch's; see `TestRecord`."""
        evaluation, *moved = evaluations
        self._published.add_epoch(evaluation.correct.numpy())
        self._accuracy = evaluation.accuracy
        for last in moved:
            self._moved_accuracy = last.accuracy
            self._correct = evaluation.correct

    def result(self) -> Mapping[str, Any]:
        """Return accuracies and, for each image, whether it was right."""
        return {
            "test_accuracy": self._accuracy,
            "published_test_accuracy": self._published.best,
            "moved_test_accuracy": self._moved_accuracy,
            "test_images": len(self._correct),
            "correct_images": np.packbits(self._correct.numpy()).tobytes(),
        }

    def state_dict(self) -> dict[str, Any]:
        """Return the measurements so far; see `TestRecord`."""
        return {
            "published_smoothed": self._published.smoothed,
            "published_best": self._published.best,
            "test_accuracy": self._accuracy,
            "moved_test_accuracy": self._moved_accuracy,
            "correct": self._correct,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore the measurements; see `TestRecord`."""
        self._published.smoothed = state["published_smoothed"]
        self._published.best = state["published_best"]
        self._accuracy = state["test_accuracy"]
        if "correct" in state:  # states of earlier versions lack both
            self._moved_accuracy = state["moved_test_accuracy"]
            self._correct = state["correct"].cpu()
