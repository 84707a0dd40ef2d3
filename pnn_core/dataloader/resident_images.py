"""Images on a device, once for all training runs of a process that use them."""

import warnings
from dataclasses import dataclass
from weakref import WeakValueDictionary

import numpy as np
import torch

from pnn_core.data import LabelledImages


@dataclass(frozen=True, kw_only=True, eq=False)
class ResidentImages:
    """Images and labels on a device, and the arrays that they were copied from.

    Attributes:
        images: Pixels as bytes, `[n, channels, height, width]`.
        labels: Label of each image, `[n]`.
        arrays: The arrays. While they are held, no other array has their place in memory.
    """

    images: torch.Tensor
    labels: torch.Tensor
    arrays: tuple[np.ndarray, np.ndarray]


_held: WeakValueDictionary[tuple[int, int, torch.device], ResidentImages] = WeakValueDictionary()
"""Images that some run holds, by their arrays and their device."""


def resident_images(images: LabelledImages, device: torch.device) -> ResidentImages:
    """Return images on a device; copied there unless some run holds them already.

    Args:
        images: The images. On the CPU the memory is shared, not copied.
        device: Device to hold them.
    """
    arrays = (images.images, images.labels)
    key = (id(images.images), id(images.labels), device)
    held = _held.get(key)
    if held is None:
        with warnings.catch_warnings():
            # Ray hands out its shared memory read-only, and nothing here writes to it.
            warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
            pixels, labels = (torch.from_numpy(array).to(device) for array in arrays)
        held = _held[key] = ResidentImages(images=pixels, labels=labels, arrays=arrays)
    return held
