"""Annotated images keep each object with its image, and a letterbox can be undone."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from voc_folder import write_voc_folder

from pnn_core.config import ModelConfig
from pnn_core.data import AnnotatedImages, TrainingData, load_training_data
from pnn_core.data.annotated_images import Letterbox


def images(counts: list[int], difficult: float = 0.0, seed: int = 0) -> AnnotatedImages:
    """Images whose objects' boxes tell the image, and their labels the object."""
    rng = np.random.default_rng(seed)
    owner = np.repeat(np.arange(len(counts)), counts)
    corner = owner.astype(np.float32)
    return AnnotatedImages(
        folder=Path("folder"),
        names=np.array([b"%03d.jpg" % i for i in range(len(counts))]),
        sizes=rng.integers(10, 50, (len(counts), 2)),
        starts=np.cumsum([0, *counts]).astype(np.int64),
        boxes=np.stack([corner, corner, corner + 1, corner + 2], axis=1),
        labels=np.arange(len(owner)),
        difficult=rng.random(len(owner)) < difficult,
        canvas=64,
    )


counts = st.lists(st.integers(0, 4), min_size=1, max_size=12)


@given(counts=counts, seed=st.integers(0, 99))
def test_images_are_taken_with_their_objects_in_any_order_and_more_than_once(counts, seed):
    every = images(counts)
    chosen = np.random.default_rng(seed).integers(0, len(counts), 8)
    taken = every.take(chosen)
    assert len(taken) == 8
    for place, index in enumerate(chosen):
        own, before = taken.objects(place), every.objects(int(index))
        assert np.array_equal(taken.labels[own], every.labels[before])
        assert np.array_equal(taken.boxes[own], every.boxes[before])
        assert taken.path(place) == every.path(int(index))
        assert taken.sizes[place].tolist() == every.sizes[index].tolist()


@given(counts=counts, cut=st.integers(1, 11))
def test_parts_put_together_again_are_the_whole(counts, cut):
    every, order = images(counts, 0.5), np.arange(len(counts))
    if not 0 < cut < len(counts):
        return
    joined = every.take(order[:cut]).with_images_of(every.take(order[cut:]))
    for name in ("names", "sizes", "starts", "boxes", "labels", "difficult"):
        assert np.array_equal(getattr(joined, name), getattr(every, name))


@given(counts=counts, seed=st.integers(0, 99))
def test_what_is_learned_from_has_no_difficult_object_and_no_empty_image(counts, seed):
    every = images(counts, 0.5, seed)
    if every.difficult.all():
        with pytest.raises(ValueError, match="at least one file"):
            every.learnable()
        return
    learned = every.learnable()
    assert np.array_equal(learned.labels, every.labels[~every.difficult])
    assert np.diff(learned.starts).min() > 0
    for index in range(len(learned)):
        number = int(learned.path(index).stem)
        assert (learned.boxes[learned.objects(index), 0] == number).all()


@given(
    size=st.tuples(st.integers(1, 3000), st.integers(1, 3000)),
    canvas=st.integers(8, 800),
    places=st.lists(st.floats(0, 1, width=32), min_size=4, max_size=4),
    centred=st.booleans(),
)
def test_a_box_goes_to_the_canvas_and_back(size, canvas, places, centred):
    letterbox = Letterbox.of(*size, canvas, centred=centred)
    box = np.array([places], dtype=np.float32) * np.array([*size, *size], dtype=np.float32)
    on_canvas = letterbox.to_canvas(box)
    inside = (on_canvas[0, :2] > -0.01) & (on_canvas[0, :2] < canvas + 0.01)
    assert inside.all()
    pixel = max(size) / canvas  # pixels of the image in one of the canvas
    assert np.abs(letterbox.to_image(on_canvas) - box).max() < 1e-3 * max(pixel, 1)


@given(size=st.tuples(st.integers(1, 3000), st.integers(1, 3000)), canvas=st.integers(8, 800))
def test_an_image_fills_its_canvas_in_one_direction_and_is_centred_in_the_other(size, canvas):
    place = Letterbox.of(*size, canvas)
    assert max(place.width, place.height) == canvas
    assert place.rows.stop <= canvas
    assert place.columns.stop <= canvas
    for before, extent in ((place.left, place.width), (place.top, place.height)):
        assert canvas - extent - before - before in (0, 1)
    corners = place.to_canvas(np.array([[0, 0, *size]], dtype=np.float32))
    expected = [place.left, place.top, place.columns.stop, place.rows.stop]
    assert np.allclose(corners, expected, atol=1e-2)


@given(counts=counts, seed=st.integers(0, 99))
def test_a_batch_is_padded_to_its_largest_images_and_to_no_more_than_the_canvas(counts, seed):
    every = images(counts, seed=seed)
    assert every.padded_shape == (3, 64, 64)
    batch = every.on_canvas(64, "batch")
    places = [batch.letterbox(index) for index in range(len(batch))]
    assert {(place.left, place.top) for place in places} == {(0, 0)}
    _, height, width = batch.padded_shape
    assert height == max(place.rows.stop for place in places) <= 64
    assert width == max(place.columns.stop for place in places) <= 64
    centred = [every.letterbox(index) for index in range(len(every))]
    assert [(p.width, p.height) for p in places] == [(p.width, p.height) for p in centred]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"difficult": np.array([True])}, r"difficult \(of shape \(1,\)\) must be of shape \(2,\)"),
        ({"starts": np.array([0, 1])}, r"starts \(0 to 1\) must rise to 2"),
        ({"canvas": 0}, "canvas"),
        ({"boxes": np.zeros((2, 4), dtype=np.float32)}, "must have an area"),
        ({"boxes": np.zeros((2, 4))}, "boxes .of float64. must be of float32"),
        ({"labels": np.array([0, -1])}, "must not be negative"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        replace(images([2]), **change)


def test_a_network_for_another_canvas_and_its_images_agree(tmp_path):
    data = load_training_data("vocfolder", write_voc_folder(tmp_path))
    assert isinstance(data.train, AnnotatedImages)
    smaller = replace(
        data, train=data.train.on_canvas(96), validation=data.validation.on_canvas(96)
    )
    assert smaller.shape == data.shape.on_canvas(96)
    assert smaller.joined().image_shape == (3, 96, 96)
    assert ModelConfig(dataset=smaller.shape).dataset.task == "detection"
    with pytest.raises(ValueError, match="validation images"):
        replace(data, train=data.train.on_canvas(96))


def test_images_without_objects_are_training_data():
    data = TrainingData(
        name="vocfolder",
        train=images([1]),
        validation=images([0]),
        held_out=np.array([0]),
        classes=("thing",),
        mean=(0.5,) * 3,
        std=(0.2,) * 3,
        augment=True,
    )
    assert [len(data.joined().labels), data.joined().starts.tolist()] == [1, [0, 0, 1]]
