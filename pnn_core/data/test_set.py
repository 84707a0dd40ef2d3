"""The test set, closed to all but the confirm step."""

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path

import numpy as np

from pnn_core.data.annotated_images import AnnotatedImages
from pnn_core.data.images import Images
from pnn_core.data.registry import find_dataset

_ORDER_SEED = 20180618
"""Seed without a meaning, but fixed: the same order in every study."""

_confirming: ContextVar[bool] = ContextVar("confirming", default=False)


class TestSetClosedError(RuntimeError):
    """The test set was asked for outside the confirm step: a fault of the program."""

    __test__ = False  # pytest takes its name for that of a test


@contextlib.contextmanager
def confirm_step() -> Iterator[None]:
    """Open the test set within the context, in this thread.

    To be entered once all choices are made: a figure chosen on test images is no estimate any more.
    """
    token = _confirming.set(True)
    try:
        yield
    finally:
        _confirming.reset(token)


def load_test_data(name: str, data_dir: Path) -> Images:
    """Load the test set, to be read once, after the front is chosen.

    Images that lie class by class, as in folders, come in a fixed random order, as published test
    sets do: the published protocol looks at the last few batches alone.

    Args:
        name: Name in `DATASETS`.
        data_dir: Folder of the data.

    Raises:
        TestSetClosedError: This is not within `confirm_step()`.
        DatasetError: The name is unknown, or the data is missing or damaged.
    """
    dataset = find_dataset(name)
    if not _confirming.get():
        raise TestSetClosedError(
            f"the test set of {name} is closed: it may be loaded within confirm_step() alone, "
            "after all choices are made"
        )
    images, _ = dataset.read(data_dir, "test")
    if isinstance(images, AnnotatedImages):  # in the order of their list
        return images
    if (images.labels[1:] >= images.labels[:-1]).all():
        return images.take(np.random.RandomState(_ORDER_SEED).permutation(len(images)))
    return images


def require_test_split(name: str, data_dir: Path) -> None:
    """Check that there is a test set, before a search that ends in confirming; opens no image.

    Args:
        name: Name in `DATASETS`. Embedded ones always have one, and so have those that a download
            will bring.
        data_dir: Folder of the data.

    Raises:
        DatasetError: The name is unknown, or a folder of images has no usable `test`, or a
            folder has a downloaded set's files to learn from without those to test.
    """
    dataset = find_dataset(name)
    if dataset.require_test is not None:
        dataset.require_test(data_dir)
