"""Objects in one image: those that are there, and those that a detector finds."""

from dataclasses import dataclass
from typing import Protocol

import torch


class Objects(Protocol):
    """Objects of one image: boxes on the canvas, float, [K, 4]; labels from 0, int64, [K]."""

    @property
    def boxes(self) -> torch.Tensor:
        """Upper left and lower right corner of each, x before y, in pixels."""

    @property
    def labels(self) -> torch.Tensor:
        """Index of each one's class, without the background."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Detections:
    """Objects that a detector finds in one image, the surest first.

    Attributes:
        boxes: Upper left and lower right corner of each, in pixels of the canvas, [K, 4].
        labels: Index of each one's class, from 0 and without the background, int64, [K].
        scores: Probability of that class, [K].
    """

    boxes: torch.Tensor
    labels: torch.Tensor
    scores: torch.Tensor
