"""Training with validation: one `EpochResult` per epoch."""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

import torch

from pnn_core.config import EpochResult, TrialConfig
from pnn_core.data import TrainingData
from pnn_core.device import default_device
from pnn_core.learner import Learner, NonFiniteLossError, never


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
        NonFiniteLossError: Names the epoch, the step and the value.
    """
    run = TrainingRun(config, data, device or default_device())
    for _ in range(config.epochs):
        run.next_epoch()
        yield run.results[-1]


class TrainingRun(Learner):
    """A search's training run: learns from the training images, validates after each epoch.

    Args:
        config: The whole training run.
        data: Training and validation images.
        device: Where to train.

    Raises:
        ValueError: The data has another shape than the config says.
    """

    def __init__(self, config: TrialConfig, data: TrainingData, device: torch.device) -> None:
        super().__init__(config, data.traits, data.train, device)
        self._validation = self.source(data.validation)
        self._results: list[EpochResult] = []

    @property
    def results(self) -> tuple[EpochResult, ...]:
        """Of each epoch done, also those before a `load_state_dict`."""
        return tuple(self._results)

    def next_epoch(self, pause: Callable[[], bool] = never) -> EpochResult | None:
        """Train one epoch, then evaluate on the validation images.

        Args:
            pause: Asked after each training step but the epoch's last.

        Returns:
            None if `pause` said yes: the next call goes on in the same epoch.

        Raises:
            NonFiniteLossError: Names the epoch, the step and the value.
            DatasetError: Names an image that is decoded in training and is damaged.
        """
        trained = self.train_epoch(pause)
        if trained is None:
            return None
        started = time.perf_counter()
        validated = self.evaluate(self._validation)
        if not math.isfinite(validated.loss):
            raise NonFiniteLossError(
                f"validation loss is {validated.loss} after epoch {self.epoch}"
            )
        result = EpochResult(
            epoch=self.epoch,
            train_loss=trained.train_loss,
            val_loss=validated.loss,
            val_accuracy=validated.accuracy,
            train_seconds=trained.seconds,
            val_seconds=time.perf_counter() - started,
        )
        self._results.append(result)
        return result

    def state_dict(self) -> dict[str, Any]:
        """See `Learner`; the results so far are part of it."""
        return super().state_dict() | {"results": [asdict(result) for result in self._results]}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """See `Learner`."""
        super().load_state_dict(state)
        self._results = [EpochResult(**result) for result in state["results"]]
