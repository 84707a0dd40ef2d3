"""What a data set is once it is in memory."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pnn_core.config import DatasetShape

Part = Literal["train", "test"]
"""Which images a reader is asked for: those one may learn from, or those that confirm a front."""


class DatasetError(ValueError):
    """A data set cannot be had: a bad name, folder or file, said in one sentence."""


# Arrays have no single truth value, so a generated `==` would raise: equality is identity.
@dataclass(frozen=True, kw_only=True, eq=False)
class LabelledImages:
    """Images and the class of each.

    The arrays may be read-only (Ray's object store hands them out so): nothing may write to them.

    Attributes:
        images: Pixel values 0 to 255, uint8, [N, C, H, W].
        labels: Index of each image's class, int64, [N].

    Raises:
        ValueError: A type, shape or label is not as above, or there is no image.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]

    def __post_init__(self) -> None:
        _require_array("images", self.images, np.dtype(np.uint8), "[N, C, H, W]", 4)
        _require_array("labels", self.labels, np.dtype(np.int64), "[N]", 1)
        if len(self.images) != len(self.labels):
            raise ValueError(
                f"images (={len(self.images)}) and labels (={len(self.labels)}) must be as many"
            )
        if self.images.size == 0:
            raise ValueError(f"images (shape {self.images.shape}) must hold at least one pixel")
        if self.labels.min() < 0:
            raise ValueError(f"labels (smallest is {self.labels.min()}) must not be negative")

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, indices: NDArray[np.int64]) -> "LabelledImages":
        """Return a copy of the images at `indices`, int64 [M], in that order."""
        return LabelledImages(images=self.images[indices], labels=self.labels[indices])


@dataclass(frozen=True, kw_only=True, eq=False)
class TrainingData:
    """All that training and model selection may see of a data set: no test image.

    Attributes:
        name: The data set's name in `DATASETS`.
        train: The images that weights are learned from.
        validation: The images that measure `val_accuracy`; the same for every study and seed.
        classes: Class names; a label is an index into them.
        mean: Mean of each channel of `train`, of pixel values scaled to [0, 1].
        std: Standard deviation of each channel, likewise; 1 where a channel is constant, so that
            `(pixel - mean) / std` gives 0 there and not a division by zero.
        augment: Whether batches in training get a random crop and flip.

    Raises:
        ValueError: The parts do not fit each other.
    """

    name: str
    train: LabelledImages
    validation: LabelledImages
    classes: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    augment: bool

    def __post_init__(self) -> None:
        train, validation = self.train.images.shape[1:], self.validation.images.shape[1:]
        if train != validation:
            raise ValueError(f"validation images (={validation}) must be shaped as train's {train}")
        for name, values in (("mean", self.mean), ("std", self.std)):
            if len(values) != train[0]:
                raise ValueError(
                    f"{name} (={values}) must hold one value for each of {train[0]} channels"
                )
        if not all(value > 0 for value in self.std):
            raise ValueError(f"std (={self.std}) must be above 0 in every channel")
        largest = max(self.train.labels.max(), self.validation.labels.max())
        if largest >= len(self.classes):
            raise ValueError(
                f"label {largest} must be below the number of classes, {len(self.classes)}"
            )

    @property
    def shape(self) -> DatasetShape:
        """What a network must know of these images."""
        channels, height, width = self.train.images.shape[1:]
        return DatasetShape(
            channels=channels, height=height, width=width, classes=len(self.classes)
        )


def _require_array(
    name: str, value: object, dtype: np.dtype[Any], shape: str, dimensions: int
) -> None:
    if type(value) is not np.ndarray:
        raise ValueError(f"{name} (a {type(value).__name__}) must be a numpy array")
    if value.dtype != dtype or value.ndim != dimensions:
        raise ValueError(
            f"{name} (={value.dtype} of shape {value.shape}) must be {dtype} of shape {shape}"
        )
