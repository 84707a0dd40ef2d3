import hashlib
import pickle

import numpy as np
import pytest
from torchvision.datasets import CIFAR100

from pnn_core.data import DatasetError, load_test_data, load_training_data, require_test_split

pytestmark = pytest.mark.usefixtures("confirming")


def batch(seed):
    data = np.random.default_rng(seed).integers(0, 256, (200, 3072), dtype=np.uint8)
    fine = list(range(100)) * 2
    return {"data": data, "fine_labels": fine, "coarse_labels": [label // 5 for label in fine]}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Folder with 200 images of each part, which are accepted as the published ones."""
    folder = tmp_path / "cifar-100-python"
    folder.mkdir()

    def store(name, content):
        pickled = pickle.dumps(content, protocol=2)
        (folder / name).write_bytes(pickled)
        return [name, hashlib.md5(pickled).hexdigest()]

    monkeypatch.setattr(CIFAR100, "train_list", [store("train", batch(1))])
    monkeypatch.setattr(CIFAR100, "test_list", [store("test", batch(2))])
    names = {"fine_label_names": [f"class {i}" for i in range(100)]}
    _, md5 = store("meta", names)
    monkeypatch.setattr(CIFAR100, "meta", CIFAR100.meta | {"md5": md5})
    return folder


def test_images_have_their_fine_classes(tmp_path, folder):
    test = load_test_data("cifar100", tmp_path)
    assert np.array_equal(test.images, batch(2)["data"].reshape(200, 3, 32, 32))
    assert test.labels.tolist() == batch(2)["fine_labels"]
    data = load_training_data("cifar100", tmp_path)
    assert data.classes == tuple(f"class {i}" for i in range(100))
    assert len(data.train) + len(data.validation) == 200


def test_training_opens_no_test_batch(tmp_path, folder, opened_files):
    with opened_files() as names:
        load_training_data("cifar100", tmp_path)
    assert "train" in names
    assert "test" not in names


def test_what_is_missing_is_said_in_the_words_of_this_data_set(tmp_path, folder):
    (folder / "test").unlink()
    with pytest.raises(DatasetError) as caught:
        require_test_split("cifar100", tmp_path)
    assert str(caught.value) == (
        f"cifar100: {folder} holds the files to learn from, but no test: "
        "put there what cifar-100-python.tar.gz holds"
    )
