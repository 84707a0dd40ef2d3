"""The contract of a task: its batches, its loss, and what an evaluation measures."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import torch
from torch import nn

from pnn_core.config import DatasetShape, TrialConfig
from pnn_core.data import Images
from pnn_core.data.augmentation import Augmentation
from pnn_core.dataloader.batches import Batch, BatchSource, Normalise, OrderedImages
from pnn_core.dataloader.decoding_workers import Decoder
from pnn_core.training.compiled_network import Forward


class Evaluation(Protocol):
    """Measurements of a network on images."""

    def epoch_metrics(self) -> Mapping[str, float]:
        """Return them as fields of `EpochResult`."""


class TestRecord(ABC):
    """Measurements of a confirmation on the test images, epoch by epoch."""

    __test__ = False  # pytest takes its name for that of a test

    @abstractmethod
    def sources(
        self, epoch: int, tested: BatchSource, black: torch.Tensor
    ) -> tuple[OrderedImages, ...]:
        """Return the images to evaluate after an epoch.

        Args:
            epoch: Number of the epoch, counted from 1.
            tested: Test images.
            black: Normalised value of a black pixel, `[channels, 1, 1]`.
        """

    @abstractmethod
    def add(self, evaluations: Sequence[Any]) -> None:
        """Keep the evaluations after an epoch, one for each of `sources`."""

    @abstractmethod
    def result(self) -> Mapping[str, Any]:
        """Return what was measured after the last epoch, as fields of `ConfirmResult`."""

    @abstractmethod
    def state_dict(self) -> dict[str, Any]:
        """Return the measurements so far, as tensors and plain values."""

    @abstractmethod
    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore the measurements; other entries of the state are ignored."""


class TrainingTask(ABC):
    """What training does differently from task to task."""

    @abstractmethod
    def source(
        self,
        images: Images,
        shape: DatasetShape,
        normalise: Normalise,
        decoder: Decoder,
        augmentation: Augmentation | None,
    ) -> BatchSource:
        """Prepare images for batches.

        Args:
            images: Images of the task's data sets.
            shape: Shape in which the network takes them.
            normalise: Normalisation, whose device works on the images.
            decoder: Decoder of images that are in files.
            augmentation: Random change of the images in training; None for none.
        """

    @abstractmethod
    def loss(self, forward: Forward, batch: Batch) -> torch.Tensor:
        """Return the loss of a batch, a scalar.

        Args:
            forward: The network in training mode, or what it was compiled to.
            batch: Images and what is to be learned of them.
        """

    @abstractmethod
    def evaluate(
        self,
        network: nn.Module,
        source: OrderedImages,
        shape: DatasetShape,
        device: torch.device,
        *,
        float32: bool,
    ) -> Evaluation:
        """Run a network over every image once; it is put into evaluation mode.

        Args:
            network: The network.
            source: The images.
            shape: Shape of the images.
            device: Device that computes.
            float32: True for float32 on a GPU, in the place of bf16 autocast.

        Raises:
            DatasetError: Names an image that is decoded now and is damaged.
        """

    @abstractmethod
    def test_record(self, config: TrialConfig, images: int) -> TestRecord:
        """Return an empty record of a confirmation's tests.

        Args:
            config: The whole training run.
            images: Number of test images.
        """
