import numpy as np
import pytest
from torchvision.datasets import EMNIST, KMNIST

from pnn_core.data import DatasetError, load_test_data, load_training_data

pytestmark = pytest.mark.usefixtures("confirming")


@pytest.fixture
def emnist(tmp_path, write_idx):
    """Folder with ten images of each class, as EMNIST stores them: by columns."""
    upright = np.zeros((470, 28, 28), dtype=np.uint8)
    upright[:, 4:24, 6:8] = 255  # the stem of an L
    upright[:, 22:24, 6:20] = 255  # its foot
    upright[:, 0, 0] = np.repeat(np.arange(47), 10)
    for part in ("train", "test"):
        images = tmp_path / f"emnist-balanced-{part}-images-idx3-ubyte"
        write_idx(images, np.ascontiguousarray(upright.transpose(0, 2, 1)))
        labels = tmp_path / f"emnist-balanced-{part}-labels-idx1-ubyte"
        write_idx(labels, np.repeat(np.arange(47, dtype=np.uint8), 10))
    return tmp_path


def test_emnist_is_upright(emnist):
    for images in (load_training_data("emnist", emnist).train, load_test_data("emnist", emnist)):
        letter = images.images[0, 0] > 100
        assert letter[4:24, 6].all()  # the stem goes down
        assert letter[23, 6:20].all()  # the foot goes right, at the bottom
        assert not letter[:20, 10:].any()
        assert images.images.flags.c_contiguous
        assert np.array_equal(images.images[:, 0, 0, 0], images.labels)


def test_emnists_class_names_are_torchvisions(emnist):
    assert [*load_training_data("emnist", emnist).classes] == EMNIST.classes_split_dict["balanced"]


def test_kmnist_lies_where_torchvision_puts_it(tmp_path, write_mnist):
    images = write_mnist(tmp_path / "KMNIST" / "raw")
    data = load_training_data("kmnist", tmp_path)
    found = {image.tobytes() for part in (data.train, data.validation) for image in part.images}
    assert found == {image.tobytes() for image in images}
    assert [*data.classes] == KMNIST.classes


def test_without_files_or_network_the_error_says_what_to_put_where(tmp_path, monkeypatch):
    def download(self):
        raise RuntimeError("unreachable")

    monkeypatch.setattr(EMNIST, "download", download)
    train = "emnist-balanced-train"
    with pytest.raises(DatasetError) as caught:
        load_training_data("emnist", tmp_path)
    assert str(caught.value) == (
        f"emnist: no {train}-images-idx3-ubyte and {train}-labels-idx1-ubyte (plain or .gz) in "
        f"{tmp_path} or {tmp_path}/EMNIST/raw, and the download failed (unreachable): "
        f"put these two and the emnist-balanced-test-... files into {tmp_path}"
    )
