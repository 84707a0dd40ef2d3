"""All that the platform must know of a data set."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pnn_core.config import Augment, DatasetShape
from pnn_core.data.dataset import Part
from pnn_core.data.images import Images


@dataclass(frozen=True, kw_only=True)
class Survey:
    """Facts about a folder that its images alone do not tell.

    Attributes:
        test_images: Number of test images; None where there is no `test`.
        left_out: Files that are not used, each kind in words with its number and an example.
        warnings: Files that are used and probably not meant so, a sentence each.
    """

    test_images: int | None
    left_out: tuple[str, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class DatasetSpec:
    """Data set that can be asked for by name.

    Attributes:
        description: One line for a reader who chooses.
        shape: Shape of its images, or a function that reads it from a folder.
        augment: True if batches in training get a random crop and flip (in detection a flip alone),
            as the published codes have it, where a run does not say otherwise.
        read: Reader of one part of a folder: the images and the class names.
        require_test: Check that raises `DatasetError` where a folder has images to learn from and
            none to test; None where there always are some.
        default_augment: Augmentation of a new study that asks for none; None for `augment`.
        survey: Function that tells what of a folder is left out; None where all is used.
        validation_fraction: Share of the training images, of each class, held out for validation.
        held_out: Function that returns the positions of the validation images of a folder that
            says itself which they are, int64, ascending; None for a share of each class.
    """

    description: str
    shape: DatasetShape | Callable[[Path], DatasetShape]
    augment: bool
    read: Callable[[Path, Part], tuple[Images, tuple[str, ...]]]
    require_test: Callable[[Path], None] | None
    default_augment: Augment | None = None
    survey: Callable[[Path], Survey] | None = None
    validation_fraction: float = 0.1
    held_out: Callable[[Path], NDArray[np.int64]] | None = None
