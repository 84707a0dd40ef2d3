"""All that the platform must know of a data set."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pnn_core.config import DatasetShape
from pnn_core.data.dataset import Part
from pnn_core.data.images import Images


@dataclass(frozen=True, kw_only=True)
class DatasetSpec:
    """A data set that can be asked for by name.

    Attributes:
        description: One line for a reader who chooses.
        shape: Shape of its images, or a function that reads it from a folder.
        augment: True if batches in training get a random crop and flip.
        read: Reader of one part of a folder: the images and the class names.
        require_test: Check that raises `DatasetError` where a folder has images to learn from and
            none to test; None where there always are some.
        validation_fraction: Share of the training images, of each class, held out for validation.
    """

    description: str
    shape: DatasetShape | Callable[[Path], DatasetShape]
    augment: bool
    read: Callable[[Path, Part], tuple[Images, tuple[str, ...]]]
    require_test: Callable[[Path], None] | None
    validation_fraction: float = 0.1
