"""The test set is closed to all but the confirm step."""

import threading
from pathlib import Path

import numpy as np
import pytest

from pnn_core.data import (
    DATASETS,
    DatasetError,
    TestSetClosedError,
    confirm_step,
    load_test_data,
    load_training_data,
    require_test_split,
)

NOWHERE = Path("/nonexistent")


@pytest.mark.parametrize("name", list(DATASETS))
def test_it_is_refused_outside_the_confirm_step_before_a_file_is_looked_at(name):
    with pytest.raises(TestSetClosedError, match=rf"the test set of {name} is closed: .*confirm"):
        load_test_data(name, NOWHERE)


def test_it_is_open_within_the_confirm_step_alone():
    with confirm_step():
        assert len(load_test_data("digits", NOWHERE)) == 359
    with pytest.raises(TestSetClosedError):
        load_test_data("digits", NOWHERE)


def test_images_that_lie_class_by_class_come_in_one_mixed_order(tmp_path, write_imagefolder):
    write_imagefolder(tmp_path)
    write_imagefolder(tmp_path, "test", count=30)
    with confirm_step():
        first, second = (load_test_data("imagefolder", tmp_path) for _ in range(2))
    assert np.array_equal(first.images, second.images)
    assert 10 < first.labels[:30].sum() < 20
    assert np.array_equal(first.images[:, 0, 0, 0], 100 * first.labels)  # red tells the class
    assert sorted(first.images[:, 1, 0, 0].tolist()) == sorted(2 * list(range(30)))


def test_images_in_another_order_keep_it():
    with confirm_step():
        test = load_test_data("digits", NOWHERE)
    assert np.array_equal(test.images, DATASETS["digits"].read(NOWHERE, "test")[0].images)


def test_it_is_closed_again_after_an_error():
    with pytest.raises(DatasetError), confirm_step():
        load_test_data("imagefolder", NOWHERE)
    with pytest.raises(TestSetClosedError):
        load_test_data("digits", NOWHERE)


def test_another_thread_finds_it_closed():
    caught = []

    def load():
        try:
            load_test_data("digits", NOWHERE)
        except TestSetClosedError as error:
            caught.append(error)

    with confirm_step():
        thread = threading.Thread(target=load)
        thread.start()
        thread.join()
    assert len(caught) == 1


@pytest.mark.parametrize("name", ["digits", "mnist", "fashion_mnist", "cifar10"])
def test_what_is_embedded_or_will_be_downloaded_has_one(name):
    require_test_split(name, NOWHERE)


@pytest.mark.parametrize(
    ("name", "raw"), [("mnist", "MNIST/raw"), ("fashion_mnist", "FashionMNIST/raw")]
)
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_training_files_without_test_files_are_refused(name, raw, suffix, tmp_path, write_mnist):
    for folder in (tmp_path / raw, tmp_path):
        write_mnist(folder, suffix=suffix)
        with pytest.raises(DatasetError) as caught:
            require_test_split(name, tmp_path)
        assert str(caught.value) == (
            f"{name}: {folder} holds the files to learn from, but no t10k-images-idx3-ubyte and "
            "t10k-labels-idx1-ubyte (plain or .gz): put them there too"
        )
    write_mnist(tmp_path / raw, "test", suffix=suffix)  # found there just as well
    require_test_split(name, tmp_path)


def test_only_the_test_file_that_is_missing_is_named(tmp_path, write_mnist):
    write_mnist(tmp_path)
    write_mnist(tmp_path, "test")
    require_test_split("mnist", tmp_path)
    (tmp_path / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(DatasetError, match=r"but no t10k-labels-idx1-ubyte \(plain or"):
        require_test_split("mnist", tmp_path)


def test_test_files_alone_leave_the_rest_to_the_download(tmp_path, write_mnist):
    write_mnist(tmp_path, "test")
    require_test_split("mnist", tmp_path)


def test_looking_for_test_files_opens_none(tmp_path, write_mnist, opened_files):
    write_mnist(tmp_path)
    write_mnist(tmp_path, "test")
    with opened_files() as names:
        require_test_split("mnist", tmp_path)
    assert [name for name in names if name.endswith("-ubyte")] == []


def test_a_folder_without_test_images_is_named(tmp_path, write_imagefolder):
    write_imagefolder(tmp_path)
    with pytest.raises(DatasetError, match=r"/test is not a folder: put images"):
        require_test_split("imagefolder", tmp_path)
    write_imagefolder(tmp_path, "test", count=0)
    with pytest.raises(DatasetError, match=r"test/cat holds 0 image\(s\), at least 1"):
        require_test_split("imagefolder", tmp_path)


def test_a_folder_whose_test_classes_differ_is_named(tmp_path, write_imagefolder):
    write_imagefolder(tmp_path)
    write_imagefolder(tmp_path, "test", classes=("cat", "cow"))
    with pytest.raises(DatasetError, match=r"'cow' is in one of them only"):
        require_test_split("imagefolder", tmp_path)


def test_looking_for_test_images_opens_none(photographs, opened_files):
    with opened_files() as names:
        require_test_split("imagefolder", photographs)
    assert [name for name in names if name.endswith(".jpg")] == []


def test_training_on_photographs_opens_no_test_image(photographs, opened_files):
    for path in (photographs / "test").rglob("*.jpg"):
        path.rename(path.with_name(f"test-{path.name}"))
    with opened_files() as names:
        load_training_data("imagefolder", photographs)
    assert not [name for name in names if name.startswith("test-")]
