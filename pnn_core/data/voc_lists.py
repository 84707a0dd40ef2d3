"""Lists of PASCAL VOC's layout: the images that train, validate and test."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pnn_core.data.dataset import DatasetError
from pnn_core.data.split import seeded_split

LISTS = Path("ImageSets", "Main")
"""Folder of the lists, in that of the data."""

UNLISTED_FRACTION = 0.1
"""Share of the images that validates where no list says which do."""


@dataclass(frozen=True, kw_only=True, eq=False)
class TrainingList:
    """Images to learn from and to validate on.

    Attributes:
        names: Name of each image, without an ending, [N].
        held_out: Positions of the validation images, int64, ascending.
    """

    names: tuple[str, ...]
    held_out: NDArray[np.int64]


def training_list(folder: Path) -> TrainingList:
    """Read which images train and which validate; no list of test images is opened.

    They come in the order of `trainval.txt`, else first those of `train.txt`. The images of
    `val.txt` validate; without that list those of `trainval.txt` that `train.txt` does not have;
    where one of these is missing, too, a tenth of all, chosen by a fixed seed.

    Args:
        folder: Folder that holds `ImageSets/Main`.

    Raises:
        DatasetError: A list is missing, empty, or does not agree with another.
    """
    lists = {
        part: read_list(path)
        for part in ("train", "val", "trainval")
        if (path := list_path(folder, part)).is_file()
    }
    train, both = lists.get("train"), lists.get("trainval")
    if train is None and both is None:
        raise DatasetError(
            f"{folder / LISTS} holds neither train.txt nor trainval.txt: list the images to learn "
            "from there, a name without its ending a line"
        )
    val = lists.get("val", ())
    if train is not None:
        _require_apart(list_path(folder, "val"), val, list_path(folder, "train"), train)
    names = both or (*(train or ()), *val)
    learning = frozenset(train or names) - frozenset(val)
    validating = frozenset(val or names) - learning
    odd = sorted(frozenset(names) ^ (learning | validating))
    if odd:
        raise DatasetError(
            f"{list_path(folder, 'trainval')} must list the images of train.txt and val.txt: "
            f"{odd[0]!r} is in one of them only"
        )
    if not learning:
        raise DatasetError(
            f"{list_path(folder, 'val')} lists all images of trainval.txt: some must train"
        )
    if validating:
        held_out = np.flatnonzero([name in validating for name in names])
    elif len(names) > 1:
        _, held_out = seeded_split(len(names), UNLISTED_FRACTION)
    else:
        raise DatasetError(
            f"{folder / LISTS} lists 1 image to learn from: at least 2 are needed, as one validates"
        )
    return TrainingList(names=names, held_out=held_out)


def read_test_list(folder: Path) -> tuple[str, ...]:
    """Read which images test.

    Args:
        folder: Folder that holds `ImageSets/Main`.

    Raises:
        DatasetError: The list is missing or empty, or has an image that trains or validates.
    """
    path = list_path(folder, "test")
    if not path.is_file():
        raise DatasetError(
            f"{path} is missing: list the images to test there, a name without its ending a line"
        )
    names = read_list(path)
    _require_apart(path, names, folder / LISTS, training_list(folder).names)
    return names


def list_path(folder: Path, part: str) -> Path:
    """Path of a list."""
    return folder / LISTS / f"{part}.txt"


def read_list(path: Path) -> tuple[str, ...]:
    """Read the names of a list, one a line.

    Raises:
        DatasetError: It cannot be read, is empty, or has a name twice or one that is a path.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise DatasetError(f"{path} cannot be read: {reason}") from error
    names = tuple(line.strip() for line in lines if line.strip())
    if not names:
        raise DatasetError(f"{path} lists no image: at least 1 is needed")
    seen: set[str] = set()
    for name in names:
        if "/" in name or "\\" in name or "\0" in name:
            raise DatasetError(f"{path} lists {name!r}: accepted is a name without a folder")
        if name in seen:
            raise DatasetError(f"{path} lists {name!r} twice: once is enough")
        seen.add(name)
    return names


def _require_apart(
    path: Path, names: Sequence[str], other: Path, other_names: Sequence[str]
) -> None:
    both = sorted(set(names).intersection(other_names))
    if both:
        raise DatasetError(f"{path} lists {both[0]!r}, which {other} has, too: one may have it")
