"""Confirmation: training on train and validation images, then the test set."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from pnn_core.config import ConfirmResult, TrialConfig
from pnn_core.data import Images, ImageTraits
from pnn_core.dataloader.batches import OrderedImages
from pnn_core.device.selection import default_device
from pnn_core.training.evaluated_run import EvaluatedRun
from pnn_core.training.tasks.task import Evaluation
from pnn_core.training.trainer import TrainedEpoch


def train_and_test(
    config: TrialConfig,
    traits: ImageTraits,
    images: Images,
    test: Images,
    device: torch.device | None = None,
) -> ConfirmResult:
    """Train with the schedule fixed beforehand, then measure on the test images.

    The test images select nothing, not even whether a run counts: accuracy, or mean average
    precision, is the one after the last epoch. In classification they are also looked at after each
    earlier epoch, because the published protocol averages over all epochs; its accuracy is returned
    as well and used for nothing else. After the last epoch they are classified once more, moved by
    one pixel in four directions.

    Args:
        config: The whole training run.
        traits: `TrainingData.traits`: mean and deviation stay those of the train images.
        images: Train and validation images, from `TrainingData.joined`.
        test: Test images, from `load_test_data`.
        device: Device that trains; by default the first GPU if there is one, else the CPU.

    Raises:
        ValueError: The data has another shape than the config says.
        NonFiniteLossError: The training loss is not finite; names the epoch, the step, the value
            and the seed.
        DatasetError: Names an image that is decoded in training and is damaged.
    """
    run = ConfirmationRun(config, traits, images, test, device or default_device())
    for _ in range(config.epochs):
        run.next_epoch()
    return run.result()


class ConfirmationRun(EvaluatedRun):
    """Confirmation run: trains on all but the test images, and tests as its task does.

    Args:
        config: The whole training run.
        traits: `TrainingData.traits`.
        images: Train and validation images.
        test: Test images, from `load_test_data`.
        device: Device that trains.

    Attributes:
        train_loss: Training loss in the last epoch; 0 before the first.

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
        self._tests = self.task.test_record(config, len(test))
        self.train_loss = 0.0
        self._seconds = 0.0

    def evaluated_after(self, epoch: int) -> tuple[OrderedImages, ...]:
        """Return the test images, as the task has them evaluated after that epoch."""
        return self._tests.sources(epoch, self.evaluation_images, self.black)

    def record(
        self, trained: TrainedEpoch, evaluations: Sequence[Evaluation], seconds: float
    ) -> None:
        """Keep the results of an epoch; see `EvaluatedRun`."""
        self._tests.add(evaluations)
        self.train_loss = trained.train_loss
        self._seconds += trained.seconds

    def result(self) -> ConfirmResult:
        """Return the run's result.

        Raises:
            RuntimeError: Some epochs are not done.
        """
        if self.epoch < self.config.epochs:
            raise RuntimeError(
                f"a confirmation counts after all {self.config.epochs} epochs, and {self.epoch} "
                "are done"
            )
        return ConfirmResult(
            train_loss=self.train_loss, train_seconds=self._seconds, **self._tests.result()
        )

    def state_dict(self) -> dict[str, Any]:
        """Return the state with the measurements so far; see `Trainer`."""
        return (
            super().state_dict()
            | self._tests.state_dict()
            | {"train_loss": self.train_loss, "train_seconds": self._seconds}
        )

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore a state with its measurements; see `Trainer`."""
        super().load_state_dict(state)
        self._tests.load_state_dict(state)
        self.train_loss = state["train_loss"]
        self._seconds = state["train_seconds"]
