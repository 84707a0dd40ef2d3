"""Doubts about images that a network can learn nothing from."""

import itertools
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from pnn_core.data.annotated_images import AnnotatedImages
from pnn_core.data.canvas import decode_on_canvas
from pnn_core.data.dataset import DatasetError, TrainingData
from pnn_core.data.decode import decode
from pnn_core.data.images import ImageFiles, Images, LabelledImages

_PER_CHUNK = 1024
_DECODED = 8
"""Number of image files that are decoded for this."""


def require_differences(data: TrainingData) -> tuple[str, ...]:
    """Refuse images that are all the same, and return what is doubtful, a sentence each.

    Images that are decoded while training are judged by eight of them.

    Args:
        data: Images to learn from and to validate on.

    Raises:
        DatasetError: All images are the same, or one that is decoded is damaged.
    """
    count = len(data.train)
    some = "" if isinstance(data.train, LabelledImages) else f" {min(count, _DECODED)} of"
    first, same, blank = None, True, 0
    for chunk in _chunks(data.train):
        first = chunk[:1] if first is None else first
        same = same and bool((chunk == first).all())
        pixels = chunk.reshape(*chunk.shape[:2], -1)
        blank += int((pixels.max(axis=2) == pixels.min(axis=2)).all(axis=1).sum())
    looked_at = min(count, _DECODED) if some else count
    if same and count > 1:
        raise DatasetError(
            f"all{some} {count} training images are the same, pixel by pixel: there is nothing to "
            "learn from them (transparent parts are laid on white)"
        )
    return tuple(itertools.chain(_blank(blank, looked_at), _empty(data), _unused(data.train)))


def _chunks(images: Images) -> Iterator[NDArray[np.uint8]]:
    if not isinstance(images, LabelledImages):
        chosen = np.linspace(0, len(images) - 1, min(len(images), _DECODED)).astype(np.int64)
        some = images.take(chosen)
        yield decode(some) if isinstance(some, ImageFiles) else decode_on_canvas(some)
        return
    for start in range(0, len(images), _PER_CHUNK):
        yield images.images[start : start + _PER_CHUNK]


def _blank(blank: int, looked_at: int) -> Iterator[str]:
    if blank:
        yield (
            f"{blank} of {looked_at} training images that were looked at are of one colour each: "
            "what was drawn in them is not seen"
        )


def _empty(data: TrainingData) -> Iterator[str]:
    what = "object" if isinstance(data.train, AnnotatedImages) else "image"
    counts = np.bincount(data.train.labels, minlength=len(data.classes))
    empty = [name for name, count in zip(data.classes, counts, strict=True) if count == 0]
    if empty:
        yield (
            f"{len(empty)} of {len(data.classes)} classes have no {what}: "
            f"{', '.join(empty[:5])}{', ...' if len(empty) > 5 else ''}"
        )


def _unused(images: Images) -> Iterator[str]:
    if isinstance(images, AnnotatedImages):
        unused = len(images) - len(images.learnable())
        if unused:
            yield (
                f"{unused} of {len(images)} training images show no object, or difficult ones "
                "alone: weights are not learned from them"
            )
