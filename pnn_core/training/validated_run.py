"""Training with validation: one `EpochResult` per epoch."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

import torch

from pnn_core.config import EpochResult, TrialConfig
from pnn_core.data import TrainingData
from pnn_core.device.selection import default_device
from pnn_core.training.evaluated_run import EvaluatedRun
from pnn_core.training.evaluation import Evaluation
from pnn_core.training.trainer import NonFiniteLossError, TrainedEpoch


def train(
    config: TrialConfig, data: TrainingData, device: torch.device | None = None
) -> Iterator[EpochResult]:
    """Train a network and report each epoch as it ends.

    The same config, data and device give the same numbers.

    Args:
        config: The whole training run.
        data: Training and validation images, of the shape that `config.model.dataset` says.
        device: The first GPU where there is one, else the CPU.

    Raises:
        ValueError: The data has another shape than the config says.
        NonFiniteLossError: Names the epoch, the step, the value and the seed.
    """
    run = ValidatedRun(config, data, device or default_device())
    for _ in range(config.epochs):
        run.next_epoch()
        yield run.results[-1]


class ValidatedRun(EvaluatedRun):
    """A search's training run: learns from the training images, validates after each epoch.

    Args:
        config: The whole training run.
        data: Training and validation images.
        device: Where to train.

    Raises:
        ValueError: The data has another shape than the config says.
    """

    def __init__(self, config: TrialConfig, data: TrainingData, device: torch.device) -> None:
        super().__init__(config, data.traits, data.train, data.validation, device)
        self._results: list[EpochResult] = []

    @property
    def results(self) -> tuple[EpochResult, ...]:
        """Of each epoch done, also those before a `load_state_dict`."""
        return tuple(self._results)

    def record(self, trained: TrainedEpoch, evaluation: Evaluation, seconds: float) -> None:
        """See `EvaluatedRun`; adds to the results.

        Raises:
            NonFiniteLossError: The validation loss; names the epoch, the value and the seed.
        """
        if not math.isfinite(evaluation.loss):
            raise NonFiniteLossError(
                f"validation loss is {evaluation.loss} after epoch {self.epoch} "
                f"with seed {self.config.seed}"
            )
        self._results.append(
            EpochResult(
                epoch=self.epoch,
                train_loss=trained.train_loss,
                val_loss=evaluation.loss,
                val_accuracy=evaluation.accuracy,
                train_seconds=trained.seconds,
                val_seconds=seconds,
            )
        )

    def state_dict(self) -> dict[str, Any]:
        """See `Trainer`; the results so far are part of it."""
        return super().state_dict() | {"results": [asdict(result) for result in self._results]}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """See `Trainer`."""
        super().load_state_dict(state)
        self._results = [EpochResult(**result) for result in state["results"]]
