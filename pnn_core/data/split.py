"""Choice of the images that are held out, the same ones in every study."""

import numpy as np
from numpy.typing import NDArray

SPLIT_SEED = 20180618
"""Seed independent of any study's, so that all trials of all studies validate on the same images.
The value has no meaning beyond being fixed."""


def stratified_split(
    labels: NDArray[np.int64], held_out_fraction: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Divide images in two, each class in the same proportion.

    The result depends on the arguments alone. Each class gives `held_out_fraction` of its images,
    rounded to the nearest whole number, but keeps at least one and gives at least one.

    Args:
        labels: Class of each image, int64, [N].
        held_out_fraction: Share to hold out, between 0 and 1.

    Returns:
        Indices of the images kept and of those held out, int64, each in ascending order; together
        they are `0 .. N-1`, each once.

    Raises:
        ValueError: The fraction is not between 0 and 1, or a class has fewer than two images.
    """
    if not 0 < held_out_fraction < 1:
        raise ValueError(f"held_out_fraction (={held_out_fraction}) must lie between 0 and 1")
    # scikit-learn's stratified split refuses classes that are small beside the fraction, and GPU
    # machines may lack it. NumPy promises the stream of the legacy generator for ever (NEP 19), of
    # the newer one it does not: a validation set must not change with a numpy release.
    generator = np.random.RandomState(SPLIT_SEED)
    held_out = np.zeros(len(labels), dtype=np.bool_)
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        if len(members) < 2:
            raise ValueError(f"class {label} has 1 image: a split needs at least 2")
        count = min(max(round(held_out_fraction * len(members)), 1), len(members) - 1)
        held_out[generator.permutation(members)[:count]] = True
    return np.flatnonzero(~held_out), np.flatnonzero(held_out)


def seeded_split(
    count: int, held_out_fraction: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Divide images without regard to what they show, as those with several objects have no class.

    Args:
        count: Number of images, at least two.
        held_out_fraction: Share to hold out, between 0 and 1; at least one image is.

    Returns:
        Indices of the images kept and of those held out, as of `stratified_split`.

    Raises:
        ValueError: The fraction is not between 0 and 1, or there are fewer than two images.
    """
    return stratified_split(np.zeros(count, dtype=np.int64), held_out_fraction)
