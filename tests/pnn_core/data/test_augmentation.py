"""Words of a run become a shift in pixels."""

import pytest

from pnn_core.config import DatasetShape
from pnn_core.data.augmentation import PUBLISHED, Augmentation, chosen_augmentation


def shape(height: int, width: int) -> DatasetShape:
    return DatasetShape(channels=3, height=height, width=width, classes=2)


@pytest.mark.parametrize(
    ("height", "width", "shift"),
    [(32, 32, 4), (28, 28, 4), (8, 8, 1), (1, 1, 1), (96, 96, 12), (64, 20, 3), (16, 90, 2)],
)
def test_the_shift_is_an_eighth_of_the_shorter_side(height: int, width: int, shift: int) -> None:
    for words, flip in (("crop", False), ("crop_flip", True)):
        found = chosen_augmentation(words, shape(height, width), published=not flip)
        assert found == Augmentation(shift=shift, flip=flip)


@pytest.mark.parametrize("published", [False, True])
def test_none_is_none_whatever_the_data_set_has(published: bool) -> None:
    assert chosen_augmentation("none", shape(32, 32), published=published) is None


def test_a_run_that_asks_for_nothing_has_the_data_sets() -> None:
    assert chosen_augmentation(None, shape(8, 8), published=True) == PUBLISHED
    assert chosen_augmentation(None, shape(32, 32), published=False) is None


def test_what_cifar10_has_is_crop_and_flip() -> None:
    assert chosen_augmentation("crop_flip", shape(32, 32), published=False) == PUBLISHED
