import gzip
import hashlib
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
from torchvision import datasets

from pnn_core.data import DATASETS, DatasetError, dataset_shape, load_test_data, load_training_data

pytestmark = pytest.mark.usefixtures("confirming")

FOLDERS = {"mnist": "MNIST", "fashion_mnist": "FashionMNIST"}
DEBIAN_FASHION_MNIST = Path("/usr/share/datasets/fashion-mnist")

both = pytest.mark.parametrize("name", list(FOLDERS))


@pytest.fixture
def no_network(monkeypatch):
    def download(self):
        Path(self.raw_folder).mkdir(parents=True)
        (Path(self.raw_folder) / "train-images-idx3-ubyte.gz").write_bytes(b"half")
        raise RuntimeError("Error downloading:\nTried it, got:\n<urlopen error unreachable>\n")

    monkeypatch.setattr(datasets.MNIST, "download", download)


def all_images(data):
    return np.concatenate([data.train.images, data.validation.images])


def as_set(images):
    return {image.tobytes() for image in images}


@both
@pytest.mark.parametrize("torchvision_layout", [False, True])
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_files_are_found_plain_or_gz_in_either_place(
    name, torchvision_layout, suffix, tmp_path, write_mnist, no_network
):
    folder = tmp_path / FOLDERS[name] / "raw" if torchvision_layout else tmp_path
    images = write_mnist(folder, suffix=suffix)
    data = load_training_data(name, tmp_path)
    assert as_set(all_images(data)) == as_set(images)
    assert data.shape == dataset_shape(name, tmp_path)
    assert data.augment is False


def test_images_keep_their_labels(tmp_path, write_mnist):
    images = write_mnist(tmp_path)
    data = load_training_data("mnist", tmp_path)
    expected = {image.tobytes(): index // 10 for index, image in enumerate(images)}
    for part in (data.train, data.validation):
        assert [expected[image.tobytes()] for image in part.images] == part.labels.tolist()


def test_a_tenth_of_each_class_validates(tmp_path, write_mnist):
    write_mnist(tmp_path)
    data = load_training_data("mnist", tmp_path)
    assert np.bincount(data.validation.labels).tolist() == [1] * 10
    assert np.bincount(data.train.labels).tolist() == [9] * 10


def test_the_data_folder_itself_comes_before_torchvisions(tmp_path, write_mnist):
    images = write_mnist(tmp_path, seed=1)
    write_mnist(tmp_path / "MNIST" / "raw", seed=2)
    assert as_set(all_images(load_training_data("mnist", tmp_path))) == as_set(images)


def test_training_opens_no_test_file(tmp_path, write_mnist, opened_files):
    write_mnist(tmp_path)
    write_mnist(tmp_path, "test")
    with opened_files() as names:
        load_training_data("mnist", tmp_path)
    assert "train-images-idx3-ubyte" in names
    assert not [name for name in names if name.startswith("t10k")]
    with opened_files() as names:
        load_test_data("mnist", tmp_path)
    assert "t10k-images-idx3-ubyte" in names


def test_garbage_for_a_test_set_does_not_hinder_training_but_confirming(tmp_path, write_mnist):
    write_mnist(tmp_path)
    for name in ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"):
        (tmp_path / name).write_bytes(b"garbage")
    assert len(load_training_data("mnist", tmp_path).train) == 90
    with pytest.raises(DatasetError, match="t10k-images-idx3-ubyte starts with"):
        load_test_data("mnist", tmp_path)


def test_test_data_is_the_test_files(tmp_path, write_mnist):
    write_mnist(tmp_path, seed=1)
    images = write_mnist(tmp_path, "test", seed=2)
    test, _ = DATASETS["mnist"].read(tmp_path, "test")
    assert np.array_equal(test.images[:, 0], images)
    assert test.labels.tolist() == np.repeat(range(10), 10).tolist()


@both
@pytest.mark.parametrize("present", [True, False])
def test_without_files_or_network_the_error_says_what_to_put_where(
    name, present, tmp_path, no_network
):
    data_dir = tmp_path / "data"
    if present:
        data_dir.mkdir()
    with pytest.raises(DatasetError) as caught:
        load_training_data(name, data_dir)
    assert str(caught.value) == (
        f"{name}: no train-images-idx3-ubyte and train-labels-idx1-ubyte (plain or .gz) in "
        f"{data_dir} or {data_dir}/{FOLDERS[name]}/raw, and the download failed "
        "(<urlopen error unreachable>): put these two and the t10k-... files into "
        f"{data_dir}"
    )
    assert list(tmp_path.rglob("*")) == ([data_dir] if present else [])


def test_one_file_of_two_is_as_good_as_none(tmp_path, write_mnist, no_network):
    write_mnist(tmp_path)
    (tmp_path / "train-labels-idx1-ubyte").unlink()
    with pytest.raises(DatasetError, match="no train-images-idx3-ubyte and train-labels"):
        load_training_data("mnist", tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["train-images-idx3-ubyte"]


def serve_mnist(served, monkeypatch, write_mnist, url):
    """Have torchvision download generated files from a server on this machine."""
    write_mnist(served, suffix=".gz")
    write_mnist(served, "test", suffix=".gz", seed=1)
    checked = [
        (path.name, hashlib.md5(path.read_bytes()).hexdigest()) for path in sorted(served.iterdir())
    ]
    monkeypatch.setattr(datasets.MNIST, "mirrors", [url])
    monkeypatch.setattr(datasets.MNIST, "resources", checked)


def test_torchvisions_download_lands_where_it_is_found_again(
    tmp_path, monkeypatch, write_mnist, serve, capfd
):
    served, data_dir = tmp_path / "served", tmp_path / "new" / "data"
    served.mkdir()
    with serve(served) as url:
        serve_mnist(served, monkeypatch, write_mnist, url)
        first = load_training_data("mnist", data_dir)
    second = load_training_data("mnist", data_dir)  # the server is gone
    assert np.array_equal(first.train.images, second.train.images)
    assert len(load_test_data("mnist", data_dir)) == 100
    assert {path.suffix for path in data_dir.rglob("*") if path.is_file()} == {""}
    captured = capfd.readouterr()
    assert captured.out == ""
    assert captured.err == ""


def test_a_download_that_is_not_as_published_leaves_nothing(
    tmp_path, monkeypatch, write_mnist, serve
):
    served = tmp_path / "served"
    served.mkdir()
    with serve(served) as url:
        serve_mnist(served, monkeypatch, write_mnist, url)
        (served / "train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(b"tampered"))
        with pytest.raises(DatasetError, match=r"download failed \(File not found or corrupted"):
            load_training_data("mnist", tmp_path / "data")
    assert list(tmp_path.iterdir()) == [served]


def test_an_error_of_the_system_is_short(tmp_path, monkeypatch):
    def download(self):
        raise URLError("no route")

    monkeypatch.setattr(datasets.MNIST, "download", download)
    with pytest.raises(DatasetError, match=r"failed \(<urlopen error no route>\)"):
        load_test_data("mnist", tmp_path)


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (np.zeros((20, 8, 8)), np.zeros(20), r"images-idx3-ubyte holds images of 8 x 8 .*28 x 28"),
        (np.zeros((20, 28, 28)), np.zeros(19), "holds 20 images and .* 19 labels"),
        (np.zeros((0, 28, 28)), np.zeros(0), "holds 0 images and .* at least one"),
        (np.zeros((20, 28, 28)), np.full(20, 10), "labels-idx1-ubyte holds the label 10"),
    ],
)
def test_files_that_do_not_fit_are_named(tmp_path, write_idx, images, labels, message):
    write_idx(tmp_path / "train-images-idx3-ubyte", images.astype(np.uint8))
    write_idx(tmp_path / "train-labels-idx1-ubyte", labels.astype(np.uint8))
    with pytest.raises(DatasetError, match=message):
        load_training_data("mnist", tmp_path)


@pytest.mark.skipif(
    not DEBIAN_FASHION_MNIST.is_dir(), reason="Debian's dataset-fashion-mnist is not installed"
)
def test_the_real_fashion_mnist_is_as_published():
    data = load_training_data("fashion_mnist", DEBIAN_FASHION_MNIST)
    assert np.bincount(data.train.labels).tolist() == [5400] * 10
    assert np.bincount(data.validation.labels).tolist() == [600] * 10
    assert data.classes[9] == "Ankle boot"
    # The figures that everyone normalises with are of all 60,000 images.
    assert data.mean == pytest.approx((0.2860,), abs=1e-3)
    assert data.std == pytest.approx((0.3530,), abs=1e-3)
    assert np.bincount(load_test_data("fashion_mnist", DEBIAN_FASHION_MNIST).labels).tolist() == (
        [1000] * 10
    )
