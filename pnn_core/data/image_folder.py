"""Folders of images with one folder for each class."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pnn_core.config import DatasetShape
from pnn_core.data.class_folders import class_folders, image_names, unicode_hint, used_classes
from pnn_core.data.dataset import DatasetError, Part
from pnn_core.data.decode import decode_all
from pnn_core.data.folder_survey import survey
from pnn_core.data.images import ImageFiles, Images, LabelledImages
from pnn_core.data.memory import fits_in_memory
from pnn_core.data.spec import DatasetSpec, Survey
from pnn_core.data.typical_size import typical_size


@dataclass(frozen=True, kw_only=True)
class ImageFolder:
    """Reader of `train/CLASS/*` and `test/CLASS/*` of a folder.

    Classes are the folders of `train`, or those of them that `classes.txt` beside it lists, sorted
    by name; files are sorted by name within a class. Hidden files and files with other endings are
    left out, as `survey` tells. To read `train` opens no file of `test`.

    If most training images' shorter edges have at most 96 pixels, all images must be of one size.
    They are decoded at once if they take at most a quarter of the memory. Larger images may
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
        if part == "test":
            _require_test(data_dir, classes)
        # A split for validation needs two images of a class.
        least = 2 if part == "train" else 1
        names = [image_names(data_dir / part / name, least) for name in classes]
        typical = typical_size(data_dir / "train", classes)
        height, width = typical.used
        files = ImageFiles(
            folder=(data_dir / part).absolute(),  # Ray's processes stand in other folders
            names=_relative_paths(classes, names),
            labels=np.repeat(np.arange(len(classes), dtype=np.int64), [len(n) for n in names]),
            height=height,
            width=width,
            shorter_edge=typical.shorter_edge,
        )
        if typical.are_photographs or not fits_in_memory(files.decoded_bytes):
            return files, classes
        return LabelledImages(images=decode_all(files), labels=files.labels), classes

    def shape(self, data_dir: Path) -> DatasetShape:
        """Read class names and the size of most images: opens a few and decodes none.

        Args:
            data_dir: Folder that holds `train`.

        Raises:
            DatasetError: `train` or a class that is looked at is missing or empty, or an image
                damaged.
        """
        classes = used_classes(data_dir, self.largest_classes)
        height, width = typical_size(data_dir / "train", classes).used
        return DatasetShape(channels=3, height=height, width=width, classes=len(classes))

    def dataset(self, description: str) -> DatasetSpec:
        """Return the registry's entry of folders that are read so."""
        return DatasetSpec(
            description=description,
            shape=self.shape,
            augment=True,
            read=self.read,
            require_test=self.require_test,
            survey=self.survey,
        )

    def survey(self, data_dir: Path) -> Survey:
        """Find what is left out, and what is unlike most images; decodes none.

        Args:
            data_dir: Folder that holds `train` and maybe `test`.

        Raises:
            DatasetError: The same as for `shape`.
        """
        classes = used_classes(data_dir, self.largest_classes)
        return survey(data_dir, classes, typical_size(data_dir / "train", classes))

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
        others = classes if differing[0] in found else found
        raise DatasetError(
            f"{folder} must hold the same class folders as {train}: "
            f"{differing[0]!r} is in one of them only{unicode_hint(differing[0], others)}"
        )
    for name in classes:
        image_names(folder / name, 1)
