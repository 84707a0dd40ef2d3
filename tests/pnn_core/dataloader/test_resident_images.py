"""Images are copied to a device once for all runs that use them, and go with the last of them."""

import gc
import weakref

import numpy as np
import torch

from pnn_core.data import LabelledImages
from pnn_core.dataloader.resident_images import resident_images

ELSEWHERE = torch.device("meta")
"""Device of another memory, which every machine has."""


def some_images() -> LabelledImages:
    return LabelledImages(
        images=np.zeros((3, 1, 4, 4), dtype=np.uint8), labels=np.zeros(3, dtype=np.int64)
    )


def test_runs_of_the_same_images_share_one_copy_on_a_device() -> None:
    images = some_images()
    first, second = (resident_images(images, ELSEWHERE) for _ in range(2))
    assert first is second
    assert first.images.device == ELSEWHERE
    # Another set with the same arrays, as each run makes one.
    again = LabelledImages(images=images.images, labels=images.labels)
    assert resident_images(again, ELSEWHERE) is first
    assert resident_images(some_images(), ELSEWHERE) is not first
    assert resident_images(images, torch.device("cpu")) is not first


def test_a_cpu_shares_memory_in_the_place_of_copying() -> None:
    images = some_images()
    held = resident_images(images, torch.device("cpu"))
    images.images[0] = 7
    assert int(held.images[0].max()) == 7


def test_a_copy_goes_with_the_last_run_that_holds_it() -> None:
    images = some_images()
    held = resident_images(images, ELSEWHERE)
    copy = weakref.ref(held)
    gc.collect()
    assert copy() is held
    del held
    gc.collect()
    assert copy() is None
