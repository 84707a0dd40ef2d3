"""Nothing of a folder is left out without a word, and what teaches nothing is told beforehand."""

import os

import numpy as np
import pytest
from PIL import Image

from pnn_core.config import DatasetShape
from pnn_core.data import (
    DatasetError,
    dataset_shape,
    load_training_data,
    require_test_split,
    summarise_images,
)


def summary(folder, name="imagefolder"):
    return summarise_images(load_training_data(name, folder), folder)


@pytest.fixture
def folder(tmp_path, write_imagefolder):
    write_imagefolder(tmp_path)
    for path in tmp_path.rglob("*.png"):  # of several colours, unlike the fixture's
        pixels = np.asarray(Image.open(path)).copy()
        pixels[0, 0] = 200
        Image.fromarray(pixels).save(path)
    return tmp_path


def test_one_line_has_the_numbers_of_images_classes_and_parts(folder, write_imagefolder):
    line, warnings = summary(folder)
    assert line == "images: 20 in 2 classes: 18 to train, 2 to validate, no test images"
    assert warnings == ()
    write_imagefolder(folder, "test", count=3)
    assert summary(folder)[0].endswith("2 to validate, 6 to test")


def test_a_named_data_set_has_its_numbers_and_no_file_of_its_test_set_is_opened(tmp_path):
    assert summary(tmp_path, "digits") == (
        "images: 1,438 in 10 classes: 1,151 to train, 287 to validate",
        (),
    )


def test_whatever_is_left_out_is_named_with_its_number(folder):
    train = folder / "train"
    for name in ("a.gif", "b.TIF", "notes.txt"):
        (train / "cat" / name).write_bytes(b"")
    (train / "cat" / "more").mkdir()
    (train / "list.csv").write_bytes(b"")
    (train / "__MACOSX" / "cat").mkdir(parents=True)
    (train / "bird").symlink_to(folder / "gone")
    (train / "round").symlink_to(train / "round")
    (train / ".cache").mkdir()
    line, _ = summary(folder)
    _, left_out = line.split("; left out: ")
    assert sorted(left_out.removesuffix(")").split("), ")) == [
        "1 file beside the class folders (such as train/list.csv",
        "1 folder of macOS's archives (such as train/__MACOSX",
        "1 folder within a class (such as train/cat/more",
        "2 links that lead nowhere (such as train/bird",
        "3 files that are no png, jpg, jpeg, bmp, webp (.gif, .tif, .txt, such as train/cat/a.gif",
    ]


def test_classes_that_a_list_leaves_out_are_told(folder):
    for index in range(2):
        path = folder / "train" / "cow" / f"{index}.png"
        path.parent.mkdir(exist_ok=True)
        Image.new("RGB", (6, 4)).save(path)
    (folder / "classes.txt").write_text("cat\ndog\n")
    line, _ = summary(folder)
    assert line.endswith("left out: 1 class folder that is not used (such as train/cow)")


def test_an_image_that_is_a_broken_link_is_named_before_training(folder):
    (folder / "train" / "cat" / "zz.png").symlink_to(folder / "gone.png")
    with pytest.raises(DatasetError, match=r"cat/zz\.png is a link that leads nowhere"):
        load_training_data("imagefolder", folder)


@pytest.mark.skipif(os.name != "posix", reason="names are bytes on POSIX alone")
def test_class_names_that_differ_in_their_unicode_form_alone_are_told(folder):
    train = folder / "train"
    (train / "cat").rename(train / "caf\u00e9")
    (train / "dog").rename(train / "cafe\u0301")
    with pytest.raises(DatasetError, match=r"look alike, 'cafe\\u0301' and 'caf\\xe9': one name"):
        dataset_shape("imagefolder", folder)


def test_a_class_whose_name_has_another_unicode_form_in_test_says_so(folder, write_imagefolder):
    (folder / "train" / "cat").rename(folder / "train" / "caf\u00e9")
    write_imagefolder(folder, "test", classes=("cafe\u0301", "dog"))
    message = r"in one of them only \(the other has 'caf\\xe9', its other Unicode form\)"
    with pytest.raises(DatasetError, match=message):
        require_test_split("imagefolder", folder)


def sized(folder, sizes):
    for name in ("a", "b"):
        (folder / "train" / name).mkdir(parents=True)
        for index, size in enumerate(sizes):
            shade = Image.linear_gradient("L").resize(size).convert("RGB")
            shade.putpixel((0, 0), (index, 0, 0))
            shade.save(folder / "train" / name / f"{index}.png")
    return folder


@pytest.mark.parametrize(
    ("sizes", "side"),
    [
        ([(20, 30), (300, 200), (200, 300)], 224),
        ([(300, 200), (300, 200), (20, 30)], 224),
        ([(300, 200), (20, 30)], 224),
    ],
)
def test_most_images_and_not_the_first_alone_tell_photographs(tmp_path, sizes, side):
    shape = DatasetShape(channels=3, height=side, width=side, classes=2)
    assert dataset_shape("imagefolder", sized(tmp_path, sizes)) == shape
    _, warnings = summary(tmp_path)
    looked_at, small = 2 * len(sizes), 2 * sizes.count((20, 30))
    assert warnings == (
        f"{small} of {looked_at} images that were looked at have at most 96 pixels on the shorter "
        "edge: they are enlarged, as most are photographs",
    )


def test_the_odd_large_image_among_small_ones_is_named(tmp_path):
    sized(tmp_path, [(300, 200), (20, 30), (20, 30)])
    assert dataset_shape("imagefolder", tmp_path).height == 30
    message = r"a/0\.png has 300 x 200 pixels: most images have 20 x 30"
    with pytest.raises(DatasetError, match=message):
        load_training_data("imagefolder", tmp_path)


@pytest.mark.parametrize("size", [(6, 4), (120, 100)])
def test_shapes_drawn_in_transparency_alone_are_refused_once_none_is_seen(tmp_path, size):
    for label, name in enumerate(("a", "b")):
        (tmp_path / "train" / name).mkdir(parents=True)
        for index in range(3):
            drawn = Image.new("RGBA", size, (255, 255, 255, 0))
            drawn.putpixel((label, index), (255, 255, 255, 255))
            drawn.save(tmp_path / "train" / name / f"{index}.png")
    data = load_training_data("imagefolder", tmp_path)
    message = r"4 training images are the same, pixel by pixel: .*transparent parts .* on white"
    with pytest.raises(DatasetError, match=message):
        summarise_images(data, tmp_path)


def test_images_of_one_colour_and_transparent_ones_are_told(folder):
    Image.new("RGBA", (6, 4), (0, 0, 0, 0)).save(folder / "train" / "cat" / "000.png")
    Image.new("RGB", (6, 4), (9, 9, 9)).save(folder / "train" / "dog" / "000.png")
    _, warnings = summary(folder)
    blank = [warning for warning in warnings if "of one colour each" in warning]
    assert [warning.split()[0] for warning in blank] == ["2"]
    assert any(w.startswith("1 of 20 images") and "laid on white" in w for w in warnings)


def test_classes_without_an_image_are_told(tmp_path, write_idx):
    labels = np.repeat(np.array([0, 1, 2, 3, 4, 5, 6, 7], dtype=np.uint8), 10)
    images = np.random.default_rng(0).integers(0, 256, (80, 28, 28), dtype=np.uint8)
    write_idx(tmp_path / "train-images-idx3-ubyte", images)
    write_idx(tmp_path / "train-labels-idx1-ubyte", labels)
    _, warnings = summary(tmp_path, "mnist")
    assert warnings == ("2 of 10 classes have no image: 8, 9",)
