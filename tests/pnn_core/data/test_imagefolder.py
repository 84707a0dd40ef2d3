import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pnn_core.config import DatasetShape
from pnn_core.data import (
    DATASETS,
    DatasetError,
    confirm_step,
    dataset_shape,
    load_test_data,
    load_training_data,
)


@pytest.fixture(scope="module", autouse=True)
def confirming():
    with confirm_step():
        yield


FORMATS = {"png": "PNG", "jpg": "JPEG", "jpeg": "JPEG", "bmp": "BMP", "webp": "WEBP"}

# Images of one thread, and of several.
both_sizes = pytest.mark.parametrize("size", [(6, 4), (128, 96)])


def test_every_image_is_read_with_the_class_of_its_folder(tmp_path, write_imagefolder):
    data = load_training_data("imagefolder", write_imagefolder(tmp_path))
    found = set()
    for part in (data.train, data.validation):
        assert np.array_equal(part.images[:, 0, 0, 0], 100 * part.labels)  # red tells the class
        assert np.all(part.images == part.images[:, :, :1, :1])
        found |= {(int(i[0, 0, 0]), int(i[1, 0, 0]), int(i[2, 0, 0])) for i in part.images}
    assert found == {(red, green, 7) for red in (0, 100) for green in range(10)}
    assert data.classes == ("cat", "dog")
    assert data.augment is True


def test_a_tenth_of_each_class_but_at_least_one_image_validates(tmp_path, write_imagefolder):
    write_imagefolder(tmp_path / "many", count=20)
    write_imagefolder(tmp_path / "few", count=2)
    many = load_training_data("imagefolder", tmp_path / "many")
    few = load_training_data("imagefolder", tmp_path / "few")
    assert np.bincount(many.validation.labels).tolist() == [2, 2]
    assert np.bincount(few.validation.labels).tolist() == [1, 1]


def test_files_come_sorted_by_class_and_name_whatever_the_order_of_making(tmp_path):
    for name in ("b", "a"):
        (tmp_path / "test" / name).mkdir(parents=True)
        (tmp_path / "train" / name).mkdir(parents=True)
        Image.new("RGB", (2, 2)).save(tmp_path / "train" / name / "0.png")
        for index in (2, 0, 1):
            colour = (ord(name), index, 0)
            Image.new("RGB", (2, 2), colour).save(tmp_path / "test" / name / f"{index}.png")
    test, _ = DATASETS["imagefolder"].read(tmp_path, "test")
    assert test.images[:, :2, 0, 0].tolist() == [[a, i] for a in (97, 98) for i in range(3)]
    assert test.labels.tolist() == [0, 0, 0, 1, 1, 1]


@both_sizes
def test_more_files_than_one_thread_takes_at_a_time_keep_their_order(
    tmp_path, write_imagefolder, size
):
    write_imagefolder(tmp_path, count=2, size=size)
    write_imagefolder(tmp_path, "test", count=150, size=size)
    test, _ = DATASETS["imagefolder"].read(tmp_path, "test")
    assert test.images[:, 1, 0, 0].tolist() == list(range(150)) * 2


@pytest.mark.parametrize("ending", [*FORMATS, "PNG", "Jpg"])
def test_each_format_is_read_whatever_the_case_of_its_ending(ending, tmp_path):
    for name in ("a", "b"):
        (tmp_path / "train" / name).mkdir(parents=True)
        for index in range(2):
            path = tmp_path / "train" / name / f"{index}.{ending}"
            Image.new("RGB", (3, 2), (200, 100, 50)).save(path, FORMATS[ending.lower()])
    data = load_training_data("imagefolder", tmp_path)
    assert data.train.images.shape == (2, 3, 2, 3)
    assert np.abs(data.train.images[0, :, 0, 0].astype(int) - (200, 100, 50)).max() <= 3


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK"])
def test_images_of_8_bits_in_other_colours_become_rgb(mode, tmp_path, write_imagefolder):
    write_imagefolder(tmp_path)
    image = Image.new("RGB", (6, 4), (255, 255, 255)).convert(mode)
    odd = tmp_path / "train" / "cat" / ("odd.jpg" if mode == "CMYK" else "odd.png")
    image.save(odd, **({"transparency": bytes([10, 20, 30])} if mode == "P" else {}))
    data = load_training_data("imagefolder", tmp_path)
    every = np.concatenate([data.train.images, data.validation.images])
    assert every.shape[1:] == (3, 4, 6)
    assert (every.min(axis=(1, 2, 3)) >= 254).sum() == 1


def test_an_image_of_16_bits_is_refused_and_not_clipped_to_white(tmp_path, write_imagefolder):
    write_imagefolder(tmp_path)
    wide = np.full((4, 6), 30000, dtype=np.uint16)
    Image.fromarray(wide).save(tmp_path / "train" / "cat" / "wide.png")
    with pytest.raises(DatasetError, match=r"cat/wide\.png has pixels of more than 8 bits"):
        load_training_data("imagefolder", tmp_path)


def test_hidden_and_other_files_are_ignored(tmp_path, write_imagefolder):
    write_imagefolder(tmp_path)
    (tmp_path / "train" / ".cache").mkdir()
    (tmp_path / "train" / "README.txt").write_text("about")
    (tmp_path / "train" / "cat" / "Thumbs.db").write_bytes(b"junk")
    (tmp_path / "train" / "cat" / "._000.png").write_bytes(b"junk")
    (tmp_path / "train" / "cat" / "nested.png").mkdir()
    data = load_training_data("imagefolder", tmp_path)
    assert data.classes == ("cat", "dog")
    assert len(data.train) + len(data.validation) == 20


def test_a_shape_needs_the_headers_of_a_few_images_only(tmp_path, write_imagefolder, opened_files):
    write_imagefolder(tmp_path, count=30)
    for path in tmp_path.rglob("*.png"):
        path.write_bytes(path.read_bytes()[:45])  # pixels start at 41
    (tmp_path / "train" / "cat" / "000.png").write_bytes(b"garbage")
    with opened_files() as names:
        shape = dataset_shape("imagefolder", tmp_path)
    assert shape == DatasetShape(channels=3, height=4, width=6, classes=2)
    opened = [name for name in names if name.endswith(".png")]
    assert len(opened) == 2 * 10
    assert opened[0] == "000.png"
    assert opened[9] == "029.png"


def test_the_shape_told_beforehand_is_that_of_the_data(tmp_path, write_imagefolder):
    write_imagefolder(tmp_path)
    assert dataset_shape("imagefolder", tmp_path) == (
        load_training_data("imagefolder", tmp_path).shape
    )


def test_training_opens_no_test_image_and_needs_none(tmp_path, write_imagefolder, opened_files):
    write_imagefolder(tmp_path)
    without = load_training_data("imagefolder", tmp_path)
    folder = tmp_path / "test" / "cat"
    folder.mkdir(parents=True)
    (folder / "test-image.png").write_bytes(b"garbage")
    with opened_files() as names:
        with_garbage = load_training_data("imagefolder", tmp_path)
    assert "000.png" in names
    assert "test-image.png" not in names
    assert np.array_equal(with_garbage.train.images, without.train.images)


def test_an_image_of_another_size_is_named_with_both_sizes(tmp_path, write_imagefolder):
    write_imagefolder(tmp_path)
    Image.new("RGB", (4, 6)).save(tmp_path / "train" / "dog" / "005.png")
    with pytest.raises(DatasetError, match=r"dog/005\.png has 4 x 6 pixels: .* 6 x 4"):
        load_training_data("imagefolder", tmp_path)


@both_sizes
def test_the_first_of_several_bad_images_is_named_every_time(tmp_path, write_imagefolder, size):
    write_imagefolder(tmp_path, count=200, size=size)
    for index in (3, 70, 199):
        (tmp_path / "train" / "cat" / f"{index:03}.png").write_bytes(b"junk")
    for _ in range(5):
        with pytest.raises(DatasetError, match=r"cat/003\.png"):
            load_training_data("imagefolder", tmp_path)


@pytest.mark.parametrize("name", ["000.png", "005.png"])
@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        ("junk", "it is no png, jpeg, bmp or webp"),
        ("empty", "it is no png, jpeg, bmp or webp"),
        ("truncated", ".*trunc.*"),
    ],
)
def test_a_damaged_image_is_named_with_the_reason(
    name, damage, reason, tmp_path, write_imagefolder
):
    write_imagefolder(tmp_path)
    path = tmp_path / "train" / "cat" / name
    content = path.read_bytes()
    damaged = {"junk": b"junk" * 50, "empty": b"", "truncated": content[:-30]}
    path.write_bytes(damaged[damage])
    with pytest.raises(DatasetError, match=rf"cat/{name} cannot be read as an image: {reason}$"):
        load_training_data("imagefolder", tmp_path)


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    root = tmp_path_factory.mktemp("scratch")
    for name in ("a", "b"):
        (root / "train" / name).mkdir(parents=True)
        for index in range(2):
            Image.new("RGB", (9, 9)).save(root / "train" / name / f"{index}.png")
    return root


def encoded(name):
    image = Image.fromarray(np.arange(243, dtype=np.uint8).reshape(9, 9, 3))
    stream = io.BytesIO()
    image.save(stream, name)
    return stream.getvalue()


@given(
    content=st.sampled_from([encoded(name) for name in sorted(set(FORMATS.values()))]),
    position=st.floats(0, 1),
    replacement=st.one_of(st.none(), st.binary(min_size=1, max_size=4)),
)
def test_no_damage_whatever_escapes_as_another_error(scratch, content, position, replacement):
    at = int(position * len(content))
    kept = b"" if replacement is None else replacement + content[at + len(replacement) :]
    path = scratch / "train" / "b" / "0.png"
    path.write_bytes(content[:at] + kept)
    try:
        data = load_training_data("imagefolder", scratch)
    except DatasetError as error:
        assert str(path) in str(error)
    else:
        assert data.train.images.shape == (2, 3, 9, 9)


@pytest.mark.parametrize("load", [load_training_data, dataset_shape, load_test_data])
def test_a_missing_train_folder_is_named(tmp_path, load):
    with pytest.raises(DatasetError, match=r"absent/train is not a folder: put images"):
        load("imagefolder", tmp_path / "absent")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("load", [load_training_data, dataset_shape])
def test_fewer_than_two_classes_are_refused(tmp_path, load, write_imagefolder):
    (tmp_path / "train").mkdir()
    with pytest.raises(DatasetError, match=r"train holds 0 class folder"):
        load("imagefolder", tmp_path)
    write_imagefolder(tmp_path, classes=("cat",))
    with pytest.raises(DatasetError, match=r"train holds 1 class folder"):
        load("imagefolder", tmp_path)


@pytest.mark.parametrize("count", [0, 1])
def test_a_class_with_too_few_images_to_split_is_named(tmp_path, write_imagefolder, count):
    write_imagefolder(tmp_path)
    for path in sorted((tmp_path / "train" / "dog").iterdir())[count:]:
        path.unlink()
    with pytest.raises(DatasetError, match=rf"train/dog holds {count} image\(s\), at least 2"):
        load_training_data("imagefolder", tmp_path)


def test_an_empty_first_class_has_no_shape(tmp_path, write_imagefolder):
    write_imagefolder(tmp_path, count=0)
    with pytest.raises(DatasetError, match=r"train/cat holds 0 image\(s\), at least 1"):
        dataset_shape("imagefolder", tmp_path)


def test_a_missing_test_folder_is_named_when_confirming(tmp_path, write_imagefolder):
    write_imagefolder(tmp_path)
    with pytest.raises(DatasetError, match=r"/test is not a folder"):
        load_test_data("imagefolder", tmp_path)


@pytest.mark.parametrize("classes", [("cat", "cow", "dog"), ("cat", "cow")])
def test_other_classes_in_test_than_in_train_are_refused(tmp_path, write_imagefolder, classes):
    write_imagefolder(tmp_path)
    write_imagefolder(tmp_path, "test", classes=classes)
    with pytest.raises(DatasetError, match=r"same class folders .*'cow' is in one of them only"):
        load_test_data("imagefolder", tmp_path)


def test_an_empty_test_class_is_named(tmp_path, write_imagefolder):
    write_imagefolder(tmp_path)
    write_imagefolder(tmp_path, "test")
    for path in (tmp_path / "test" / "dog").iterdir():
        path.unlink()
    with pytest.raises(DatasetError, match=r"test/dog holds 0 image\(s\), at least 1"):
        load_test_data("imagefolder", tmp_path)


def test_test_images_must_have_the_size_of_the_training_images(tmp_path, write_imagefolder):
    write_imagefolder(tmp_path)
    write_imagefolder(tmp_path, "test", count=1)
    for path in (tmp_path / "test").rglob("*.png"):
        Image.new("RGB", (5, 5)).save(path)
    with pytest.raises(DatasetError, match=r"test/cat/000\.png has 5 x 5 pixels"):
        load_test_data("imagefolder", tmp_path)
