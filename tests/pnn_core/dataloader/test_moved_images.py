"""Moved images are `torch.roll` of the images, with black where pixels came round."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from pnn_core.data import ImageFiles, LabelledImages
from pnn_core.dataloader.batches import DeviceImages, Normalise
from pnn_core.dataloader.decoding_workers import Decoder
from pnn_core.dataloader.file_batches import FileBatches
from pnn_core.dataloader.moved_images import DIRECTIONS, MovedImages, move_images

CPU = torch.device("cpu")
NORMALISE = Normalise((0.2, 0.5, 0.4), (0.3, 0.1, 0.2), CPU)


def pixels(count: int, height: int, width: int) -> np.ndarray:
    shape = (count, 3, height, width)
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


@settings(max_examples=40, deadline=None)
@given(
    count=st.integers(1, 7),
    height=st.integers(1, 6),
    width=st.integers(1, 6),
    batch_size=st.integers(1, 8),
)
def test_moved_images_equal_rolled_bytes_with_black_in_the_free_row(
    count: int, height: int, width: int, batch_size: int
) -> None:
    images = pixels(count, height, width)
    labels = np.arange(count)
    source = DeviceImages(LabelledImages(images=images, labels=labels), NORMALISE)
    batches = list(MovedImages(source, NORMALISE.black).in_order(batch_size))
    assert len(batches) == 4 * -(-count // batch_size)
    for index, (rows, columns) in enumerate(DIRECTIONS):
        rolled = torch.roll(torch.from_numpy(images), (rows, columns), (2, 3))
        if rows:
            rolled[:, :, {1: 0, -1: height - 1}[rows]] = 0
        if columns:
            rolled[:, :, :, {1: 0, -1: width - 1}[columns]] = 0
        own = batches[index::4]
        assert torch.equal(torch.cat([batch for batch, _ in own]), NORMALISE(rolled))
        assert torch.cat([found for _, found in own]).tolist() == labels.tolist()


def test_the_four_directions_are_each_one_pixel_and_cancel() -> None:
    assert len(set(DIRECTIONS)) == 4
    assert {abs(rows) + abs(columns) for rows, columns in DIRECTIONS} == {1}
    assert np.sum(DIRECTIONS, axis=0).tolist() == [0, 0]


@pytest.mark.parametrize(("rows", "columns"), DIRECTIONS)
def test_moving_there_and_back_leaves_all_but_one_row(rows: int, columns: int) -> None:
    images = torch.rand(2, 3, 5, 4)
    fill = torch.zeros(3, 1, 1)
    back = move_images(move_images(images, rows, columns, fill), -rows, -columns, fill)
    changed = (back != images).any(dim=(0, 1))
    assert changed.sum() == (4 if rows else 5)


def test_images_that_are_decoded_move_as_those_in_memory(tmp_path: Path) -> None:
    images, labels = pixels(5, 6, 7), np.arange(5)
    for index, image in enumerate(images):
        Image.fromarray(image.transpose(1, 2, 0)).save(tmp_path / f"{index}.png")
    files = ImageFiles(
        folder=tmp_path,
        names=np.array([f"{index}.png".encode() for index in range(5)]),
        labels=labels,
        height=6,
        width=7,
        shorter_edge=None,
    )
    decoded = FileBatches(files, NORMALISE, Decoder(0))
    resident = DeviceImages(LabelledImages(images=images, labels=labels), NORMALISE)
    pairs = zip(
        MovedImages(decoded, NORMALISE.black).in_order(2),
        MovedImages(resident, NORMALISE.black).in_order(2),
        strict=True,
    )
    for own, expected in pairs:
        assert torch.equal(own[0], expected[0])
        assert torch.equal(own[1], expected[1])
