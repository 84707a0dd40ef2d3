"""Data sets of one's own: any array or torch Dataset, checked, and no test image in a search."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pnn_core.config import DatasetShape
from pnn_core.data import (
    DatasetError,
    confirm_step,
    dataset_shape,
    load_test_data,
    load_training_data,
    require_test_split,
)
from pnn_core.data.own_dataset import add_dataset, images_digest
from pnn_core.parts.own_code import Kind, find_code

HEAD = """
import numpy as np
import torch
from PIL import Image
CLASSES = ("dark", "light")
SHAPE = (1, 4, 4)
LABELS = np.arange(20) % 2
BYTES = np.repeat(LABELS, 16).reshape(20, 1, 4, 4).astype(np.uint8) * 51
"""
NOTHING = Path("nowhere")


@pytest.fixture
def add(tmp_path: Path):
    def write(body: str, head: str = HEAD) -> str:
        path = tmp_path / "mine.py"
        path.write_text(head + body)
        code = find_code(Kind.DATASET, str(path))
        add_dataset(code)
        return code.name

    return write


EQUAL_FORMS = [
    "return BYTES, LABELS",
    "return BYTES.astype(np.int32), LABELS",
    "return BYTES / 255, LABELS",
    "return BYTES[:, 0], list(LABELS)",
    "return torch.tensor(BYTES / 255), torch.tensor(LABELS)",
    "return torch.utils.data.TensorDataset(torch.tensor(BYTES), torch.tensor(LABELS))",
    "return [(Image.fromarray(image[0]), int(label)) for image, label in zip(BYTES, LABELS)]",
]


@pytest.mark.parametrize("body", EQUAL_FORMS)
def test_every_form_of_the_same_images_gives_the_same_bytes(add, body: str) -> None:
    name = add(f"def train(): {body}")
    assert dataset_shape(name, NOTHING) == DatasetShape(channels=1, height=4, width=4, classes=2)
    data = load_training_data(name, NOTHING)
    every = data.joined()
    assert data.classes == ("dark", "light")
    assert (every.labels == np.arange(20) % 2).all()
    assert (every.images == every.labels[:, None, None, None] * 51).all()


def test_colour_images_of_pillow_have_their_channels_moved_to_the_front(add) -> None:
    pixels = np.arange(4 * 2 * 3, dtype=np.uint8).reshape(4, 2, 3)
    assert Image.fromarray(pixels).size == (2, 4)
    name = add(
        "def train():\n"
        "    pixels = np.arange(24, dtype=np.uint8).reshape(4, 2, 3)\n"
        "    return [(Image.fromarray(pixels), label) for label in LABELS]",
        HEAD.replace("(1, 4, 4)", "(3, 4, 2)"),
    )
    images = load_training_data(name, NOTHING).train.images
    assert (images[0] == pixels.transpose(2, 0, 1)).all()


def test_no_search_calls_the_function_of_the_test_images(add) -> None:
    name = add("def train(): return BYTES, LABELS\ndef test(): raise RuntimeError('was read')")
    require_test_split(name, NOTHING)
    dataset_shape(name, NOTHING)
    load_training_data(name, NOTHING)
    with confirm_step(), pytest.raises(DatasetError, match=r"its test\(\) raised .*: was read"):
        load_test_data(name, NOTHING)


def test_a_confirmation_needs_the_function_of_the_test_images(add) -> None:
    name = add("def train(): return BYTES, LABELS")
    with pytest.raises(DatasetError, match=r"defines no function test\(\)"):
        require_test_split(name, NOTHING)


def test_a_function_that_asks_for_the_folder_of_the_data_is_given_it(add) -> None:
    name = add("def train(data_dir): raise ValueError(data_dir)")
    with pytest.raises(DatasetError, match="ValueError: here"):
        load_training_data(name, Path("here"))


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("return BYTES, LABELS + 1", "labels from 1 to 2, and CLASSES names 2 (0 to 1)"),
        ("return BYTES, LABELS - 1", "labels from -1 to 0, and CLASSES names 2"),
        ("return BYTES, LABELS * 0", "gives no image of class "),
        ("return BYTES, LABELS / 2", "labels of type float64"),
        ("return BYTES, LABELS[:5]", "20 images and 5 labels: both must be as many"),
        ("return BYTES[:0], LABELS[:0]", "gives no image"),
        ("return BYTES / 25, LABELS", "pixels from 0 to 2.04: accepted are floats from 0 to 1"),
        ("return BYTES - 0.5, LABELS", "pixels from -0.5 to 50.5"),
        ("return BYTES.astype(int) * 9, LABELS", "pixels from 0 to 459"),
        ("return BYTES / (BYTES * (LABELS > 2)[:, None, None, None]), LABELS", "NaN or infinite"),
        ("return BYTES.astype(str), LABELS", "pixels of type <U"),
        ("return BYTES[:, :, :2], LABELS", "images of 1×2×4, and SHAPE says 1×4×4"),
        ("return BYTES.transpose(0, 2, 3, 1), LABELS", "move the channels to the front"),
        ("return iter(BYTES)", "accepted are (images, labels) and a torch Dataset"),
        ("return [BYTES[0]] * 4", "no pair of an image and its label at index 0"),
        ("return [(BYTES[0], 'dark')] * 4", "labels of type <U4"),
        ("raise OSError('no disk')", "raised OSError: no disk"),
    ],
)
@pytest.mark.filterwarnings("ignore:(divide by zero|invalid value)")
def test_images_and_labels_that_are_not_as_they_must_be_are_refused_in_one_sentence(
    add, body: str, said: str
) -> None:
    name = add(f"def train(): {body}")
    with pytest.raises(DatasetError) as refused:
        load_training_data(name, NOTHING)
    assert str(refused.value).startswith("its train() ")
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("head", "said"),
    [
        ('SHAPE = (1, 4, 4)\nCLASSES = ["one"]', "CLASSES (=['one']) must be"),
        ('SHAPE = (1, 4, 4)\nCLASSES = "ab"', "CLASSES (='ab') must be"),
        ('SHAPE = (1, 4, 4)\nCLASSES = ["a", "a"]', "each once"),
        ('SHAPE = (4, 4)\nCLASSES = "a", "b"', "SHAPE (=(4, 4)) must be channels, height"),
        ('SHAPE = (1, 4, 4.0)\nCLASSES = "a", "b"', "SHAPE (=(1, 4, 4.0)) must be"),
        ('SHAPE = (1, 4, 4)\nCLASSES = "a", "b"', "mine.py defines no function train()"),
        ("1 / 0", "the file raised ZeroDivisionError"),
    ],
)
def test_a_file_that_lacks_what_a_data_set_needs_is_refused(add, head: str, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        add("", head)


def test_the_digest_of_images_changes_with_a_pixel_and_with_nothing_else(add) -> None:
    def digest(body: str) -> str:
        return images_digest(load_training_data(add(f"def train():\n    {body}"), NOTHING))

    same = digest("return BYTES / 255, LABELS")
    other = digest("BYTES[7, 0, 2, 1] += 1; return BYTES, LABELS")
    assert digest("return BYTES, LABELS") == same != other
