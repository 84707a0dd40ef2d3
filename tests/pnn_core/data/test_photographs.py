"""Folders of large images of any size are listed, and cropped when they are needed."""

import pickle

import numpy as np
import pytest
from PIL import Image

from pnn_core.config import DatasetShape
from pnn_core.data import (
    DatasetError,
    ImageFiles,
    LabelledImages,
    confirm_step,
    dataset_shape,
    load_test_data,
    load_training_data,
)
from pnn_core.data.decode import RandomCrops, decode


def write_one_size(root, size, count=3):
    for name in ("a", "b"):
        (root / "train" / name).mkdir(parents=True)
        for index in range(count):
            Image.new("RGB", size, (index, 0, 0)).save(root / "train" / name / f"{index}.png")
    return root


def resized(path, shorter=256):
    image = Image.open(path).convert("RGB")
    scale = shorter / min(image.size)
    size = (int(image.width * scale + 1e-9), int(image.height * scale + 1e-9))
    return image.resize(size, Image.Resampling.BILINEAR)


def crops(row, column, flipped, count=1):
    return RandomCrops(
        rows=np.full(count, row), columns=np.full(count, column), flipped=np.full(count, flipped)
    )


def test_photographs_are_listed_and_none_is_decoded(shared_photographs, opened_files, monkeypatch):
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", lambda image: pytest.fail("decoded"))
    with opened_files() as names:
        data = load_training_data("imagefolder", shared_photographs)
    assert len([name for name in names if name.endswith(".jpg")]) == 2 * 10  # their headers
    assert isinstance(data.train, ImageFiles)
    assert isinstance(data.validation, ImageFiles)
    assert (len(data.train), len(data.validation)) == (36, 4)
    assert np.bincount(data.validation.labels).tolist() == [2, 2]


def test_their_shape_is_that_of_the_crop(shared_photographs):
    expected = DatasetShape(channels=3, height=224, width=224, classes=2)
    assert dataset_shape("imagefolder", shared_photographs) == expected
    assert load_training_data("imagefolder", shared_photographs).shape == expected


@pytest.mark.parametrize(
    ("size", "side"), [((96, 300), None), ((97, 97), 224), ((300, 97), 224), ((8, 8), None)]
)
def test_more_than_96_pixels_of_the_shorter_edge_make_a_photograph(tmp_path, size, side):
    shape = dataset_shape("imagefolder", write_one_size(tmp_path, size))
    assert (shape.width, shape.height) == (size if side is None else (side, side))


def test_photographs_are_normalised_as_imagenet(shared_photographs):
    data = load_training_data("imagefolder", shared_photographs)
    assert data.mean == (0.485, 0.456, 0.406)
    assert data.std == (0.229, 0.224, 0.225)


def test_without_a_draw_the_centre_is_cropped_from_the_resized_image(shared_photographs):
    files = load_training_data("imagefolder", shared_photographs).validation
    decoded = decode(files)
    assert decoded.shape == (4, 3, 224, 224)
    for index in range(len(files)):
        image = resized(files.path(index))
        left, top = round((image.width - 224) / 2), round((image.height - 224) / 2)
        expected = np.asarray(image.crop((left, top, left + 224, top + 224)))
        assert np.array_equal(decoded[index].transpose(1, 2, 0), expected)


@pytest.mark.parametrize("row", [0.0, 0.5, 1 - 2**-53])
@pytest.mark.parametrize("column", [0.0, 0.3, 1 - 2**-53])
@pytest.mark.parametrize("flipped", [False, True])
def test_a_draw_says_where_between_the_edges_the_crop_lies(
    shared_photographs, row, column, flipped
):
    files = load_training_data("imagefolder", shared_photographs).train.take(np.array([5]))
    image = np.asarray(resized(files.path(0)))
    room_down, room_across = image.shape[0] - 224, image.shape[1] - 224
    top, left = int(row * (room_down + 1)), int(column * (room_across + 1))
    assert top <= room_down
    assert left <= room_across
    expected = image[top : top + 224, left : left + 224]
    found = decode(files, crops(row, column, flipped))[0].transpose(1, 2, 0)
    assert np.array_equal(found, expected[:, ::-1] if flipped else expected)


def test_a_large_jpeg_decoded_at_a_fraction_of_its_size_looks_the_same(tmp_path):
    write_one_size(tmp_path, (300, 300))
    gradient = np.linspace(0, 255, 1400 * 1200 * 3).reshape(1200, 1400, 3).astype(np.uint8)
    path = tmp_path / "train" / "a" / "0.jpg"
    Image.fromarray(gradient).save(path, quality=95)
    data = load_training_data("imagefolder", tmp_path)
    files = data.joined()
    index = [files.path(i).name for i in range(len(files))].index("0.jpg")
    image = resized(path)
    left, top = (image.width - 224) // 2, (image.height - 224) // 2
    expected = np.asarray(image.crop((left, top, left + 224, top + 224))).astype(int)
    found = decode(files.take(np.array([index])))[0].transpose(1, 2, 0)
    assert np.abs(found - expected).mean() < 2


def test_small_photographs_in_between_are_enlarged(photographs):
    Image.new("RGB", (30, 20), (9, 8, 7)).save(photographs / "train" / "cat" / "zz.png")
    files = load_training_data("imagefolder", photographs).joined()
    decoded = decode(files.take(np.array([20])))
    assert files.path(20).name == "zz.png"
    assert np.all(decoded[0, :, 0, 0] == (9, 8, 7))


@pytest.mark.parametrize("damage", [b"junk" * 50, b"", None])
def test_a_damaged_photograph_is_named_when_it_is_needed(photographs, damage):
    path = photographs / "train" / "dog" / "07.jpg"
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2] if damage is None else damage)
    files = load_training_data("imagefolder", photographs).joined()
    with pytest.raises(DatasetError, match=r"dog/07\.jpg cannot be read as an image: \S+"):
        decode(files)


def test_a_photograph_of_16_bits_is_refused(photographs):
    wide = Image.fromarray(np.full((300, 300), 30000, dtype=np.uint16))
    wide.save(photographs / "train" / "cat" / "wide.png")
    with pytest.raises(DatasetError, match=r"cat/wide\.png has pixels of more than 8 bits"):
        load_training_data("imagefolder", photographs)


def test_files_pickle_small_and_come_back_the_same(shared_photographs):
    data = load_training_data("imagefolder", shared_photographs)
    content = pickle.dumps(data)
    assert len(content) < 100 * 40
    again = pickle.loads(content)
    assert again.train.path(3) == data.train.path(3)
    assert again.train.path(3).is_absolute()


def test_joined_are_the_files_in_the_order_of_the_folder(shared_photographs):
    files = load_training_data("imagefolder", shared_photographs).joined()
    expected = sorted((shared_photographs / "train").rglob("*.jpg"))
    assert [files.path(i) for i in range(len(files))] == expected
    assert files.labels.tolist() == [0] * 20 + [1] * 20


def test_test_photographs_are_listed_too(shared_photographs):
    with confirm_step():
        test = load_test_data("imagefolder", shared_photographs)
    assert decode(test).shape == (4, 3, 224, 224)
    expected = sorted((shared_photographs / "test").rglob("*.jpg"))
    assert sorted(test.path(i) for i in range(4)) == expected


def test_small_images_that_take_more_than_a_quarter_of_the_memory_stay_in_files(
    tmp_path, monkeypatch
):
    size = 6 * 3 * 5 * 4
    write_one_size(tmp_path, (5, 4))
    in_memory = load_training_data("imagefolder", tmp_path)
    assert isinstance(in_memory.train, LabelledImages)
    monkeypatch.setattr("pnn_core.data.memory.memory_bytes", lambda: 4 * size)
    assert isinstance(load_training_data("imagefolder", tmp_path).train, LabelledImages)
    monkeypatch.setattr("pnn_core.data.memory.memory_bytes", lambda: 4 * size - 1)
    in_files = load_training_data("imagefolder", tmp_path)
    assert isinstance(in_files.train, ImageFiles)
    assert (in_files.mean, in_files.std) == (in_memory.mean, in_memory.std)
    assert in_files.shape == in_memory.shape
    for files, images in (
        (in_files.train, in_memory.train),
        (in_files.validation, in_memory.validation),
        (in_files.joined(), in_memory.joined()),
    ):
        assert np.array_equal(decode(files), images.images)
        assert np.array_equal(files.labels, images.labels)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"names": ["a/0.jpg"]}, "names .a list. must be an array of bytes"),
        ({"names": np.array(["a", "b"])}, "must be an array of bytes"),
        ({"names": np.array([b"a"])}, "names .=1. and labels .=2. must be as many"),
        ({"names": np.array([], dtype="S1"), "labels": np.array([], int)}, "at least one file"),
        ({"height": 0}, "height and width .=0, 224. must be at least 1"),
        ({"shorter_edge": 200}, "shorter_edge .=200. must leave room for a crop of 224 x 224"),
    ],
)
def test_files_that_are_not_as_documented_are_refused(tmp_path, changes, message):
    settings = {
        "folder": tmp_path,
        "names": np.array([b"a", b"b"]),
        "labels": np.array([0, 1]),
        "height": 224,
        "width": 224,
        "shorter_edge": 256,
    }
    ImageFiles(**settings)
    with pytest.raises(ValueError, match=message):
        ImageFiles(**(settings | changes))
