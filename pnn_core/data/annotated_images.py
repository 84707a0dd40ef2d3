"""Images of any size and the objects in each, for detection."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pnn_core.config import Padding


# Arrays have no single truth value, so a generated `==` would raise: equality is identity.
@dataclass(frozen=True, kw_only=True, eq=False)
class AnnotatedImages:
    """Files of images, the objects in each, and the canvas that images are scaled to.

    Boxes are x and y of the upper left and of the lower right corner, in pixels of the image as it
    is shown, from its own upper left corner: a box that PASCAL VOC writes as the pixels 1 to 10
    reaches from 0 to 10, so that differences of corners are the devkit's widths with its +1.

    Attributes:
        folder: Folder that the names are relative to.
        names: Path of each file, in the file system's bytes, [N]; see `ImageFiles`.
        sizes: Width and height of each image as it is shown, int64, [N, 2].
        starts: Index of each image's first object, and at the end their number, int64, [N + 1].
        boxes: Box of each object, float32, [M, 4].
        labels: Index of each object's class, int64, [M].
        difficult: True for objects that neither count as found nor as missed, bool, [M].
        canvas: Pixels a side of the square that images are scaled to fit into.
        padding: What images are padded to; see `DatasetShape`.

    Raises:
        ValueError: A type, shape, label or box is not as above, or there is no file.
    """

    folder: Path
    names: NDArray[np.bytes_]
    sizes: NDArray[np.int64]
    starts: NDArray[np.int64]
    boxes: NDArray[np.float32]
    labels: NDArray[np.int64]
    difficult: NDArray[np.bool_]
    canvas: int
    padding: Padding = "canvas"

    def __post_init__(self) -> None:
        count, objects = len(self.names), len(self.labels)
        shapes = {
            "names": (count,),
            "sizes": (count, 2),
            "starts": (count + 1,),
            "boxes": (objects, 4),
            "labels": (objects,),
            "difficult": (objects,),
        }
        for name, shape in shapes.items():
            if (found := getattr(self, name).shape) != shape:
                raise ValueError(f"{name} (of shape {found}) must be of shape {shape}")
        dtypes = {
            "sizes": np.int64,
            "starts": np.int64,
            "boxes": np.float32,
            "labels": np.int64,
            "difficult": np.bool_,
        }
        for name, dtype in dtypes.items():
            if (found := getattr(self, name).dtype) != dtype:
                raise ValueError(f"{name} (of {found}) must be of {np.dtype(dtype)}")
        if count == 0:
            raise ValueError("names (=[]) must hold at least one file")
        if self.canvas < 1:
            raise ValueError(f"canvas (={self.canvas}) must be at least 1 pixel")
        if self.starts[0] != 0 or self.starts[-1] != objects or (np.diff(self.starts) < 0).any():
            raise ValueError(
                f"starts ({self.starts[0]} to {self.starts[-1]}) must rise to {objects}"
            )
        if objects and self.labels.min() < 0:
            raise ValueError(f"labels (smallest is {self.labels.min()}) must not be negative")
        if not (self.boxes[:, 2:] > self.boxes[:, :2]).all():
            raise ValueError("boxes must have an area")

    def __len__(self) -> int:
        return len(self.names)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of the canvas."""
        return 3, self.canvas, self.canvas

    @property
    def padded_shape(self) -> tuple[int, int, int]:
        """Channels, height and width that these images are padded to as one batch."""
        if self.padding == "canvas":
            return self.image_shape
        places = [self.letterbox(index) for index in range(len(self))]
        return 3, max(place.height for place in places), max(place.width for place in places)

    def path(self, index: int) -> Path:
        """Path of an image."""
        return self.folder / os.fsdecode(bytes(self.names[index]))

    def objects(self, index: int) -> slice:
        """Place of an image's objects in `boxes`, `labels` and `difficult`."""
        return slice(int(self.starts[index]), int(self.starts[index + 1]))

    def letterbox(self, index: int) -> "Letterbox":
        """Place an image on the canvas."""
        width, height = self.sizes[index].tolist()
        return Letterbox.of(width, height, self.canvas, centred=self.padding == "canvas")

    def take(self, indices: NDArray[np.int64]) -> "AnnotatedImages":
        """Return the images at `indices`, int64 [K], in that order, with their objects."""
        counts = np.diff(self.starts)[indices]
        starts = _starts(counts)
        # Place of each object among all: that of its image's first, and its own from there.
        chosen = np.repeat(self.starts[indices] - starts[:-1], counts) + np.arange(starts[-1])
        return replace(
            self,
            names=self.names[indices],
            sizes=self.sizes[indices],
            starts=starts,
            boxes=self.boxes[chosen],
            labels=self.labels[chosen],
            difficult=self.difficult[chosen],
        )

    def with_images_of(self, other: "AnnotatedImages") -> "AnnotatedImages":
        """Return these images followed by others of the same folder and canvas."""
        return replace(
            self,
            names=np.concatenate([self.names, other.names]),
            sizes=np.concatenate([self.sizes, other.sizes]),
            starts=np.concatenate([self.starts, self.starts[-1] + other.starts[1:]]),
            boxes=np.concatenate([self.boxes, other.boxes]),
            labels=np.concatenate([self.labels, other.labels]),
            difficult=np.concatenate([self.difficult, other.difficult]),
        )

    def learnable(self) -> "AnnotatedImages":
        """Return what weights are learned from: no difficult object, and no image without others.

        The published code leaves out both: its annotations hold no difficult object, and images
        that have none left are filtered before training.

        Raises:
            ValueError: No image is left.
        """
        kept = ~self.difficult
        images = np.repeat(np.arange(len(self)), np.diff(self.starts))[kept]
        easy = replace(
            self,
            starts=_starts(np.bincount(images, minlength=len(self))),
            boxes=self.boxes[kept],
            labels=self.labels[kept],
            difficult=self.difficult[kept],
        )
        return easy.take(np.flatnonzero(np.diff(easy.starts)))

    @classmethod
    def without_objects(
        cls, paths: Sequence[Path], sizes: Sequence[tuple[int, int]], canvas: int
    ) -> "AnnotatedImages":
        """Take images of which nothing is known but their sizes.

        Args:
            paths: Paths of the files.
            sizes: Width and height of each as it is shown.
            canvas: Pixels a side of the canvas.
        """
        return cls(
            folder=Path(),
            names=np.array([os.fsencode(path.absolute()) for path in paths]),
            sizes=np.array(sizes, dtype=np.int64),
            starts=np.zeros(len(paths) + 1, dtype=np.int64),
            boxes=np.zeros((0, 4), dtype=np.float32),
            labels=np.zeros(0, dtype=np.int64),
            difficult=np.zeros(0, dtype=np.bool_),
            canvas=canvas,
        )

    def on_canvas(self, side: int, padding: Padding = "canvas") -> "AnnotatedImages":
        """Return the same images scaled to another canvas and padded so."""
        return replace(self, canvas=side, padding=padding)


def _starts(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the index of each image's first object, and at the end their number."""
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


@dataclass(frozen=True, kw_only=True)
class Letterbox:
    """Placement of an image on a canvas: scaled until its longer edge fits.

    Attributes:
        width: Width of the image on the canvas in pixels.
        height: Height of it.
        left: Pixels of padding to its left: half of all where it is centred, else none.
        top: Pixels of padding above it, likewise.
        across: Canvas pixels for each pixel of the image, from left to right.
        down: The same from top to bottom: nearly as many, as edges are whole pixels.
    """

    width: int
    height: int
    left: int
    top: int
    across: float
    down: float

    @classmethod
    def of(cls, width: int, height: int, canvas: int, *, centred: bool = True) -> "Letterbox":
        """Place an image of a size on a canvas of a side, all in pixels.

        Args:
            width: Width of the image.
            height: Height of it.
            canvas: Side of the canvas.
            centred: True for its middle, False for its upper left corner.
        """
        scale = canvas / max(width, height)
        fitted = max(1, round(width * scale)), max(1, round(height * scale))
        return cls(
            width=fitted[0],
            height=fitted[1],
            left=(canvas - fitted[0]) // 2 if centred else 0,
            top=(canvas - fitted[1]) // 2 if centred else 0,
            across=fitted[0] / width,
            down=fitted[1] / height,
        )

    @property
    def rows(self) -> slice:
        """Rows of the canvas that the image covers."""
        return slice(self.top, self.top + self.height)

    @property
    def columns(self) -> slice:
        """Columns of the canvas that the image covers."""
        return slice(self.left, self.left + self.width)

    def to_canvas(self, boxes: NDArray[np.float32]) -> NDArray[np.float32]:
        """Move boxes, [M, 4], from the image onto the canvas."""
        return boxes * self._factors + self._offsets

    def to_image(self, boxes: NDArray[np.float32]) -> NDArray[np.float32]:
        """Move boxes, [M, 4], from the canvas onto the image."""
        return (boxes - self._offsets) / self._factors

    @property
    def _factors(self) -> NDArray[np.float32]:
        return np.array([self.across, self.down] * 2, dtype=np.float32)

    @property
    def _offsets(self) -> NDArray[np.float32]:
        return np.array([self.left, self.top] * 2, dtype=np.float32)
