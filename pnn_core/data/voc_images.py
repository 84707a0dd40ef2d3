"""Images of a folder in PASCAL VOC's layout, with the box of each object."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pnn_core.config.checks import nearest
from pnn_core.data.annotated_images import AnnotatedImages
from pnn_core.data.class_folders import CLASS_LIST
from pnn_core.data.dataset import DatasetError
from pnn_core.data.image_file import opened
from pnn_core.data.voc_annotation import VocAnnotation, VocObject
from pnn_core.data.voc_files import VocFiles

VocSize = tuple[int, int]


def annotated_images(
    files: VocFiles, names: Sequence[str], listed_in: Path, classes: Sequence[str], canvas: int
) -> AnnotatedImages:
    """Read annotations, and of the images no more than their headers.

    Args:
        files: Files of the folder.
        names: Names of the images, in this order.
        listed_in: List, or folder of lists, that has the names.
        classes: Names of the classes.
        canvas: Side of the square that images are letterboxed to.

    Raises:
        DatasetError: An image or annotation is missing or damaged, they are of different sizes, or
            an object's class is unknown or its box not within the image.
    """
    labels = {name: label for label, name in enumerate(classes)}
    paths, sizes, counts = [], [], []
    objects: list[VocObject] = []
    boxes: list[tuple[float, float, float, float]] = []
    for name in names:
        file = files.image(name, listed_in)
        annotation = files.annotation(name)
        size = _size(files, name, file, annotation)
        usable = [each for each in annotation.objects if each.has_area]
        require_known_classes(files, name, usable, classes)
        boxes += [box_edges(files.annotation_path(name), each, size) for each in usable]
        objects += usable
        counts.append(len(usable))
        paths.append(os.fsencode(file))
        sizes.append(size)
    return AnnotatedImages(
        folder=files.folder.absolute(),  # Ray's processes stand in other folders
        names=np.array(paths, dtype=np.bytes_),
        sizes=np.array(sizes, dtype=np.int64).reshape(-1, 2),
        starts=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        boxes=np.array(boxes, dtype=np.float32).reshape(-1, 4),
        labels=np.array([labels[each.name] for each in objects], dtype=np.int64),
        difficult=np.array([each.difficult for each in objects], dtype=np.bool_),
        canvas=canvas,
    )


def require_known_classes(
    files: VocFiles, name: str, objects: Sequence[VocObject], classes: Sequence[str]
) -> None:
    """Refuse an object of a class that is not among those of the data set.

    Raises:
        DatasetError: Names the first, and the nearest class.
    """
    unknown = [each.name for each in objects if each.name not in classes]
    if unknown:
        where = files.folder / CLASS_LIST
        known = f"{where} lists" if where.is_file() else "the images to learn from have"
        raise DatasetError(
            f"{files.annotation_path(name)} has an object of class {unknown[0]!r}, which is none "
            f"of the {len(classes)} classes that {known}: the nearest is "
            f"{nearest(unknown[0], classes)!r}"
        )


def _size(files: VocFiles, name: str, file: str, annotation: VocAnnotation) -> VocSize:
    """Return the width and height of an image as it is shown, on which its annotation agrees."""
    path = files.folder / file
    with opened(path) as image:
        size, turned = image.size, image.size != image.stored.size
    if annotation.size in (None, size):
        return size
    width, height = annotation.size or size
    hint = " once turned as its header says" if turned else ""
    raise DatasetError(
        f"{files.annotation_path(name)} says a size of {width} x {height}, and {path} has "
        f"{size[0]} x {size[1]} pixels{hint}: both must agree, as boxes are in those pixels"
    )


def box_edges(path: Path, found: VocObject, size: VocSize) -> tuple[float, float, float, float]:
    """Return a box from edge to edge, as `AnnotatedImages` has it.

    A box that begins at pixel 0, as tools write that count from there, is cut at the border.

    Raises:
        DatasetError: It reaches beyond the image.
    """
    left, top, right, bottom = found.box
    if min(left, top) < 0 or right > size[0] or bottom > size[1]:
        corners = ", ".join(f"{corner:g}" for corner in found.box)
        raise DatasetError(
            f"{path} has a box of {found.name!r} from {corners} (xmin, ymin, xmax, ymax): accepted "
            f"are pixels 1 to {size[0]} across and 1 to {size[1]} down"
        )
    return max(left - 1, 0), max(top - 1, 0), right, bottom
