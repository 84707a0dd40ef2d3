"""Accuracy by the published protocol, to show how far it lies above correct over total."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SMOOTHNESS = 0.7
"""Weight of the past in the running average (juefeix/pnn.pytorch, `plugins/monitor.py`)."""


@dataclass
class PublishedAccuracy:
    """The published code's test accuracy, epoch by epoch.

    S ← 0.7·S + 0.3·a over the test batches in order, a being a batch's accuracy. An incomplete last
    batch is left out. S begins at 0 and is carried over from one epoch to the next. The last S of
    an epoch is that epoch's accuracy; the best epoch's was reported.

    So the accuracy rests on the last few batches alone, and the best of many noisy values lies
    above their mean: the more so, the smaller the batches.

    Attributes:
        batch_size: Images per test batch; the published code takes the training batch size.
        smoothed: S, in [0, 1]; `smoothed` and `best` are the whole state.
        best: Accuracy of the best epoch, in [0, 1]; 0 before the first epoch.

    Raises:
        ValueError: The batch size is below 1.
    """

    batch_size: int
    smoothed: float = 0.0
    best: float = 0.0

    def __post_init__(self) -> None:
        if self.batch_size < 1:
            raise ValueError(f"batch_size (={self.batch_size}) must be at least 1")

    def add_epoch(self, correct: NDArray[np.bool_]) -> float:
        """Add an epoch's predictions and return that epoch's accuracy, in [0, 1].

        Args:
            correct: True for each test image classified correctly, in test order, [images].

        Raises:
            ValueError: There are fewer images than one batch holds.
        """
        batches = len(correct) // self.batch_size
        if batches == 0:
            raise ValueError(
                f"{len(correct)} test images do not fill one batch of batch_size "
                f"(={self.batch_size}), and the published protocol counts full batches alone"
            )
        full = correct[: batches * self.batch_size].reshape(batches, self.batch_size)
        for accuracy in full.mean(axis=1).tolist():
            self.smoothed = SMOOTHNESS * self.smoothed + (1 - SMOOTHNESS) * accuracy
        self.best = max(self.best, self.smoothed)
        return self.smoothed
