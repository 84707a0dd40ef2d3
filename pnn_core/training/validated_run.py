"""Training with validation after each epoch."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch

from pnn_core.config import EpochResult, TrialConfig
from pnn_core.data import TrainingData
from pnn_core.device.selection import default_device
from pnn_core.training.evaluated_run import EvaluatedRun
from pnn_core.training.tasks.task import Evaluation
from pnn_core.training.trainer import NonFiniteLossError, TrainedEpoch


def train(
    config: TrialConfig, data: TrainingData, device: torch.device | None = None
) -> Iterator[EpochResult]:
    """Train a network and yield each epoch's result as it ends.

    On a CPU the same config and data give the same numbers. A GPU adds in an order that changes, so
    that last digits differ there from run to run.

    Args:
        config: The whole training run.
        data: Training and validation images, of the shape in `config.model.dataset`.
        device: Device that trains; by default the first GPU if there is one, else the CPU.

    Raises:
        ValueError: The data has another shape than the config says.
        NonFiniteLossError: Names the epoch, the step, the value and the seed.
    """
    run = ValidatedRun(config, data, device or default_device())
    for _ in range(config.epochs):
        run.next_epoch()
        yield run.results[-1]


class ValidatedRun(EvaluatedRun):
    """A training run of a search: trains on the training images, validates after each epoch.

    Args:
        config: The whole training run.
        data: Training and validation images.
        device: Device that trains.

    Raises:
        ValueError: The data has another shape than the config says.
    """

    def __init__(self, config: TrialConfig, data: TrainingData, device: torch.device) -> None:
        super().__init__(config, data.traits, data.train, data.validation, device)
        self._results: list[EpochResult] = []
        self._last: Evaluation | None = None

    @property
    def results(self) -> tuple[EpochResult, ...]:
        """Result of each epoch done, also of those before a `load_state_dict`."""
        return tuple(self._results)

    def last_evaluation(self) -> Evaluation:
        """Return what was found on the validation images after the last epoch done.

        Evaluates again where that epoch was another process's.
        """
        if self._last is None:
            self._last = self.evaluate(self.evaluation_images)
        return self._last

    def record(
        self, trained: TrainedEpoch, evaluations: Sequence[Evaluation], seconds: float
    ) -> None:
        """Add an epoch's result; see `EvaluatedRun`.

        Raises:
            NonFiniteLossError: The validation loss is not finite; names the epoch, the value and
                the seed.
        """
        (evaluation,) = evaluations
        self._last = evaluation
        metrics = evaluation.epoch_metrics()
        loss = metrics.get("val_loss", 0.0)
        if not math.isfinite(loss):
            raise NonFiniteLossError(
                f"validation loss is {loss} after epoch {self.epoch} with seed {self.config.seed}"
            )
        self._results.append(
            EpochResult(
                epoch=self.epoch,
                train_loss=trained.train_loss,
                train_seconds=trained.seconds,
                val_seconds=seconds,
                **metrics,
            )
        )

    def state_dict(self) -> dict[str, Any]:
        """Return the state with the results so far; see `Trainer`."""
        results = [{"epoch": result.epoch, **result.measured()} for result in self._results]
        return super().state_dict() | {"results": results}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore a state with its results; see `Trainer`."""
        super().load_state_dict(state)
        self._last = None
        self._results = [EpochResult(**result) for result in state["results"]]
