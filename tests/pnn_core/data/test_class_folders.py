"""Class lists, and the 100 largest classes."""

import numpy as np
import pytest
from PIL import Image

from pnn_core.data import (
    DatasetError,
    confirm_step,
    dataset_shape,
    load_test_data,
    load_training_data,
    require_test_split,
)

FOLDERS = ("imagefolder", "imagenet100")


@pytest.fixture(scope="module")
def many_classes(tmp_path_factory):
    """103 classes: c000 has 2 images, c001 to c004 have 3, the others 4."""
    root = tmp_path_factory.mktemp("many")
    Image.new("RGB", (2, 2)).save(root / "one.png")
    content = (root / "one.png").read_bytes()
    for index in range(103):
        for part in ("train", "test"):
            folder = root / part / f"c{index:03}"
            folder.mkdir(parents=True)
            count = (2 if index == 0 else 3 if index < 5 else 4) if part == "train" else 1
            for number in range(count):
                (folder / f"{number}.png").write_bytes(content)
    return root


@pytest.fixture
def class_list(many_classes):
    path = many_classes / "classes.txt"
    yield path
    path.unlink(missing_ok=True)


def test_imagenet100_has_the_largest_classes_and_of_equal_ones_the_first_by_name(many_classes):
    data = load_training_data("imagenet100", many_classes)
    # 98 classes of 4 images, then the first two of the four with 3.
    assert data.classes == ("c001", "c002", *(f"c{index:03}" for index in range(5, 103)))
    assert np.bincount(data.joined().labels).tolist() == [3, 3] + [4] * 98
    assert dataset_shape("imagenet100", many_classes).classes == 100


def test_imagenet100_tests_on_the_same_classes(many_classes):
    with confirm_step():
        test = load_test_data("imagenet100", many_classes)
    assert np.bincount(test.labels).tolist() == [1] * 100
    require_test_split("imagenet100", many_classes)


def test_imagenet100_needs_100_classes(tmp_path, write_imagefolder):
    write_imagefolder(tmp_path, classes=("a", "b"))
    message = r"train has 2 classes: at least 100 are needed"
    for call in (dataset_shape, load_training_data, require_test_split):
        with pytest.raises(DatasetError, match=message):
            call("imagenet100", tmp_path)


def test_only_listed_classes_are_used_in_the_order_of_their_names(many_classes, class_list):
    class_list.write_text("c007\n\n  c003  \n")
    data = load_training_data("imagefolder", many_classes)
    assert data.classes == ("c003", "c007")
    assert np.bincount(data.joined().labels).tolist() == [3, 4]
    assert dataset_shape("imagefolder", many_classes).classes == 2
    with confirm_step():
        assert load_test_data("imagefolder", many_classes).labels.tolist() == [0, 1]


def test_a_list_of_100_classes_repeats_a_published_imagenet100(many_classes, class_list):
    listed = [f"c{index:03}" for index in range(100)]
    class_list.write_text("\n".join(listed), encoding="utf-8-sig")
    assert load_training_data("imagenet100", many_classes).classes == tuple(listed)


@pytest.mark.parametrize("name", FOLDERS)
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            b"c001\nc0022\n",
            r"classes\.txt lists 'c0022', which is no folder of \S+/train: the nearest is 'c022'$",
        ),
        (b"c001\nc002\nc001\n", r"classes\.txt lists 'c001' twice: once is enough$"),
        (b"c001\n", r"classes\.txt lists 1 class\(es\), at least 2 are needed$"),
        (b"", r"classes\.txt lists 0 class\(es\)"),
        (b"\xff\xfe\x00", r"classes\.txt cannot be read: it is not UTF-8$"),
    ],
)
def test_a_list_that_cannot_be_followed_is_named(many_classes, class_list, name, content, message):
    class_list.write_bytes(content)
    with pytest.raises(DatasetError, match=message):
        dataset_shape(name, many_classes)


def test_a_list_of_too_few_classes_for_imagenet100_is_named(many_classes, class_list):
    class_list.write_text("c001\nc002\n")
    with pytest.raises(DatasetError, match=r"classes\.txt has 2 classes: at least 100"):
        load_training_data("imagenet100", many_classes)
