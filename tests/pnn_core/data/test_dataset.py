import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pnn_core.config import DatasetShape
from pnn_core.data import LabelledImages, TrainingData


def labelled(count=4, channels=3, height=5, width=6, largest=1):
    labels = np.arange(count, dtype=np.int64) % (largest + 1)
    return LabelledImages(
        images=np.zeros((count, channels, height, width), dtype=np.uint8), labels=labels
    )


def training_data(**changes):
    settings = {
        "name": "own",
        "train": labelled(),
        "validation": labelled(2),
        "held_out": np.array([1, 4]),
        "classes": ("a", "b"),
        "mean": (0.5,) * 3,
        "std": (0.2,) * 3,
        "augment": False,
    }
    return TrainingData(**(settings | changes))


def test_a_shape_is_read_off_the_images_and_classes():
    expected = DatasetShape(channels=3, height=5, width=6, classes=2)
    assert training_data().shape == expected


def test_the_length_is_the_number_of_images():
    assert len(labelled(7)) == 7


def test_read_only_arrays_are_accepted_as_they_are():
    images, labels = np.zeros((2, 1, 3, 3), dtype=np.uint8), np.zeros(2, dtype=np.int64)
    images.flags.writeable = labels.flags.writeable = False
    held = LabelledImages(images=images, labels=labels)
    assert held.images is images
    assert held.labels is labels


def test_taking_images_takes_their_labels_along_in_the_order_asked_for():
    images = np.arange(3, dtype=np.uint8).reshape(3, 1, 1, 1)
    taken = LabelledImages(images=images, labels=np.array([5, 6, 7])).take(np.array([2, 0]))
    assert taken.images.ravel().tolist() == [2, 0]
    assert taken.labels.tolist() == [7, 5]


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (np.zeros((2, 1, 3, 3)), np.zeros(2, np.int64), "images .=float64 of shape"),
        (np.zeros((2, 3, 3), np.uint8), np.zeros(2, np.int64), "images .*uint8 of shape"),
        (np.zeros((2, 1, 3, 3), np.uint8), np.zeros(2, np.int32), "labels .=int32"),
        (np.zeros((2, 1, 3, 3), np.uint8), np.zeros((2, 1), np.int64), r"labels .*\[N\]"),
        (np.zeros((2, 1, 3, 3), np.uint8), np.zeros(3, np.int64), "=2.*=3.*as many"),
        (np.zeros((0, 1, 3, 3), np.uint8), np.zeros(0, np.int64), "at least one pixel"),
        (np.zeros((2, 1, 3, 3), np.uint8), np.array([0, -1]), "smallest is -1"),
        ([[[[0]]]], np.zeros(1, np.int64), "images .a list. must be a numpy array"),
    ],
)
def test_images_that_are_not_as_documented_are_refused(images, labels, message):
    with pytest.raises(ValueError, match=message):
        LabelledImages(images=images, labels=labels)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"validation": labelled(height=4)}, r"\(3, 4, 6\).*\(3, 5, 6\)"),
        ({"held_out": np.arange(3)}, "held_out .=3.* .=2. must be as many"),
        ({"mean": (0.5,)}, "mean .*3 channels"),
        ({"std": (0.2,) * 4}, "std .*3 channels"),
        ({"std": (0.2, 0.0, 0.2)}, "above 0"),
        ({"validation": labelled(3, largest=2), "held_out": np.arange(3)}, "label 2 .*classes, 2"),
    ],
)
def test_parts_that_do_not_fit_each_other_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        training_data(**changes)


@given(st.integers(2, 30), st.integers(1, 29), st.integers(0, 1000))
def test_joined_is_the_data_set_before_it_was_split(count, held, seed):
    held = min(held, count - 1)
    every = LabelledImages(
        images=np.arange(count, dtype=np.uint8).reshape(count, 1, 1, 1),
        labels=np.arange(count, dtype=np.int64),
    )
    shuffled = np.random.default_rng(seed).permutation(count)
    held_out, kept = np.sort(shuffled[:held]), np.sort(shuffled[held:])
    data = training_data(
        train=every.take(kept),
        validation=every.take(held_out),
        held_out=held_out,
        classes=tuple(map(str, range(count))),
        mean=(0.5,),
        std=(0.2,),
    )
    joined = data.joined()
    assert np.array_equal(joined.images, every.images)
    assert np.array_equal(joined.labels, every.labels)


@pytest.mark.parametrize("held_out", [[0, 6], [-1, 2], [3, 3], [4, 1]])
def test_positions_that_cannot_be_are_refused_when_joining(held_out):
    with pytest.raises(ValueError, match=r"ascending positions among 6 images"):
        training_data(held_out=np.array(held_out)).joined()
