import subprocess
import sys
from pathlib import Path

import pytest
from voc_folder import write_voc_folder

from pnn_core.config import DatasetShape
from pnn_core.data import (
    DATASETS,
    DatasetError,
    dataset_shape,
    load_test_data,
    load_training_data,
)

pytestmark = pytest.mark.usefixtures("confirming")

NOWHERE = Path("/nonexistent")
every_function = pytest.mark.parametrize(
    "load", [dataset_shape, load_training_data, load_test_data]
)


def test_the_names_are_those_of_the_command_line():
    assert [*DATASETS][:12] == [
        "digits",
        "mnist",
        "fashion_mnist",
        "cifar10",
        "imagefolder",
        "imagenet100",
        "cifar100",
        "kmnist",
        "emnist",
        "vocfolder",
        "voc2007",
        "shards",
    ]


@pytest.mark.parametrize("name", list(DATASETS))
def test_descriptions_are_one_line(name):
    assert 20 < len(DATASETS[name].description) < 90
    assert "\n" not in DATASETS[name].description


@pytest.mark.parametrize(
    ("name", "channels", "side", "classes"),
    [
        ("digits", 1, 8, 10),
        ("mnist", 1, 28, 10),
        ("fashion_mnist", 1, 28, 10),
        ("cifar10", 3, 32, 10),
        ("cifar100", 3, 32, 100),
        ("kmnist", 1, 28, 10),
        ("emnist", 1, 28, 47),
    ],
)
def test_known_shapes_are_told_without_any_data(name, channels, side, classes):
    expected = DatasetShape(channels=channels, height=side, width=side, classes=classes)
    assert dataset_shape(name, NOWHERE) == expected


def test_only_colour_photographs_are_augmented():
    augmented = {"cifar10", "cifar100", "imagefolder", "imagenet100", "shards"}
    augmented |= {"vocfolder", "voc2007"}
    assert augmented == {name for name in DATASETS if DATASETS[name].augment}


def test_new_studies_of_ones_own_images_mirror_nothing_that_nobody_asked_for():
    defaults = {name: spec.default_augment for name, spec in DATASETS.items()}
    assert defaults == {**dict.fromkeys(DATASETS), "imagefolder": "crop", "shards": "crop"}


@every_function
@pytest.mark.parametrize(
    ("name", "nearest"), [("cifar", "cifar10"), ("fashion-mnist", "fashion_mnist")]
)
def test_an_unknown_name_is_answered_with_the_nearest(load, name, nearest):
    with pytest.raises(DatasetError) as caught:
        load(name, NOWHERE)
    assert str(caught.value) == (
        f"no data set is named {name!r}, did you mean {nearest!r}? "
        f"accepted are {', '.join(DATASETS)} and the path of a .py file with CLASSES, SHAPE, "
        "train and test"
    )


@every_function
def test_a_name_like_none_is_answered_with_all(load):
    with pytest.raises(DatasetError, match=r"named 'qqq': accepted are digits, mnist, "):
        load("qqq", NOWHERE)


def run_python(code):
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()


HEAVY = "print(*sorted({'torch', 'torchvision', 'sklearn', 'ray'} & set(sys.modules)))"


def test_importing_the_package_imports_no_heavy_library():
    assert run_python(f"import sys, pnn_core.data; {HEAVY}") == []
    assert run_python(f"import sys, torch; {HEAVY}") == ["torch"]  # so the check sees one


def test_reading_idx_files_and_folders_of_images_imports_no_heavy_library(
    tmp_path, write_mnist, write_imagefolder
):
    write_mnist(tmp_path)
    write_voc_folder(tmp_path)
    write_imagefolder(tmp_path)
    code = (
        "import sys, pathlib; from pnn_core.data import load_training_data as load; "
        "names = ('mnist', 'imagefolder', 'vocfolder'); "
        f"[load(name, pathlib.Path({str(tmp_path)!r})) for name in names]; "
    )
    assert run_python(code + HEAVY) == []
