"""Labelled images: in memory, or in files that are decoded when they are asked for."""

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pnn_core.data.annotated_images import AnnotatedImages

if TYPE_CHECKING:
    from pnn_core.data.shard_cache import ShardCache


# Arrays have no single truth value, so a generated `==` would raise: equality is identity.
@dataclass(frozen=True, kw_only=True, eq=False)
class LabelledImages:
    """Images in memory and the class of each.

    The arrays may be read-only (Ray's object store hands them out so): nothing may write to them.

    Attributes:
        images: Pixel values 0 to 255, uint8, [N, C, H, W].
        labels: Index of each image's class, int64, [N].

    Raises:
        ValueError: A type, shape or label is not as above, or there is no image.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]

    def __post_init__(self) -> None:
        _require_array("images", self.images, np.dtype(np.uint8), "[N, C, H, W]", 4)
        _require_labels("images", len(self.images), self.labels)
        if self.images.size == 0:
            raise ValueError(f"images (shape {self.images.shape}) must hold at least one pixel")

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of each image."""
        _, channels, height, width = self.images.shape
        return channels, height, width

    def take(self, indices: NDArray[np.int64]) -> "LabelledImages":
        """Return a copy of the images at `indices`, int64 [M], in that order."""
        return LabelledImages(images=self.images[indices], labels=self.labels[indices])


@dataclass(frozen=True, kw_only=True, eq=False)
class ImageFiles:
    """Files of images and the class of each; decoded to RGB by `pnn_core.data.decode`.

    On a cluster, every machine that trains must find them in the same folder, unless they lie in
    shards.

    Attributes:
        folder: Folder that the names are relative to; that of the copies where there are shards.
        names: Path of each file, in the file system's bytes, [N]; of an image in a shard, the place
            of the shard and the row, `3:17`. One array, because Ray shares an array between
            processes and would copy a million strings to each of them.
        labels: Index of each image's class, int64, [N].
        height: Height of a decoded image in pixels.
        width: Width of a decoded image in pixels.
        shorter_edge: Pixels to which an image's shorter edge is resized, before height × width are
            cropped from it; None where every file has exactly that size.
        shards: Shards that hold the images; None where each is a file of its own.

    Raises:
        ValueError: A type, shape, size or label is not as above, or there is no file.
    """

    folder: Path
    names: NDArray[np.bytes_]
    labels: NDArray[np.int64]
    height: int
    width: int
    shorter_edge: int | None
    shards: "ShardCache | None" = None

    def __post_init__(self) -> None:
        names = self.names
        if type(names) is not np.ndarray or names.dtype.kind != "S" or names.ndim != 1:
            raise ValueError(f"names (a {type(names).__name__}) must be an array of bytes, [N]")
        _require_labels("names", len(names), self.labels)
        if len(names) == 0:
            raise ValueError("names (=[]) must hold at least one file")
        if min(self.height, self.width) < 1:
            raise ValueError(f"height and width (={self.height}, {self.width}) must be at least 1")
        if self.shorter_edge is not None and self.shorter_edge < max(self.height, self.width):
            raise ValueError(
                f"shorter_edge (={self.shorter_edge}) must leave room for a crop of "
                f"{self.height} x {self.width}"
            )

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of each decoded image."""
        return 3, self.height, self.width

    @property
    def decoded_bytes(self) -> int:
        """Size of all of them in memory."""
        return len(self) * 3 * self.height * self.width

    def path(self, index: int) -> Path:
        """Path of an image that is a file of its own."""
        return self.folder / os.fsdecode(bytes(self.names[index]))

    def row(self, index: int) -> tuple[int, int]:
        """Place of an image in shards: that of its shard, and its row there."""
        shard, _, row = bytes(self.names[index]).partition(b":")
        return int(shard), int(row)

    def take(self, indices: NDArray[np.int64]) -> "ImageFiles":
        """Return the files at `indices`, int64 [M], in that order."""
        return replace(self, names=self.names[indices], labels=self.labels[indices])


Images = LabelledImages | ImageFiles | AnnotatedImages


def _require_labels(name: str, count: int, labels: NDArray[np.int64]) -> None:
    _require_array("labels", labels, np.dtype(np.int64), "[N]", 1)
    if count != len(labels):
        raise ValueError(f"{name} (={count}) and labels (={len(labels)}) must be as many")
    if len(labels) and labels.min() < 0:
        raise ValueError(f"labels (smallest is {labels.min()}) must not be negative")


def _require_array(
    name: str, value: object, dtype: np.dtype[Any], shape: str, dimensions: int
) -> None:
    if type(value) is not np.ndarray:
        raise ValueError(f"{name} (a {type(value).__name__}) must be a numpy array")
    if value.dtype != dtype or value.ndim != dimensions:
        raise ValueError(
            f"{name} (={value.dtype} of shape {value.shape}) must be {dtype} of shape {shape}"
        )
