"""Images in shards: Parquet files with a column of encoded images and a column of labels."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pnn_core.config import DatasetShape
from pnn_core.data.class_folders import CLASS_LIST, read_class_list
from pnn_core.data.dataset import DatasetError, Part
from pnn_core.data.decode import decode_all
from pnn_core.data.image_file import OpenImage, opened
from pnn_core.data.images import ImageFiles, Images, LabelledImages
from pnn_core.data.memory import fits_in_memory
from pnn_core.data.shard_cache import ShardCache
from pnn_core.data.shard_place import Shard, ShardPlace
from pnn_core.data.shard_table import ShardLabels, count_images, read_labels
from pnn_core.data.spec import DatasetSpec, Survey
from pnn_core.data.typical_size import TypicalSize, size_of_most, spread

COPIES = "shards"
"""Folder within the data folder that holds each machine's copies."""

_LOOKED_AT = 100
"""Number of images of the first shard whose headers are read."""


def read_shards(data_dir: Path, part: Part) -> tuple[Images, tuple[str, ...]]:
    """Read one part, in the order of the shards' names and of their rows.

    Images are taken as those of `ImageFolder` are: small ones are decoded at once if they fit in
    memory, photographs are listed, and each machine copies a shard when it needs its first image.

    Args:
        data_dir: Folder with `shards.toml`; copies are made in it.
        part: Part to read.

    Returns:
        The images, RGB, and the class names.

    Raises:
        DatasetError: The place or a shard is not as it must be, or the bound is too small.
    """
    place = ShardPlace.read(data_dir)
    learned = read_labels(place, "train")
    _cache(data_dir, place, learned).require_bound(_testing(place))
    classes = _class_names(data_dir, place, learned)
    found = learned if part == "train" else read_labels(place, part)
    typical = _typical_size(data_dir, place, learned)
    height, width = typical.used
    shards = _cache(data_dir, place, found)
    files = ImageFiles(
        folder=shards.folder,
        names=_rows(found),
        labels=_indices(place, found, classes, are_names=learned.are_names),
        height=height,
        width=width,
        shorter_edge=typical.shorter_edge,
        shards=shards,
    )
    if part == "train":
        _require_two_each(place, files.labels, classes)
    if typical.are_photographs or not fits_in_memory(files.decoded_bytes):
        return files, classes
    return LabelledImages(images=decode_all(files), labels=files.labels), classes


def dataset(description: str) -> DatasetSpec:
    """Return the registry's entry of images in shards."""
    return DatasetSpec(
        description=description,
        shape=_shape,
        augment=True,
        read=read_shards,
        require_test=_require_test,
        survey=_survey,
    )


def _shape(data_dir: Path) -> DatasetShape:
    place = ShardPlace.read(data_dir)
    labels = read_labels(place, "train")
    height, width = _typical_size(data_dir, place, labels).used
    classes = _class_names(data_dir, place, labels)
    return DatasetShape(channels=3, height=height, width=width, classes=len(classes))


def _survey(data_dir: Path) -> Survey:
    place = ShardPlace.read(data_dir)
    test = count_images(place, "test") if _testing(place) else None
    return Survey(test_images=test, left_out=(), warnings=())


def _require_test(data_dir: Path) -> None:
    place = ShardPlace.read(data_dir)
    place.shards("test")
    if not count_images(place, "test"):
        raise DatasetError(f"{place.shown} holds no row in its {place.test}*.parquet")


def _testing(place: ShardPlace) -> tuple[Shard, ...]:
    """Return the shards that test; none where there are none."""
    try:
        return place.shards("test")
    except DatasetError:
        return ()


def _cache(data_dir: Path, place: ShardPlace, labels: ShardLabels) -> ShardCache:
    # Ray's processes stand in other folders.
    return ShardCache(place=place, folder=data_dir.absolute() / COPIES, shards=labels.shards)


def _typical_size(data_dir: Path, place: ShardPlace, labels: ShardLabels) -> TypicalSize:
    """Read the headers of some images of the first shard, which this machine copies."""
    cache = _cache(data_dir, place, labels)

    def images() -> Iterator[AbstractContextManager[OpenImage]]:
        for row in spread(range(labels.counts[0]), _LOOKED_AT):
            yield opened(cache.describe(0, row), cache.read(0, row))

    if not labels.counts[0]:
        raise DatasetError(f"{place.shown}/{labels.shards[0].name} holds no image: take it away")
    return size_of_most(images())


def _rows(labels: ShardLabels) -> NDArray[np.bytes_]:
    names = [b"%d:%d" % (s, row) for s, count in enumerate(labels.counts) for row in range(count)]
    return np.array(names, dtype=np.bytes_)


def _class_names(data_dir: Path, place: ShardPlace, labels: ShardLabels) -> tuple[str, ...]:
    """Return the names of the classes, those of the training images.

    Of labels that are names, all in their order; of numbers, those that `classes.txt` lists or that
    the shards tell, else the numbers.
    """
    count = int(labels.values.max(initial=-1)) + 1
    if count > len(labels.values):
        raise DatasetError(
            f"{place.shown} has the label {count - 1:,} and {len(labels.values):,} training "
            "images: labels are numbers from 0 to below the number of classes"
        )
    names, listed = labels.names, data_dir / CLASS_LIST
    if not labels.are_names and listed.exists():
        names = tuple(read_class_list(listed, least=count))
    if len(names) < count:
        names = tuple(map(str, range(count)))
    if len(names) < 2:
        raise DatasetError(
            f"{place.shown} has labels of {len(names)} class(es): at least 2 are needed"
        )
    return names


def _indices(
    place: ShardPlace, labels: ShardLabels, classes: tuple[str, ...], *, are_names: bool
) -> NDArray[np.int64]:
    """Return the index of each image's class among the classes of the training images.

    Args:
        place: Where the shards lie.
        labels: Labels of a part.
        classes: Names of the classes.
        are_names: True if training images have names.
    """
    if labels.are_names != are_names and len(labels.values):
        raise DatasetError(f"{place.shown} has labels that are numbers in one part alone")
    number = {name: index for index, name in enumerate(classes)}
    names = labels.names if are_names else classes
    unknown = [name for name in names if name not in number]
    if not are_names and labels.values.max(initial=0) >= len(classes):
        unknown = [str(labels.values.max())]
    if unknown:
        raise DatasetError(
            f"{place.shown} has test images of class {unknown[0]}, of which there is no training "
            "image"
        )
    index = np.array([number[name] for name in names], dtype=np.int64)
    return index[labels.values]


def _require_two_each(
    place: ShardPlace, labels: NDArray[np.int64], classes: tuple[str, ...]
) -> None:
    # A split for validation needs two images of a class.
    counts = np.bincount(labels, minlength=len(classes))
    for name, count in zip(classes, counts, strict=True):
        if count == 1:
            raise DatasetError(
                f"{place.shown} has 1 training image of class {name!r}, at least 2 needed"
            )
