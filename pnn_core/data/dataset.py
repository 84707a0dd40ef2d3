"""Part of a data set that training and model selection may see."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pnn_core.config import CLASSIFICATION, DETECTION, DatasetShape
from pnn_core.data.annotated_images import AnnotatedImages
from pnn_core.data.images import ImageFiles, Images, LabelledImages

Part = Literal["train", "test"]
"""Images that a reader is asked for: those to learn from, or those that confirm a front."""


class DatasetError(ValueError):
    """A data set cannot be had: a bad name, folder or file, said in one sentence."""


@dataclass(frozen=True, kw_only=True)
class ImageTraits:
    """Facts that a trainer must know of images beside the images themselves.

    Attributes:
        shape: Shape of the images, and the number of classes.
        mean: Mean of each channel, of pixel values scaled to [0, 1].
        std: Standard deviation of each channel, above 0.
        augment: True if batches in training get a random crop and flip where a run does not say
            otherwise (`TrialConfig.augment`).
    """

    shape: DatasetShape
    mean: tuple[float, ...]
    std: tuple[float, ...]
    augment: bool


# Arrays have no single truth value, so a generated `==` would raise: equality is identity.
@dataclass(frozen=True, kw_only=True, eq=False)
class TrainingData:
    """All that training and model selection may see of a data set: no test image.

    Attributes:
        name: The data set's name in `DATASETS`.
        train: Images that weights are learned from.
        validation: Images that measure `val_accuracy` or `val_map_50`; the same for every study
            and seed.
        held_out: Positions of the validation images among all images, in the order of the data set:
            int64, ascending, [len(validation)].
        classes: Class names; a label is an index into them.
        mean: Mean of each channel of `train`, of pixel values scaled to [0, 1].
        std: Standard deviation of each channel of `train`, of the same values; 1 where a channel is
            constant, so that `(pixel - mean) / std` gives 0 there and not a division by zero.
        augment: True if batches in training get a random crop and flip where a run does not say
            otherwise (`TrialConfig.augment`).

    Raises:
        ValueError: The parts do not fit each other.
    """

    name: str
    train: Images
    validation: Images
    held_out: NDArray[np.int64]
    classes: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    augment: bool

    def __post_init__(self) -> None:
        train, validation = self.train.image_shape, self.validation.image_shape
        if train != validation:
            raise ValueError(f"validation images (={validation}) must be shaped as train's {train}")
        if len(self.held_out) != len(self.validation):
            raise ValueError(
                f"held_out (={len(self.held_out)}) and validation images "
                f"(={len(self.validation)}) must be as many"
            )
        for name, values in (("mean", self.mean), ("std", self.std)):
            if len(values) != train[0]:
                raise ValueError(
                    f"{name} (={values}) must hold one value for each of {train[0]} channels"
                )
        if not all(value > 0 for value in self.std):
            raise ValueError(f"std (={self.std}) must be above 0 in every channel")
        # Annotated images may show no object at all.
        largest = max(part.labels.max(initial=0) for part in (self.train, self.validation))
        if largest >= len(self.classes):
            raise ValueError(
                f"label {largest} must be below the number of classes, {len(self.classes)}"
            )

    @property
    def shape(self) -> DatasetShape:
        """Shape of these images."""
        channels, height, width = self.train.image_shape
        return DatasetShape(
            channels=channels,
            height=height,
            width=width,
            classes=len(self.classes),
            task=DETECTION if isinstance(self.train, AnnotatedImages) else CLASSIFICATION,
        )

    @property
    def traits(self) -> ImageTraits:
        """Facts that hold for all of these images; mean and deviation are those of `train`."""
        return ImageTraits(shape=self.shape, mean=self.mean, std=self.std, augment=self.augment)

    def joined(self) -> Images:
        """Return train and validation images together, in the order of the data set.

        This serves to confirm a front, once validation images have nothing left to choose.

        Raises:
            ValueError: `held_out` does not say where the images belong.
        """
        order = self._order()
        match self.train, self.validation:
            case LabelledImages() as train, LabelledImages() as validation:
                images = np.empty((len(order), *train.image_shape), dtype=np.uint8)
                kept = order < len(train)
                images[kept], images[~kept] = train.images, validation.images
                labels = np.concatenate([train.labels, validation.labels])[order]
                return LabelledImages(images=images, labels=labels)
            case ImageFiles() as train, ImageFiles() as validation:
                every = np.concatenate([train.names, validation.names])[order]
                labels = np.concatenate([train.labels, validation.labels])[order]
                return replace(train, names=every, labels=labels)
            case AnnotatedImages() as train, AnnotatedImages() as validation:
                return train.with_images_of(validation).take(order)
        raise ValueError("train and validation images must both be in memory or both in files")

    def _order(self) -> NDArray[np.int64]:
        """Compute each image's index into train's images followed by validation's."""
        total = len(self.train) + len(self.validation)
        ascending = bool(np.all(np.diff(self.held_out) > 0))
        if not ascending or self.held_out[0] < 0 or self.held_out[-1] >= total:
            raise ValueError(
                f"held_out ({self.held_out[0]} to {self.held_out[-1]}) must be ascending "
                f"positions among {total} images"
            )
        order = np.empty(total, dtype=np.int64)
        is_held_out = np.zeros(total, dtype=np.bool_)
        is_held_out[self.held_out] = True
        order[~is_held_out] = np.arange(len(self.train))
        order[is_held_out] = len(self.train) + np.arange(len(self.validation))
        return order
