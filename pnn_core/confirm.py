"""Confirmation: train on everything that may be learned from, then test."""

import torch

from pnn_core.config import ConfirmResult, TrialConfig
from pnn_core.data import Images, ImageTraits
from pnn_core.device import default_device
from pnn_core.learner import Learner
from pnn_core.published_protocol import PublishedAccuracy


def confirm(
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
        NonFiniteLossError: The training loss; names the epoch, the step and the value.
        DatasetError: Names an image that is decoded in training and is damaged.
    """
    learner = Learner(config, traits, images, device or default_device())
    test_source = learner.source(test)
    published = PublishedAccuracy(batch_size=min(config.optim.batch_size, len(test)))
    seconds = 0.0
    for _ in range(config.epochs):
        trained = learner.train_epoch()
        tested = learner.evaluate(test_source)
        published.add_epoch(tested.correct.numpy())
        seconds += trained.seconds
    return ConfirmResult(
        train_loss=trained.train_loss,
        test_accuracy=tested.accuracy,
        published_test_accuracy=published.best,
        train_seconds=seconds,
    )
