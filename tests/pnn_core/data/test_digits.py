from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from pnn_core.data import confirm_step, dataset_shape, load_test_data, load_training_data

NOWHERE = Path("/nonexistent")


@pytest.fixture(scope="module")
def parts():
    data = load_training_data("digits", NOWHERE)
    with confirm_step():
        test = load_test_data("digits", NOWHERE)
    return {"train": data.train, "validation": data.validation, "test": test}


def original(images):
    """The inverse that the docstring promises: pixel values 0 to 16."""
    return np.rint(images[:, 0] * (16 / 255)).astype(int)


def test_the_three_parts_are_the_1797_images_each_once(parts):
    found = [
        (*image.ravel().tolist(), int(label))
        for part in parts.values()
        for image, label in zip(original(part.images), part.labels, strict=True)
    ]
    digits = load_digits()
    expected = [
        (*image.astype(int).ravel().tolist(), int(label))
        for image, label in zip(digits.images, digits.target, strict=True)
    ]
    # All 1797 differ, so this also says that no test image is handed out for training.
    assert len(set(expected)) == 1797
    assert sorted(found) == sorted(expected)


@pytest.mark.parametrize(
    ("part", "share"), [("test", 0.2), ("validation", 0.8 * 0.2), ("train", 0.8 * 0.8)]
)
def test_each_class_has_its_share_in_each_part(parts, part, share):
    counts = np.bincount(load_digits().target)
    held = np.bincount(parts[part].labels)
    # One image for each of the two splits that a part comes from.
    assert np.abs(held - share * counts).max() <= (1 if part == "test" else 2)


def test_pixels_use_the_whole_range_of_a_byte(parts):
    assert sorted(np.unique(parts["train"].images)) == [round(v * 255 / 16) for v in range(17)]


def test_shape_classes_and_statistics_describe_the_training_part():
    data = load_training_data("digits", NOWHERE)
    assert data.shape == dataset_shape("digits", NOWHERE)
    assert data.classes == tuple("0123456789")
    assert data.augment is False
    assert data.mean[0] == pytest.approx(data.train.images.mean() / 255)
    assert data.std[0] == pytest.approx(data.train.images.std() / 255)
    assert data.mean[0] != pytest.approx(load_digits().images.mean() / 16, rel=1e-6)


def test_loading_twice_gives_the_same(parts):
    again = load_training_data("digits", NOWHERE)
    assert np.array_equal(again.train.images, parts["train"].images)
    assert np.array_equal(again.validation.labels, parts["validation"].labels)
