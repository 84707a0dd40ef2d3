"""`python -m study.run`, with trials that train nothing and report at once.

Proposing, recording, Optuna's journal, MLflow, the messages to and from the workers and all of
Ray stay as they are; a trial's costs are still counted on its network.

Usage: noop_study.py ARGUMENTS OF study.run
"""

import sys
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

from pnn_core.config import EpochResult, TrialConfig
from pnn_core.data import TrainingData
from study import run
from study.engine.cluster.worker_settings import WorkerSettings
from study.engine.tune import tuner
from study.engine.tune.trainable import TrialTrainable
from study.engine.tune.worker_images import WorkerImages


class NoopRun:
    """A training run without a network; every epoch gives the same numbers.

    Args:
        config: The whole training run.
        data: Unused.
        device: Unused.
    """

    def __init__(self, config: TrialConfig, data: TrainingData, device: object) -> None:
        self.results: tuple[EpochResult, ...] = ()

    @property
    def epoch(self) -> int:
        """Number of epochs done."""
        return len(self.results)

    def state_dict(self) -> dict[str, Any]:
        """State for a checkpoint: nothing, as nothing is learned."""
        return {}

    def next_epoch(self, pause: Callable[[], bool]) -> bool:
        """The next result, at once."""
        result = EpochResult(
            epoch=self.epoch + 1,
            train_loss=1.0,
            val_loss=1.0,
            val_accuracy=0.5,
            train_seconds=0.0,
            val_seconds=0.0,
        )
        self.results += (result,)
        return True


class NoopTrainable(TrialTrainable):
    """Has a worker train nothing."""

    def setup(  # type: ignore[override]  # as in the class it stands for
        self, config: dict[str, Any], images: WorkerImages, settings: WorkerSettings
    ) -> None:
        """Put the empty run into this worker process, where it stays."""
        super().setup(config, images, settings)
        from pnn_core.training import validated_run as train

        patch.object(train, "ValidatedRun", NoopRun).start()


if __name__ == "__main__":
    with patch.object(tuner, "TrialTrainable", NoopTrainable):
        status = run.main(sys.argv[1:])
    sys.exit(status)
