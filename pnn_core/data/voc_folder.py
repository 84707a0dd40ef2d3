"""Folders in PASCAL VOC's layout: images, annotations of the objects in them, and lists."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pnn_core.config import DETECTION, DatasetShape
from pnn_core.data.annotated_images import AnnotatedImages
from pnn_core.data.class_folders import CLASS_LIST, read_class_list
from pnn_core.data.dataset import DatasetError, Part
from pnn_core.data.spec import DatasetSpec, Survey
from pnn_core.data.voc_files import VocFiles
from pnn_core.data.voc_images import annotated_images, box_edges, require_known_classes
from pnn_core.data.voc_lists import LISTS, list_path, read_list, read_test_list, training_list
from pnn_core.data.voc_survey import survey


def same_folder(data_dir: Path) -> Path:
    """Return the folder itself, as the one that holds the files."""
    return data_dir


@dataclass(frozen=True, kw_only=True)
class VocFolder:
    """Reader of a folder with `JPEGImages`, `Annotations` and `ImageSets/Main`.

    Which images train, validate and test is what the lists say (`training_list`). To read the
    images to learn from opens no list, annotation or image of the test set. Images and annotations
    that no list has, and boxes without an area, are left out, as `survey` tells.

    Attributes:
        canvas: Side of the square that images are letterboxed to where nothing else is asked for.
        classes: Names of the classes; None for those that `classes.txt` lists, and without it
            those that the annotations of the images to learn from have, sorted by name.
        find: Function that returns the folder within `--data-dir`.
        fetch: Function that has the images of a folder downloaded where they are missing; None
            where nobody offers them.
    """

    canvas: int
    classes: tuple[str, ...] | None = None
    find: Callable[[Path], Path] = same_folder
    fetch: Callable[[Path], None] | None = None

    def dataset(self, description: str) -> DatasetSpec:
        """Return the registry's entry of folders that are read so."""
        return DatasetSpec(
            description=description,
            shape=self.shape if self.classes is None else self._shape(self.classes),
            augment=True,
            read=self.read,
            require_test=self.require_test,
            survey=self.survey,
            held_out=self.held_out,
        )

    def shape(self, data_dir: Path) -> DatasetShape:
        """Read the classes: opens annotations and no image.

        Raises:
            DatasetError: A folder or list is not as it must be, or an annotation damaged.
        """
        return self._shape(self._class_names(VocFiles.of(self.find(data_dir))))

    def read(self, data_dir: Path, part: Part) -> tuple[AnnotatedImages, tuple[str, ...]]:
        """Read one part.

        Args:
            data_dir: Folder of the data.
            part: Part to read.

        Returns:
            The images in the order of their lists, and the class names.

        Raises:
            DatasetError: The data cannot be had, or a folder, list, annotation or image is not as
                it must be.
        """
        if self.fetch is not None:
            self.fetch(data_dir)
        files = VocFiles.of(self.find(data_dir))
        classes = self._class_names(files)
        if part == "test":
            names, source = read_test_list(files.folder), list_path(files.folder, "test")
            images = annotated_images(files, names, source, classes, self.canvas)
            _require_objects(files.folder, "tests", images.difficult)
            return images, classes
        listed = training_list(files.folder)
        images = annotated_images(files, listed.names, files.folder / LISTS, classes, self.canvas)
        learned = images.take(np.delete(np.arange(len(images)), listed.held_out))
        _require_objects(files.folder, "trains", learned.difficult)
        _require_objects(files.folder, "validates", images.take(listed.held_out).difficult)
        return images, classes

    def held_out(self, data_dir: Path) -> NDArray[np.int64]:
        """Return the positions of the validation images among those that `read` returns.

        Raises:
            DatasetError: A list is missing, empty, or does not agree with another.
        """
        return training_list(self.find(data_dir)).held_out

    def require_test(self, data_dir: Path) -> None:
        """Check lists, annotations and names of the test images; opens none of them.

        Args:
            data_dir: Folder of the data. Where a download will bring it, nothing is checked.

        Raises:
            DatasetError: Names what is missing or not as it must be.
        """
        folder = self.find(data_dir)
        if self.fetch is not None and not folder.is_dir():
            return
        files = VocFiles.of(folder)
        names, classes = read_test_list(folder), self._class_names(files)
        difficult = []
        for name in names:
            files.image(name, list_path(folder, "test"))
            annotation = files.annotation(name)
            usable = [each for each in annotation.objects if each.has_area]
            require_known_classes(files, name, usable, classes)
            if annotation.size is not None:  # else only the image tells, which is opened at the end
                for each in usable:
                    box_edges(files.annotation_path(name), each, annotation.size)
            difficult += [each.difficult for each in usable]
        _require_objects(folder, "tests", np.array(difficult, dtype=np.bool_))

    def survey(self, data_dir: Path) -> Survey:
        """Find what is left out; opens no image, and of the test set no more than its list.

        Raises:
            DatasetError: The same as for `read`.
        """
        folder = self.find(data_dir)
        path = list_path(folder, "test")
        test = read_list(path) if path.is_file() else None
        return survey(VocFiles.of(folder), training_list(folder).names, test)

    def _shape(self, classes: tuple[str, ...]) -> DatasetShape:
        return DatasetShape(
            channels=3,
            height=self.canvas,
            width=self.canvas,
            classes=len(classes),
            task=DETECTION,
        )

    def _class_names(self, files: VocFiles) -> tuple[str, ...]:
        if self.classes is not None:
            return self.classes
        class_list = files.folder / CLASS_LIST
        if class_list.exists():
            return tuple(sorted(read_class_list(class_list, least=1)))
        names = training_list(files.folder).names
        found = {
            each.name for name in names for each in files.annotation(name).objects if each.has_area
        }
        if not found:
            raise DatasetError(
                f"the annotations of {len(names)} images in {files.folder} have no object with an "
                "area: at least 1 is needed"
            )
        return tuple(sorted(found))


def _require_objects(folder: Path, what: str, difficult: NDArray[np.bool_]) -> None:
    """Refuse images that all show no object, or difficult ones alone: nothing can be found there.

    Args:
        folder: Folder of the images.
        what: Word for what an image of these does.
        difficult: True for each of their objects that is difficult, [M].
    """
    if difficult.all():
        raise DatasetError(
            f"{folder} has no image that {what} and shows an object: at least one must, an object "
            "that has an area and is not difficult"
        )
