"""Folders of images with one folder for each class."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pnn_core.config import DatasetShape
from pnn_core.data.class_folders import class_folders, image_names, used_classes
from pnn_core.data.dataset import DatasetError, Part
from pnn_core.data.decode import decode_all, image_size
from pnn_core.data.images import ImageFiles, Images, LabelledImages
from pnn_core.data.memory import fits_in_memory
from pnn_core.data.spec import DatasetSpec

SMALL_EDGE = 96
"""Largest shorter edge, in pixels, of images that are used as they are; from larger ones 224×224
are cropped, as from ImageNet's."""

_SHORTER_EDGE = 256
_CROP = 224
"""Sizes in the paper (Section 5.1), after A. Krizhevsky et al., "ImageNet classification with deep
convolutional neural networks", 2012, Section 4.1."""


@dataclass(frozen=True, kw_only=True)
class ImageFolder:
    """Reader of `train/CLASS/*` and `test/CLASS/*` of a folder.

    Classes are the folders of `train`, or those of them that `classes.txt` beside it lists, sorted
    by name; files are sorted by name within a class. Hidden files and files with other endings are
    ignored. To read `train` opens no file of `test`.

    If the first training image's shorter edge has at most 96 pixels, all images must have its
    size. They are decoded at once if they take at most a quarter of the memory. Larger images may
    be of any size, and are listed only: 224×224 are cropped from each when it is needed.

    Attributes:
        largest_classes: Number of classes to use, those of most training images; of equally large
            ones, those that come first by name. None uses all.
    """

    largest_classes: int | None = None

    def read(self, data_dir: Path, part: Part) -> tuple[Images, tuple[str, ...]]:
        """Read one part.

        Args:
            data_dir: Folder that holds `train` and `test`.
            part: Part to read.

        Returns:
            The images, RGB, and the class names.

        Raises:
            DatasetError: A folder is missing or too small, `classes.txt` names a class that does
                not exist, or an image is damaged or of another size.
        """
        classes = used_classes(data_dir, self.largest_classes)
        width, height = _first_size(data_dir, classes)
        if part == "test":
            _require_test(data_dir, classes)
        # A split for validation needs two images of a class.
        least = 2 if part == "train" else 1
        names = [image_names(data_dir / part / name, least) for name in classes]
        photographs = _are_photographs(width, height)
        files = ImageFiles(
            folder=(data_dir / part).absolute(),  # Ray's processes stand in other folders
            names=_relative_paths(classes, names),
            labels=np.repeat(np.arange(len(classes), dtype=np.int64), [len(n) for n in names]),
            height=_CROP if photographs else height,
            width=_CROP if photographs else width,
            shorter_edge=_SHORTER_EDGE if photographs else None,
        )
        if photographs or not fits_in_memory(files.decoded_bytes):
            return files, classes
        return LabelledImages(images=decode_all(files), labels=files.labels), classes

    def shape(self, data_dir: Path) -> DatasetShape:
        """Read class names and the first image's size: opens one image and decodes none.

        Args:
            data_dir: Folder that holds `train`.

        Raises:
            DatasetError: `train` or its first class is missing or empty, or its first image
                damaged.
        """
        classes = used_classes(data_dir, self.largest_classes)
        width, height = _first_size(data_dir, classes)
        if _are_photographs(width, height):
            width = height = _CROP
        return DatasetShape(channels=3, height=height, width=width, classes=len(classes))

    def dataset(self, description: str) -> DatasetSpec:
        """Return the registry's entry of folders that are read so."""
        return DatasetSpec(
            description=description,
            shape=self.shape,
            augment=True,
            read=self.read,
            require_test=self.require_test,
        )

    def require_test(self, data_dir: Path) -> None:
        """Check that `test` has images of each class that is used; opens none of them.

        Args:
            data_dir: Folder that holds `train` and `test`.

        Raises:
            DatasetError: Names the folder that is missing, empty or too much.
        """
        _require_test(data_dir, used_classes(data_dir, self.largest_classes))


def _relative_paths(classes: Sequence[str], names: Sequence[Sequence[str]]) -> NDArray[np.bytes_]:
    # A `Path` for each of a million files would take seconds.
    paths = [f"{c}/{name}" for c, found in zip(classes, names, strict=True) for name in found]
    return np.array([os.fsencode(path) for path in paths], dtype=np.bytes_)


def _require_test(data_dir: Path, classes: Sequence[str]) -> None:
    folder, train = data_dir / "test", data_dir / "train"
    found = class_folders(folder)
    # Classes of `train` that are not used may, but need not, be there.
    unused = set(class_folders(train)) - set(classes)
    differing = sorted(set(found).symmetric_difference(classes) - unused)
    if differing:
        raise DatasetError(
            f"{folder} must hold the same class folders as {train}: "
            f"{differing[0]!r} is in one of them only"
        )
    for name in classes:
        image_names(folder / name, 1)


def _are_photographs(width: int, height: int) -> bool:
    return min(width, height) > SMALL_EDGE


def _first_size(data_dir: Path, classes: Sequence[str]) -> tuple[int, int]:
    """Read width and height of the first training image."""
    folder = data_dir / "train" / classes[0]
    return image_size(folder / image_names(folder, 1)[0])
