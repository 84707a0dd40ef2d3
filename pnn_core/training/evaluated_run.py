"""Training run that is evaluated after each epoch."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

import torch

from pnn_core.config import TrialConfig
from pnn_core.data import Images, ImageTraits
from pnn_core.dataloader.batches import OrderedImages
from pnn_core.training.tasks.task import Evaluation
from pnn_core.training.train_steps import no_pause
from pnn_core.training.trainer import TrainedEpoch, Trainer


class EvaluatedRun(Trainer, ABC):
    """Trainer that evaluates on other images after each epoch and keeps the results.

    Args:
        config: The whole training run.
        traits: The images' shape, normalisation and augmentation.
        images: Training images.
        evaluated: Images to evaluate on.
        device: Device that trains.

    Attributes:
        evaluation_images: Source of evaluation batches.
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
            pause: Asked after each training step but the epoch's last; True pauses the epoch.

        Returns:
            True if the epoch is done; False if it was paused: the next call trains its rest.

        Raises:
            NonFiniteLossError: Names the epoch, the value and the seed.
            DatasetError: Names an image that is decoded in training and is damaged.
        """
        trained = self.train_epoch(pause)
        if trained is None:
            return False
        started = time.perf_counter()
        evaluations = [self.evaluate(source) for source in self.evaluated_after(self.epoch)]
        self.record(trained, evaluations, time.perf_counter() - started)
        return True

    def evaluated_after(self, epoch: int) -> tuple[OrderedImages, ...]:
        """Return the images to evaluate after an epoch, `evaluation_images` first.

        Args:
            epoch: Number of the epoch, counted from 1.
        """
        return (self.evaluation_images,)

    @abstractmethod
    def record(
        self, trained: TrainedEpoch, evaluations: Sequence[Evaluation], seconds: float
    ) -> None:
        """Keep the results of an epoch.

        Args:
            trained: Measurements of its training.
            evaluations: Evaluations after it, one for each of `evaluated_after`.
            seconds: Wall time of the evaluations; for replicates evaluated at once, an equal share
                of it.
        """
