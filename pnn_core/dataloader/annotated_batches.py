"""Batches of annotated images, scaled and padded when they are needed, and the objects in each."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from pnn_core.data import AnnotatedImages
from pnn_core.data.augmentation import Augmentation
from pnn_core.dataloader.augmentation import draw_flips
from pnn_core.dataloader.batches import Normalise, full_batches
from pnn_core.dataloader.decoding_workers import Decoder, DecodeRequest


# Tensors have no single truth value, so a generated `==` would raise: equality is identity.
@dataclass(frozen=True, kw_only=True, eq=False)
class CanvasObjects:
    """Objects of one image, on the device.

    Attributes:
        boxes: Left, top, right and bottom edge on the canvas, in its pixels, float32, `[K, 4]`.
        labels: Index of each object's class, from 0, int64, `[K]`.
        difficult: True for objects that evaluation ignores, bool, `[K]`.
    """

    boxes: torch.Tensor
    labels: torch.Tensor
    difficult: torch.Tensor

    def flipped(self, width: int) -> "CanvasObjects":
        """Return them where left and right of so many pixels have changed places."""
        left, top, right, bottom = self.boxes.unbind(1)
        boxes = torch.stack([width - right, top, width - left, bottom], dim=1)
        return CanvasObjects(boxes=boxes, labels=self.labels, difficult=self.difficult)


AnnotatedBatch = tuple[torch.Tensor, tuple[CanvasObjects, ...]]
"""Images `[n, 3, height, width]`, float32, normalised, channels last; the objects of each.

Height and width are those of the canvas or, if images are padded to their batch, at most these.
"""


class AnnotatedBatches:
    """Annotated images in batches, for training and evaluation.

    Padding is 0, which is the mean colour once normalised. An epoch of training leaves out
    difficult objects and images without any other (`AnnotatedImages.learnable`); evaluation has
    all. All random numbers are drawn here, so that a seed gives the same batches for any number of
    workers that decode.

    Args:
        files: The images.
        normalise: Normalisation, whose device works on the images.
        decoder: Decoder, which may serve several sources, one at a time.
        augmentation: Flips in training; None for none. Shifts are not made: a whole image is seen,
            and its place on the canvas is fixed.

    Attributes:
        files: All images, with all their objects.
    """

    def __init__(
        self,
        files: AnnotatedImages,
        normalise: Normalise,
        decoder: Decoder,
        augmentation: Augmentation | None = None,
    ) -> None:
        self.files = files
        self._normalise = normalise
        self._decoder = decoder
        self._augmentation = augmentation

    @cached_property
    def _learnable(self) -> AnnotatedImages:
        return self.files.learnable()

    def __len__(self) -> int:
        """Number of images that weights are learned from in an epoch."""
        return len(self._learnable)

    def shuffled(
        self, batch_size: int, generator: torch.Generator, *, first_batch: int = 0
    ) -> Iterator[AnnotatedBatch]:
        """Yield one epoch of training; see `BatchSource`."""
        count = len(self)
        order = torch.randperm(count, generator=generator).numpy()
        flipped = np.zeros(count, dtype=np.bool_)
        if self._augmentation is not None:
            flipped = draw_flips(self._augmentation, count, generator).numpy()
        batches = full_batches(count, batch_size)[first_batch:]
        parts = [self._learnable.take(order[batch]) for batch in batches]
        for batch, part, pixels in zip(batches, parts, self._decoded(parts), strict=True):
            yield self._on_device(part, pixels, flipped[batch])

    def in_order(self, batch_size: int) -> Iterator[AnnotatedBatch]:
        """Yield every image once, in the order of the data set, with all its objects.

        Images that are padded to their batch come one by one: what is found in one of them is not
        to depend on the others.
        """
        batch_size = batch_size if self.files.padding == "canvas" else 1
        indices = np.arange(len(self.files))
        parts = [
            self.files.take(indices[start : start + batch_size])
            for start in range(0, len(indices), batch_size)
        ]
        for part, pixels in zip(parts, self._decoded(parts), strict=True):
            yield self._on_device(part, pixels, np.zeros(len(part), dtype=np.bool_))

    def _decoded(self, parts: list[AnnotatedImages]) -> Iterator[np.ndarray]:
        return self._decoder.batches(DecodeRequest(files=part) for part in parts)

    def _on_device(
        self, part: AnnotatedImages, pixels: np.ndarray, flipped: np.ndarray
    ) -> AnnotatedBatch:
        images = self._normalise(torch.from_numpy(pixels).to(self._normalise.device))
        objects = []
        for index, flip in enumerate(flipped.tolist()):
            _clear_padding(images[index], part, index)
            found = self._objects(part, index)
            if flip:
                # An image that is not centred stays in its corner.
                is_centred = part.padding == "canvas"
                width = part.canvas if is_centred else part.letterbox(index).width
                images[index, :, :, :width] = images[index, :, :, :width].flip(2)
                found = found.flipped(width)
            objects.append(found)
        return images, tuple(objects)

    def _objects(self, part: AnnotatedImages, index: int) -> CanvasObjects:
        place, device = part.objects(index), self._normalise.device
        boxes = part.letterbox(index).to_canvas(part.boxes[place])
        return CanvasObjects(
            boxes=torch.tensor(boxes, device=device),
            labels=torch.tensor(part.labels[place], device=device),
            difficult=torch.tensor(part.difficult[place], device=device),
        )


def _clear_padding(image: torch.Tensor, part: AnnotatedImages, index: int) -> None:
    """Set the padding of a normalised image to the mean colour."""
    place = part.letterbox(index)
    image[:, : place.rows.start] = 0
    image[:, place.rows.stop :] = 0
    image[:, :, : place.columns.start] = 0
    image[:, :, place.columns.stop :] = 0
