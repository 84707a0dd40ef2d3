import hashlib
import os
import pickle
import tarfile
import warnings

import numpy as np
import pytest
from torchvision.datasets import CIFAR10

from pnn_core.data import (
    DatasetError,
    dataset_shape,
    load_test_data,
    load_training_data,
    require_test_split,
)

pytestmark = pytest.mark.usefixtures("confirming")

FOLDER = "cifar-10-batches-py"
CLASSES = [f"class {label}" for label in range(10)]


class Trap:
    """Makes a folder, or warns, when it is unpickled."""

    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


def batch(seed):
    data = np.random.default_rng(seed).integers(0, 256, (50, 3072), dtype=np.uint8)
    return {"data": data, "labels": list(range(10)) * 5}


def store(folder, name, content):
    folder.mkdir(parents=True, exist_ok=True)
    pickled = pickle.dumps(content, protocol=2)
    (folder / name).write_bytes(pickled)
    return hashlib.md5(pickled).hexdigest()


@pytest.fixture
def write_cifar10(monkeypatch):
    """Writes two training batches, a test batch and the class names, and has them accepted."""

    def write(folder, first=None):
        sums = {
            "data_batch_1": store(folder, "data_batch_1", first or batch(1)),
            "data_batch_2": store(folder, "data_batch_2", batch(2)),
            "test_batch": store(folder, "test_batch", batch(3)),
        }
        meta = store(folder, "batches.meta", {"label_names": CLASSES})
        listed = [[name, md5] for name, md5 in sums.items()]
        monkeypatch.setattr(CIFAR10, "train_list", listed[:2])
        monkeypatch.setattr(CIFAR10, "test_list", listed[2:])
        monkeypatch.setattr(CIFAR10, "meta", CIFAR10.meta | {"md5": meta})

    return write


@pytest.fixture
def no_network(monkeypatch):
    def download(self):
        store(self.root / FOLDER, "data_batch_1", "half")
        raise OSError("unreachable")

    monkeypatch.setattr(CIFAR10, "download", download)


@pytest.mark.parametrize("inner", [FOLDER, "."])
def test_batches_are_found_in_the_folder_or_the_one_above(
    inner, tmp_path, write_cifar10, no_network
):
    write_cifar10(tmp_path / inner)
    data = load_training_data("cifar10", tmp_path)
    assert data.shape == dataset_shape("cifar10", tmp_path)
    assert data.classes == tuple(CLASSES)
    assert data.augment is True
    assert np.bincount(data.validation.labels).tolist() == [1] * 10
    assert np.bincount(data.train.labels).tolist() == [9] * 10


def test_a_relative_folder_that_is_itself_the_one_is_found(tmp_path, monkeypatch, write_cifar10):
    write_cifar10(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert len(load_training_data("cifar10", type(tmp_path)()).train) == 90


def test_pixels_are_channel_by_channel_and_row_by_row_as_in_the_file(tmp_path, write_cifar10):
    write_cifar10(tmp_path)
    test = load_test_data("cifar10", tmp_path)
    assert np.array_equal(test.images, batch(3)["data"].reshape(50, 3, 32, 32))
    assert test.images.flags.c_contiguous
    assert test.labels.tolist() == batch(3)["labels"]


def test_training_opens_no_test_batch(tmp_path, write_cifar10, opened_files):
    write_cifar10(tmp_path)
    with opened_files() as names:
        load_training_data("cifar10", tmp_path)
    assert "data_batch_1" in names
    assert "test_batch" not in names
    with opened_files() as names:
        load_test_data("cifar10", tmp_path)
    assert "test_batch" in names


def test_training_needs_no_test_batch(tmp_path, write_cifar10, no_network):
    write_cifar10(tmp_path)
    (tmp_path / "test_batch").unlink()
    assert len(load_training_data("cifar10", tmp_path).train) == 90
    with pytest.raises(DatasetError, match=r"no test_batch, batches\.meta in "):
        load_test_data("cifar10", tmp_path)


@pytest.mark.parametrize("inner", [FOLDER, "."])
def test_confirming_needs_the_test_batch_and_opens_none(
    inner, tmp_path, write_cifar10, opened_files
):
    write_cifar10(tmp_path / inner)
    with opened_files() as names:
        require_test_split("cifar10", tmp_path)
        (tmp_path / inner / "test_batch").unlink()
        with pytest.raises(DatasetError) as caught:
            require_test_split("cifar10", tmp_path)
    assert str(caught.value) == (
        f"cifar10: {tmp_path / inner} holds the files to learn from, but no test_batch: "
        "put there what cifar-10-python.tar.gz holds"
    )
    assert not {"test_batch", "data_batch_1", "batches.meta"} & set(names)


@pytest.mark.parametrize(
    ("name", "load"),
    [
        ("data_batch_2", load_training_data),
        ("test_batch", load_test_data),
        ("batches.meta", load_training_data),
    ],
)
def test_a_pickle_with_another_md5_is_named_and_never_loaded(tmp_path, write_cifar10, name, load):
    write_cifar10(tmp_path)
    store(tmp_path, name, Trap(os.mkdir, str(tmp_path / "sprung")))
    with pytest.raises(DatasetError, match=f"holds {name} with another MD5"):
        load("cifar10", tmp_path)
    assert not (tmp_path / "sprung").exists()
    pickle.loads((tmp_path / name).read_bytes())
    assert (tmp_path / "sprung").exists()  # so the trap works


def test_the_warning_about_old_pickles_is_not_shown(tmp_path, write_cifar10):
    about_dtype = "dtype(): align should be passed as Python or NumPy boolean but got `align=0`."
    write_cifar10(tmp_path, first=batch(1) | {"x": Trap(warnings.warn, about_dtype)})
    assert len(load_training_data("cifar10", tmp_path).train) == 90


@pytest.mark.parametrize("present", [True, False])
def test_without_files_or_network_the_error_says_what_to_put_where(tmp_path, present, no_network):
    data_dir = tmp_path / "data"
    if present:
        data_dir.mkdir()
    with pytest.raises(DatasetError) as caught:
        load_training_data("cifar10", data_dir)
    assert str(caught.value) == (
        "cifar10: no data_batch_1, data_batch_2, data_batch_3, data_batch_4, data_batch_5, "
        f"batches.meta in {data_dir}/{FOLDER} or {data_dir}, and the download failed "
        f"(unreachable): put the files of cifar-10-python.tar.gz into {data_dir}/{FOLDER}"
    )
    assert list(tmp_path.rglob("*")) == ([data_dir] if present else [])


def test_torchvisions_download_lands_where_it_is_found_again(
    tmp_path, monkeypatch, write_cifar10, serve, capfd
):
    served, data_dir = tmp_path / "served", tmp_path / "new" / "data"
    write_cifar10(tmp_path / FOLDER)
    served.mkdir()
    archive = served / "cifar-10-python.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(tmp_path / FOLDER, FOLDER)
    monkeypatch.setattr(CIFAR10, "tgz_md5", hashlib.md5(archive.read_bytes()).hexdigest())
    with serve(served) as url:
        monkeypatch.setattr(CIFAR10, "url", url + archive.name)
        first = load_training_data("cifar10", data_dir)
    second = load_training_data("cifar10", data_dir)  # the server is gone
    assert np.array_equal(first.train.images, second.train.images)
    assert len(load_test_data("cifar10", data_dir)) == 50
    assert [path.name for path in data_dir.iterdir()] == [FOLDER]
    captured = capfd.readouterr()
    assert captured.out == ""
    assert captured.err == ""
