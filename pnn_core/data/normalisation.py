"""Mean and standard deviation of each channel, to normalise pixel values."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from pnn_core.config import Normalisation
from pnn_core.data.annotated_images import AnnotatedImages
from pnn_core.data.canvas import decode_content
from pnn_core.data.decode import decode_all
from pnn_core.data.images import ImageFiles, Images, LabelledImages

_IMAGES_PER_CHUNK = 1024
"""Bound of the memory: counting copies its input to 64 bits."""

_ANNOTATED_IMAGES = 500
"""Number of images of any size that are decoded for this, a few seconds' worth."""

IMAGENET_STATISTICS = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
"""Mean and standard deviation of ImageNet's training images, as torchvision's models use them
(https://docs.pytorch.org/vision/stable/models.html); the paper subtracts a mean alone."""

PUBLISHED_STATISTICS = ((0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010))
"""Mean and standard deviation for CIFAR-10 in the published codes (their `datasets` and `main`
files). The deviations are 0.77 to 0.82 times those of the images."""

Statistics = tuple[tuple[float, ...], tuple[float, ...]]

_CONSTANTS: Mapping[Normalisation, Statistics] = {
    "published": PUBLISHED_STATISTICS,
    "imagenet": IMAGENET_STATISTICS,
}


def chosen_statistics(normalisation: Normalisation, of_images: Statistics) -> Statistics:
    """Return the mean and standard deviation that a training run normalises by.

    Args:
        normalisation: Choice of a training run.
        of_images: Mean and standard deviation of the images that weights are learned from.
    """
    return _CONSTANTS.get(normalisation, of_images)


def scale_and_offset(
    mean: Sequence[float], std: Sequence[float]
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return, for each channel, the factor and the summand that normalise a pixel's byte.

    `x * factor + summand` is `(x / 255 - mean) / std` in one multiplication and one addition.

    Args:
        mean: Mean of each channel, of pixels scaled to [0, 1].
        std: Standard deviation of each channel.
    """
    factors = tuple(1 / (255 * s) for s in std)
    return factors, tuple(-m / s for m, s in zip(mean, std, strict=True))


def channel_statistics(images: Images) -> Statistics:
    """Compute mean and standard deviation of pixel values scaled to [0, 1].

    Computed from exact counts of the 256 values, so neither the number of images nor their order
    costs precision, and images that do not fit in memory give the same numbers as those that do.
    For photographs that are cropped they are ImageNet's, so that none is decoded beforehand.
    Annotated images are counted as large as they are on their canvas, without the padding: all of
    up to 500, else 500 evenly spread.

    Args:
        images: Images that weights are learned from.

    Returns:
        Mean and population standard deviation of each of the C channels. A constant channel gets
        the standard deviation 1: normalised, it is 0 everywhere, and nothing divides by zero.

    Raises:
        DatasetError: Names a file that had to be decoded and is damaged.
    """
    if isinstance(images, ImageFiles) and images.shorter_edge is not None:
        return IMAGENET_STATISTICS
    channels = images.image_shape[0]
    counts = np.zeros((channels, 256), dtype=np.int64)
    for chunk in _chunks(images):
        for channel in range(channels):
            counts[channel] += np.bincount(chunk[:, channel].ravel(), minlength=256)
    values = np.arange(256) / 255
    shares = counts / counts.sum(axis=1, keepdims=True)
    mean = shares @ values
    std = np.sqrt((shares * (values - mean[:, None]) ** 2).sum(axis=1))
    # Asked of the counts: rounding may leave a constant channel a tiny deviation above zero.
    constant = (counts > 0).sum(axis=1) == 1
    std[constant] = 1.0
    return tuple(mean.tolist()), tuple(std.tolist())


def _chunks(images: Images) -> Iterator[NDArray[np.uint8]]:
    if isinstance(images, AnnotatedImages):
        count = len(images)
        for index in np.linspace(0, count - 1, min(count, _ANNOTATED_IMAGES)).astype(np.int64):
            yield decode_content(images, int(index))[None]
        return
    every = np.arange(len(images))
    for start in range(0, len(images), _IMAGES_PER_CHUNK):
        part = slice(start, start + _IMAGES_PER_CHUNK)
        if isinstance(images, LabelledImages):
            yield images.images[part]
        else:
            yield decode_all(images.take(every[part]))
