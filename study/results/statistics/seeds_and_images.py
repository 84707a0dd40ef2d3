"""Interval of a mean over seeds and test images, both drawn at random.

An interval over seeds alone holds for the test images at hand. Here a value y for seed s and image
i is taken for μ + a_s + b_i + e_si, with three random parts, and the variance of the mean is
estimated from mean squares: (MS_seeds + max(MS_images − MS_rest, 0)) / (S·I), with the degrees of
freedom of Hillis (Statistics in Medicine 26, 2007) for readers and cases: seeds and images here.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from study.results.statistics.confidence_intervals import FEWEST_SEEDS, Estimate

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def correct_images(bits: bytes, images: int) -> "NDArray[np.int8]":
    """Unpack one bit for each test image, as `numpy.packbits` packs them.

    Args:
        bits: Packed bits, the first image in the highest bit of the first byte.
        images: Number of images.

    Returns:
        1 for each image that was right, else 0. Shape: `[images]`.
    """
    import numpy as np  # as scipy below: nobody who mistyped a flag waits for it

    return np.unpackbits(np.frombuffer(bits, np.uint8), count=images).astype(np.int8)


def mean_over_seeds_and_images(seeds: Sequence["NDArray[np.int8]"]) -> Estimate:
    """Return the mean of all values with an interval for other seeds and other images.

    Args:
        seeds: Values of each seed for each image: 0 and 1 for an accuracy, differences of those
            for a paired difference. Shape: `[images]` each, at least two images.
    """
    import numpy as np

    values = np.stack(seeds)
    n, images = values.shape
    by_seed = values.mean(axis=1)
    by_image = values.mean(axis=0)
    mean = float(by_seed.mean())
    if n < FEWEST_SEEDS:
        return Estimate(mean=mean, n=n, standard_error=None, least=-1.0, most=1.0)
    sum_seeds = images * float(((by_seed - mean) ** 2).sum())
    sum_images = n * float(((by_image - mean) ** 2).sum())
    squares = float((values.astype("int32") ** 2).sum())
    rest = squares - n * images * mean**2 - sum_seeds - sum_images
    of_seeds, of_images = sum_seeds / (n - 1), sum_images / (images - 1)
    of_rest = max(rest, 0.0) / ((n - 1) * (images - 1))
    both = of_seeds + max(of_images - of_rest, 0.0)
    return Estimate(
        mean=mean,
        n=n,
        standard_error=(both / (n * images)) ** 0.5,
        degrees=(both / of_seeds) ** 2 * (n - 1) if of_seeds else float("inf"),
        least=-1.0 if values.min(initial=0) < 0 else 0.0,
        most=1.0,
    )
