"""Confirmation: train on everything that may be learned from, then test."""

from collections.abc import Mapping
from typing import Any

import torch

from pnn_core.config import ConfirmResult, TrialConfig
from pnn_core.data import Images, ImageTraits
from pnn_core.device.selection import default_device
from pnn_core.training.evaluated_run import EvaluatedRun
from pnn_core.training.evaluation import Evaluation
from pnn_core.training.published_accuracy import PublishedAccuracy
from pnn_core.training.trainer import TrainedEpoch


def train_and_test(
    config: TrialConfig,
    traits: ImageTraits,
    images: Images,
    test: Images,
    device: torch.device | None = None,
) -> ConfirmResult:
    """Train with the schedule fixed beforehand, and measure on the test images.

    The test images choose nothing, not even whether a run counts: the accuracy is that after the
    last epoch. They are also classified after each epoch before it, because the published protocol
    averages over all of them; its figure is given beside the accuracy and used for nothing else.

    Args:
        config: The whole training run.
        traits: From `TrainingData.traits`: mean and deviation stay those of the train images.
        images: What to learn from: train and validation images, from `TrainingData.joined`.
        test: From `load_test_data`.
        device: The first GPU where there is one, else the CPU.

    Raises:
        ValueError: The data has another shape than the config says.
        NonFiniteLossError: The training loss; names the epoch, the step, the value and the
            seed.
        DatasetError: Names an image that is decoded in training and is damaged.
    """
    run = ConfirmationRun(config, traits, images, test, device or default_device())
    for _ in range(config.epochs):
        run.next_epoch()
    return run.result()


class ConfirmationRun(EvaluatedRun):
    """A confirmation run: learns from all but the test images, which it classifies each epoch.

    Args:
        config: The whole training run.
        traits: From `TrainingData.traits`.
        images: What to learn from.
        test: From `load_test_data`.
        device: Where to train.

    Raises:
        ValueError: The data has another shape than the config says.
    """

    def __init__(
        self,
        config: TrialConfig,
        traits: ImageTraits,
        images: Images,
        test: Images,
        device: torch.device,
    ) -> None:
        super().__init__(config, traits, images, test, device)
        self._published = PublishedAccuracy(batch_size=min(config.optim.batch_size, len(test)))
        self._train_loss = 0.0
        self._test_accuracy = 0.0
        self._seconds = 0.0

    def record(self, trained: TrainedEpoch, evaluation: Evaluation, seconds: float) -> None:
        """See `EvaluatedRun`."""
        self._published.add_epoch(evaluation.correct.numpy())
        self._train_loss = trained.train_loss
        self._test_accuracy = evaluation.accuracy
        self._seconds += trained.seconds

    def result(self) -> ConfirmResult:
        """What the run gave, once all epochs are done.

        Raises:
            RuntimeError: Some are not.
        """
        if self.epoch < self.config.epochs:
            raise RuntimeError(
                f"a confirmation counts after all {self.config.epochs} epochs, and {self.epoch} "
                "are done"
            )
        return ConfirmResult(
            train_loss=self._train_loss,
            test_accuracy=self._test_accuracy,
            published_test_accuracy=self._published.best,
            train_seconds=self._seconds,
        )

    def state_dict(self) -> dict[str, Any]:
        """See `Trainer`; the measurements so far are part of it."""
        return super().state_dict() | {
            "published_smoothed": self._published.smoothed,
            "published_best": self._published.best,
            "train_loss": self._train_loss,
            "test_accuracy": self._test_accuracy,
            "train_seconds": self._seconds,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """See `Trainer`."""
        super().load_state_dict(state)
        self._published.smoothed = state["published_smoothed"]
        self._published.best = state["published_best"]
        self._train_loss = state["train_loss"]
        self._test_accuracy = state["test_accuracy"]
        self._seconds = state["train_seconds"]
