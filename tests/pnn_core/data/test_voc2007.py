"""PASCAL VOC 2007 is found where its archives unpack, or comes from them, checked."""

import hashlib
import io
import tarfile
from pathlib import Path

import pytest
from torchvision.datasets import voc
from voc_folder import write_voc_folder

from pnn_core.config import DETECTION, DatasetShape
from pnn_core.data import (
    DatasetError,
    dataset_shape,
    load_test_data,
    load_training_data,
    require_test_split,
    summarise_images,
)

pytestmark = pytest.mark.usefixtures("confirming")

KINDS = {"cat": (200, 60, 50), "dog": (50, 80, 200)}


def test_the_shape_is_known_without_any_data():
    shape = DatasetShape(channels=3, height=608, width=608, classes=20, task=DETECTION)
    assert dataset_shape("voc2007", Path("/nonexistent")) == shape


@pytest.mark.parametrize(
    ("place", "named"), [("VOC2007", "."), ("VOCdevkit/VOC2007", "."), ("VOC2007", "VOC2007")]
)
def test_the_folder_is_found_in_the_kit_above_it_or_named_itself(tmp_path, place, named):
    write_voc_folder(tmp_path / place, classes=KINDS)
    data = load_training_data("voc2007", tmp_path / named)
    assert (len(data.train), len(data.validation)) == (8, 4)
    assert len(data.classes) == 20
    assert {data.classes[label] for label in data.train.labels} == {"cat", "dog"}
    assert data.shape.height == 608
    assert len(load_test_data("voc2007", tmp_path / named)) == 4
    require_test_split("voc2007", tmp_path / named)
    assert "18 of 20 classes have no object" in summarise_images(data, tmp_path / named)[1][0]


def test_an_object_of_no_class_of_2007_is_refused_with_the_nearest(tmp_path):
    write_voc_folder(tmp_path / "VOC2007", classes={"aeroplanes": (0, 0, 0)})
    with pytest.raises(DatasetError, match=r"class 'aeroplanes', .* the nearest is 'aeroplane'"):
        load_training_data("voc2007", tmp_path)


def test_a_test_set_that_is_missing_beside_the_others_is_told_before_a_search(tmp_path):
    write_voc_folder(tmp_path / "VOC2007", test=0, classes=KINDS)
    assert len(load_training_data("voc2007", tmp_path).train) == 8
    with pytest.raises(DatasetError, match=r"VOC2007/ImageSets/Main/test\.txt is missing"):
        require_test_split("voc2007", tmp_path)


@pytest.fixture
def archives(tmp_path, monkeypatch, serve):
    """Serves both archives, of images of ours, under the MD5 that is asked for."""
    kit, served = tmp_path / "kit", tmp_path / "served"
    served.mkdir()
    write_voc_folder(kit / "VOCdevkit" / "VOC2007", classes=KINDS)
    lists = kit / "VOCdevkit" / "VOC2007" / "ImageSets" / "Main"
    with serve(served) as address:
        for key, kept in (("2007", lambda name: "test" not in name), ("2007-test", lambda _: True)):
            content = io.BytesIO()
            with tarfile.open(fileobj=content, mode="w") as archive:
                for path in sorted(kit.rglob("*")):
                    if path.is_file() and (path.parent != lists or kept(path.name)):
                        archive.add(path, str(path.relative_to(kit)))
            name = voc.DATASET_YEAR_DICT[key]["filename"]
            (served / name).write_bytes(content.getvalue())
            md5 = hashlib.md5(content.getvalue()).hexdigest()
            changed = voc.DATASET_YEAR_DICT[key] | {"url": f"{address}{name}", "md5": md5}
            monkeypatch.setitem(voc.DATASET_YEAR_DICT, key, changed)
        yield served


def test_missing_archives_are_downloaded_unpacked_and_not_kept(tmp_path, archives):
    data_dir = tmp_path / "data"
    require_test_split("voc2007", data_dir)  # as the download will bring it
    assert len(load_training_data("voc2007", data_dir).train) == 8
    assert len(load_test_data("voc2007", data_dir)) == 4
    assert [path.name for path in data_dir.iterdir()] == ["VOCdevkit"]


def test_an_archive_with_another_md5_leaves_nothing_and_says_what_to_do(tmp_path, archives):
    for path in archives.iterdir():
        path.write_bytes(path.read_bytes()[:-512])
    data_dir = tmp_path / "data"
    message = (
        r"voc2007: there is no .*data/VOC2007 or .*data/VOCdevkit/VOC2007, and the download "
        r"failed \(File not found or corrupted\.\): unpack VOCtrainval_06-Nov-2007\.tar and "
        r"VOCtest_06-Nov-2007\.tar in .*data$"
    )
    with pytest.raises(DatasetError, match=message):
        load_training_data("voc2007", data_dir)
    assert not data_dir.exists()
