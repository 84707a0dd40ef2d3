"""Files of a folder in PASCAL VOC's layout: the image and the annotation of each name."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pnn_core.data.class_folders import SUFFIXES, is_folder, is_ignored, is_image_name
from pnn_core.data.dataset import DatasetError
from pnn_core.data.voc_annotation import VocAnnotation, read_annotation
from pnn_core.data.voc_lists import LISTS

IMAGES, ANNOTATIONS = "JPEGImages", "Annotations"


@dataclass(frozen=True, kw_only=True)
class VocFiles:
    """Files of a folder, by the names that its lists have.

    Attributes:
        folder: Folder that holds `JPEGImages`, `Annotations` and `ImageSets`.
        images: File of each image, by its name without an ending.
        other: Files in `JPEGImages` that are no images.
    """

    folder: Path
    images: Mapping[str, str]
    other: tuple[str, ...]

    @classmethod
    def of(cls, folder: Path) -> "VocFiles":
        """List the images of a folder; opens none.

        Raises:
            DatasetError: One of its three folders is missing, or two images have one name.
        """
        for inner in (IMAGES, ANNOTATIONS, LISTS):
            if not (folder / inner).is_dir():
                raise DatasetError(
                    f"{folder / inner} is not a folder: accepted is a folder with {IMAGES}, "
                    f"{ANNOTATIONS} and {LISTS}, as PASCAL VOC has them"
                )
        images: dict[str, str] = {}
        other = []
        for entry in _entries(folder / IMAGES):
            stem = Path(entry).stem
            if not is_image_name(entry):
                other.append(entry)
            elif stem in images:
                raise DatasetError(
                    f"{folder / IMAGES} holds {images[stem]} and {entry}: one image of a name is "
                    "accepted"
                )
            else:
                images[stem] = entry
        return cls(folder=folder, images=images, other=tuple(other))

    def image(self, name: str, listed_in: Path) -> str:
        """Return the file of an image, relative to the folder.

        Raises:
            DatasetError: There is none.
        """
        if is_image_name(name) and name not in self.images and Path(name).stem in self.images:
            raise DatasetError(
                f"{listed_in} lists {name!r}: accepted are names without their endings, here "
                f"{Path(name).stem!r}"
            )
        if name not in self.images:
            raise DatasetError(
                f"{listed_in} lists {name!r}, and {self.folder / IMAGES} holds no image of that "
                f"name: accepted are {', '.join(name + suffix for suffix in SUFFIXES)}"
            )
        return f"{IMAGES}/{self.images[name]}"

    def annotation(self, name: str) -> VocAnnotation:
        """Read the annotation of an image.

        Raises:
            DatasetError: It is missing or damaged.
        """
        path = self.annotation_path(name)
        if not path.is_file():
            raise DatasetError(
                f"{path} is missing: the image {name!r} is listed, and one without objects needs "
                "an annotation, too"
            )
        return read_annotation(path)

    def annotation_path(self, name: str) -> Path:
        """Path of the annotation of an image."""
        return self.folder / ANNOTATIONS / f"{name}.xml"

    def unlisted(self, listed: Sequence[str]) -> tuple[list[str], list[str]]:
        """Return images and annotations that no list has, relative to the folder, sorted."""
        known = frozenset(listed)
        images = [f"{IMAGES}/{file}" for name, file in self.images.items() if name not in known]
        annotations = [
            f"{ANNOTATIONS}/{entry}"
            for entry in _entries(self.folder / ANNOTATIONS)
            if entry.endswith(".xml") and entry.removesuffix(".xml") not in known
        ]
        return sorted(images), sorted(annotations)


def _entries(folder: Path) -> Iterator[str]:
    """List the names of files, sorted; hidden ones are left out."""
    with os.scandir(folder) as entries:
        yield from sorted(e.name for e in entries if not is_ignored(e.name) and not is_folder(e))
