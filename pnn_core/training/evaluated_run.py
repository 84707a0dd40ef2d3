"""A training run that is evaluated after each epoch."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable

import torch

from pnn_core.config import TrialConfig
from pnn_core.data import Images, ImageTraits
from pnn_core.training.evaluation import Evaluation
from pnn_core.training.train_steps import no_pause
from pnn_core.training.trainer import TrainedEpoch, Trainer


class EvaluatedRun(Trainer, ABC):
    """A trainer that keeps how it does on images that it does not learn from.

    Args:
        config: The whole training run.
        traits: The images' shape, normalisation and augmentation.
        images: What to learn from.
        evaluated: What to evaluate on.
        device: Where to train.

    Attributes:
        evaluation_images: What it is evaluated on.

    Raises:
        ValueError: The data has another shape than the config says.
    """

    def __init__(
        self,
        config: TrialConfig,
        traits: ImageTraits,
        images: Images,
        evaluated: Images,
        device: torch.device,
    ) -> None:
        super().__init__(config, traits, images, device)
        self.evaluation_images = self.source(evaluated)

    def next_epoch(self, pause: Callable[[], bool] = no_pause) -> bool:
        """Train one epoch, then evaluate.

        Args:
            pause: Asked after each training step but the epoch's last.

        Returns:
            Whether the epoch is done; False if `pause` said yes: the next call goes on in it.

        Raises:
            NonFiniteLossError: Names the epoch, the value and the seed.
            DatasetError: Names an image that is decoded in training and is damaged.
        """
        trained = self.train_epoch(pause)
        if trained is None:
            return False
        started = time.perf_counter()
        evaluation = self.evaluate(self.evaluation_images)
        self.record(trained, evaluation, time.perf_counter() - started)
        return True

    @abstractmethod
    def record(self, trained: TrainedEpoch, evaluation: Evaluation, seconds: float) -> None:
        """Keep what an epoch gave.

        Args:
            trained: Of the epoch.
            evaluation: After it.
            seconds: Wall time of the evaluation; of replicates that were evaluated at once, an
                equal share of it.
        """
