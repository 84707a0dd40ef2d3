"""Mean and standard deviation of each channel, to normalise pixel values."""

import numpy as np
from numpy.typing import NDArray

_IMAGES_PER_CHUNK = 1024
"""Bounds the memory: counting copies its input to 64 bits."""


def channel_statistics(
    images: NDArray[np.uint8],
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of pixel values scaled to [0, 1].

    Computed from exact counts of the 256 values, so neither the number of images nor their order
    costs precision.

    Args:
        images: uint8, [N, C, H, W], N ≥ 1.

    Returns:
        Mean and population standard deviation of each of the C channels. A constant channel gets
        the standard deviation 1: normalised, it is 0 everywhere, and nothing divides by zero.
    """
    channels = images.shape[1]
    counts = np.zeros((channels, 256), dtype=np.int64)
    for start in range(0, len(images), _IMAGES_PER_CHUNK):
        chunk = images[start : start + _IMAGES_PER_CHUNK]
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
