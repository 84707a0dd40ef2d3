"""Size that most images of a folder have, from the headers of a few."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pnn_core.data.class_folders import image_names
from pnn_core.data.dataset import DatasetError
from pnn_core.data.image_file import OpenImage, opened

SMALL_EDGE = 96
"""Largest shorter edge, in pixels, of images that are used as they are; from larger ones 224×224
are cropped, as from ImageNet's."""

_SHORTER_EDGE, _CROP = 256, 224
"""Sizes in the paper (Section 5.1), after A. Krizhevsky et al., "ImageNet classification with deep
convolutional neural networks", 2012, Section 4.1."""

_CLASSES, _IMAGES = 10, 10
"""Number of classes, and of images of each, whose headers are read."""

_T = TypeVar("_T")


@dataclass(frozen=True, kw_only=True)
class TypicalSize:
    """Sizes of a few images of all classes.

    Attributes:
        width: Width that most of those have that are as `are_photographs` says.
        height: Height of the same.
        are_photographs: True if most have a shorter edge of more than 96 pixels; where as many have
            as have not, the first image decides.
        looked_at: Number of images whose headers were read.
        odd: Number of those that are small among photographs, or large among small images.
        transparent: Number of those with transparent parts.
    """

    width: int
    height: int
    are_photographs: bool
    looked_at: int
    odd: int
    transparent: int

    @property
    def used(self) -> tuple[int, int]:
        """Height and width that a network sees."""
        return (_CROP, _CROP) if self.are_photographs else (self.height, self.width)

    @property
    def shorter_edge(self) -> int | None:
        """Pixels to which the shorter edge is resized before the crop; None to use all as it is."""
        return _SHORTER_EDGE if self.are_photographs else None


def typical_size(folder: Path, classes: Sequence[str]) -> TypicalSize:
    """Read the headers of up to ten images in each of up to ten classes, evenly spread.

    Args:
        folder: Folder of the class folders.
        classes: Names of the classes.

    Raises:
        DatasetError: A class is empty, or an image is damaged: of photographs any that was looked
            at, of small images, which are all decoded before training, one where all are.
    """
    return size_of_most(map(opened, _looked_at(folder, classes)))


def size_of_most(images: Iterable[AbstractContextManager[OpenImage]]) -> TypicalSize:
    """Read the headers of some images.

    Args:
        images: Images, not yet opened; at least one.

    Raises:
        DatasetError: One is damaged, as `typical_size` has it.
    """
    sizes, transparent, damaged = [], 0, []
    for unopened in images:
        try:
            with unopened as image:
                sizes.append(image.size)
                transparent += image.is_transparent
        except DatasetError as error:
            damaged.append(error)
    large = [size for size in sizes if _is_large(size)]
    others = len(sizes) - len(large)
    are_photographs = len(large) > others or (len(large) == others > 0 and _is_large(sizes[0]))
    if damaged and (are_photographs or not sizes):
        raise damaged[0]
    kept = [size for size in sizes if _is_large(size) == are_photographs]
    (width, height), _ = Counter(kept).most_common(1)[0]  # of equally many the first
    return TypicalSize(
        width=width,
        height=height,
        are_photographs=are_photographs,
        looked_at=len(sizes),
        odd=len(sizes) - len(kept),
        transparent=transparent,
    )


def _looked_at(folder: Path, classes: Sequence[str]) -> Iterator[Path]:
    for name in spread(classes, _CLASSES):
        for image in spread(image_names(folder / name, 1), _IMAGES):
            yield folder / name / image


def spread(values: Sequence[_T], count: int) -> Sequence[_T]:
    """Return at most `count` values, evenly spread, the first and the last among them."""
    if len(values) <= count:
        return values
    return [values[index * (len(values) - 1) // (count - 1)] for index in range(count)]


def _is_large(size: tuple[int, int]) -> bool:
    return min(size) > SMALL_EDGE
