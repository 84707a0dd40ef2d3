"""Batches of annotated images are a function of the seed; boxes move with their pixels."""

import multiprocessing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from voc_folder import VocObject, write_annotation, write_image, write_list, write_voc_folder

from pnn_core.config import DETECTION, DatasetShape, Padding
from pnn_core.data import AnnotatedImages, DatasetError, TrainingData, load_training_data
from pnn_core.data.augmentation import Augmentation, chosen_augmentation
from pnn_core.dataloader.annotated_batches import AnnotatedBatch, AnnotatedBatches, CanvasObjects
from pnn_core.dataloader.batches import Normalise
from pnn_core.dataloader.decoding_workers import Decoder

CPU = torch.device("cpu")
FLIPS = Augmentation(shift=0, flip=True)

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def data(tmp_path: Path) -> TrainingData:
    return load_training_data("vocfolder", write_voc_folder(tmp_path, train=12))


def source(
    data: TrainingData, workers: int = 0, augmentation: Augmentation | None = FLIPS
) -> AnnotatedBatches:
    assert isinstance(data.train, AnnotatedImages)
    normalise = Normalise(data.mean, data.std, CPU)
    return AnnotatedBatches(data.train.on_canvas(64), normalise, Decoder(workers), augmentation)


def shuffled(batches: AnnotatedBatches, size: int = 4, epochs: int = 1) -> list[AnnotatedBatch]:
    generator = torch.Generator().manual_seed(3)
    return [batch for _ in range(epochs) for batch in batches.shuffled(size, generator)]


def same_objects(first: CanvasObjects, second: CanvasObjects) -> bool:
    pairs = [(getattr(first, n), getattr(second, n)) for n in ("boxes", "labels", "difficult")]
    return all(torch.equal(a, b) for a, b in pairs)


def same(first: list[AnnotatedBatch], second: list[AnnotatedBatch]) -> bool:
    return len(first) == len(second) and all(
        torch.equal(images, others)
        and len(objects) == len(their)
        and all(map(same_objects, objects, their))
        for (images, objects), (others, their) in zip(first, second, strict=True)
    )


def test_batches_do_not_depend_on_workers(data: TrainingData) -> None:
    plain, with_workers = source(data), source(data, 2)
    first = shuffled(with_workers, epochs=2)
    assert same(first, shuffled(plain, epochs=2))
    assert same(list(with_workers.in_order(5)), list(plain.in_order(5)))
    rest = with_workers.shuffled(4, torch.Generator().manual_seed(3), first_batch=1)
    assert same(list(rest), shuffled(plain)[1:])
    del with_workers, rest
    assert multiprocessing.active_children() == []


def test_batches_are_full_normalised_and_new_in_each_epoch(data: TrainingData) -> None:
    batches = shuffled(source(data), size=5, epochs=2)
    assert [images.shape for images, _ in batches] == [(5, 3, 64, 64)] * 4
    assert all(i.is_contiguous(memory_format=torch.channels_last) for i, _ in batches)
    assert all(abs(float(images.mean())) < 0.5 for images, _ in batches)
    assert not same(batches[:2], batches[2:])


def test_padding_is_the_mean_colour(data: TrainingData) -> None:
    for images, _ in source(data).in_order(3):
        for image in images:
            empty = (image == 0).all(0)
            assert bool(empty.any())
            assert bool((empty.all(0).any()) or (empty.all(1).any()))
    images, _ = next(source(data).in_order(1))
    place = data.train.on_canvas(64).letterbox(0)
    content = images[0, :, place.rows, place.columns]
    assert float((content == 0).float().mean()) < 0.01


def test_evaluation_has_every_image_with_all_its_objects_in_order(data: TrainingData) -> None:
    batches = list(source(data).in_order(5))
    assert [len(images) for images, _ in batches] == [5, 5, 2]
    objects = [each for _, batch in batches for each in batch]
    files = data.train.on_canvas(64)
    for index, each in enumerate(objects):
        place = files.objects(index)
        expected = files.letterbox(index).to_canvas(files.boxes[place])
        assert np.array_equal(each.boxes.numpy(), expected)
        assert each.labels.tolist() == files.labels[place].tolist()
        assert each.difficult.tolist() == files.difficult[place].tolist()
    assert any(bool(each.difficult.any()) for each in objects)


def test_training_leaves_out_difficult_objects_and_images_without_others(tmp_path: Path) -> None:
    write_voc_folder(tmp_path)
    hard = VocObject(name="disc", box=(1, 1, 9, 9), difficult=True)
    write_annotation(tmp_path, "t000", None, [hard])
    write_annotation(tmp_path, "t001", None, [])
    batches = source(load_training_data("vocfolder", tmp_path))
    assert len(batches) == 6
    objects = [each for _, batch in shuffled(batches, size=2) for each in batch]
    assert len(objects) == 6
    assert all(len(each.labels) and not each.difficult.any() for each in objects)
    assert sum(len(images) for images, _ in batches.in_order(3)) == 8


def test_a_flip_twice_is_none(data: TrainingData) -> None:
    (_, objects), *_ = source(data).in_order(12)
    for each in objects:
        there = each.flipped(64)
        assert not torch.equal(there.boxes, each.boxes)
        assert bool((there.boxes[:, 2:] > there.boxes[:, :2]).all())
        assert torch.allclose(there.flipped(64).boxes, each.boxes, rtol=0, atol=1e-4)
        assert torch.equal(there.labels, each.labels)


def test_half_of_the_images_are_flipped_and_all_else_stays(data: TrainingData) -> None:
    flipped = shuffled(source(data), size=12)
    plain = shuffled(source(data, augmentation=Augmentation(shift=0, flip=False)), size=12)
    (images, objects), (others, their) = flipped[0], plain[0]
    turned = [not torch.equal(a, b) for a, b in zip(images, others, strict=True)]
    assert 0 < sum(turned) < len(turned)
    for index, flip in enumerate(turned):
        expected = their[index].flipped(64) if flip else their[index]
        assert same_objects(objects[index], expected)
        assert torch.equal(images[index], others[index].flip(2) if flip else others[index])


@pytest.mark.parametrize("padding", ["canvas", "batch"])
def test_boxes_lie_on_what_they_frame(tmp_path: Path, padding: Padding) -> None:
    rng = np.random.default_rng(0)
    for index in range(12):
        width, height = (int(edge) for edge in rng.integers(60, 200, 2))
        left, top = int(rng.integers(0, width - 40)), int(rng.integers(0, height - 40))
        image = Image.new("RGB", (width, height), (0, 0, 0))
        image.paste((255, 255, 255), (left, top, left + 30, top + 40))
        write_image(tmp_path, f"{index}", image)
        frame = VocObject(name="frame", box=(left + 1, top + 1, left + 30, top + 40))
        write_annotation(tmp_path, f"{index}", (width, height), [frame])
    write_list(tmp_path, "train", [f"{index}" for index in range(10)])
    write_list(tmp_path, "val", ["10", "11"])
    white = Normalise((0.0,) * 3, (1.0,) * 3, CPU)
    files = load_training_data("vocfolder", tmp_path).train
    assert isinstance(files, AnnotatedImages)
    batches = AnnotatedBatches(files.on_canvas(128, padding), white, Decoder(0), FLIPS)
    for images, objects in batches.shuffled(3, torch.Generator().manual_seed(1)):
        for image, each in zip(images, objects, strict=True):
            bright = image[0] > 0.5
            rows, columns = (torch.nonzero(bright.any(axis)).flatten() for axis in (1, 0))
            seen = [int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1]
            assert np.abs(each.boxes[0].numpy() - seen).max() <= 1


def test_a_batch_is_as_large_as_its_largest_image_and_flips_stay_in_its_corner(
    data: TrainingData,
) -> None:
    assert isinstance(data.train, AnnotatedImages)
    normalise = Normalise(data.mean, data.std, CPU)
    files = data.train.on_canvas(64, "batch")
    flipped, plain = (
        shuffled(AnnotatedBatches(files, normalise, Decoder(0), augmentation), size=3)
        for augmentation in (FLIPS, None)
    )
    assert len({images.shape for images, _ in plain}) > 1
    turned = 0
    for (images, objects), (others, their) in zip(flipped, plain, strict=True):
        assert max(images.shape[2:]) == 64
        for image, each, other, its in zip(images, objects, others, their, strict=True):
            filled = torch.nonzero((other != 0).any(0).any(0)).flatten()
            width = int(filled[-1]) + 1
            assert int(filled[0]) == 0
            if not torch.equal(image, other):
                turned += 1
                assert torch.equal(image[:, :, :width], other[:, :, :width].flip(2))
                assert torch.equal(image[:, :, width:], other[:, :, width:])
                assert same_objects(each, its.flipped(width))
    assert turned > 0


def test_images_that_are_padded_to_their_batch_are_evaluated_one_by_one(data: TrainingData) -> None:
    assert isinstance(data.train, AnnotatedImages)
    files = data.train.on_canvas(64, "batch")
    batches = AnnotatedBatches(files, Normalise(data.mean, data.std, CPU), Decoder(0))
    sizes = [tuple(images.shape) for images, _ in batches.in_order(4)]
    places = [files.letterbox(index) for index in range(len(files))]
    assert sizes == [(1, 3, place.height, place.width) for place in places]


def test_a_damaged_image_is_named(data: TrainingData) -> None:
    path = data.train.path(3)
    path.write_bytes(path.read_bytes()[:400])
    for workers in (0, 1):
        with pytest.raises(DatasetError, match=rf"^{path} cannot be read as an image"):
            list(source(data, workers).in_order(4))


def test_in_detection_a_run_is_flipped_or_left_as_it_is() -> None:
    shape = DatasetShape(channels=3, height=64, width=64, classes=2, task=DETECTION)
    asked = {a: chosen_augmentation(a, shape, published=True) for a in ("none", "crop")}
    assert asked == {"none": None, "crop": None}
    assert chosen_augmentation("crop_flip", shape, published=False) == FLIPS
    assert chosen_augmentation(None, shape, published=True) == FLIPS
    assert chosen_augmentation(None, replace(shape, classes=1), published=False) is None
