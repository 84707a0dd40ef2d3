"""Batches from memory: what is in them and in which order."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pnn_core.data import LabelledImages
from pnn_core.data.augmentation import PUBLISHED, Augmentation
from pnn_core.dataloader.augmentation import crop_and_flip, draw_crops_and_flips
from pnn_core.dataloader.batches import DeviceImages, Normalise, full_batches

CPU = torch.device("cpu")
MEAN, STD = (0.5, 0.25), (0.2, 0.5)
NORMALISE = Normalise(MEAN, STD, CPU)
AUGMENTATIONS = (None, PUBLISHED, Augmentation(shift=1, flip=False))


def images(count: int = 11) -> LabelledImages:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (count, 2, 4, 5), dtype=np.uint8)
    return LabelledImages(images=pixels, labels=np.arange(count, dtype=np.int64))


def test_normalising_is_the_textbook_formula_and_channels_last() -> None:
    pixels = torch.from_numpy(images().images)
    found = NORMALISE(pixels)
    expected = (pixels / 255 - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]
    assert torch.allclose(found, expected, atol=1e-6)
    assert found.is_contiguous(memory_format=torch.channels_last)


@given(st.integers(1, 50), st.integers(1, 60))
def test_an_epochs_batches_are_full_or_the_only_one(count: int, batch_size: int) -> None:
    batches = [range(count)[batch] for batch in full_batches(count, batch_size)]
    assert all(len(batch) == min(batch_size, count) for batch in batches)
    assert [i for batch in batches for i in batch] == list(
        range(count // len(batches[0]) * len(batches[0]))
    )


def test_in_order_gives_every_image_once() -> None:
    held = images()
    batches = list(DeviceImages(held, NORMALISE, PUBLISHED).in_order(4))
    assert [len(labels) for _, labels in batches] == [4, 4, 3]
    assert torch.cat([labels for _, labels in batches]).tolist() == list(range(11))
    every = torch.cat([pixels for pixels, _ in batches])
    assert torch.equal(every, NORMALISE(torch.from_numpy(held.images)))


@pytest.mark.parametrize("augmentation", AUGMENTATIONS)
def test_shuffled_is_drawn_from_the_generator_order_first(
    augmentation: Augmentation | None,
) -> None:
    held = images()
    generator, same = (torch.Generator().manual_seed(5) for _ in range(2))
    batches = list(DeviceImages(held, NORMALISE, augmentation).shuffled(4, generator))
    order = torch.randperm(11, generator=same)
    assert [len(labels) for _, labels in batches] == [4, 4]
    assert torch.equal(torch.cat([labels for _, labels in batches]), order[:8])
    pixels = torch.from_numpy(held.images)[order]
    if augmentation is not None:
        pixels = crop_and_flip(pixels, draw_crops_and_flips(augmentation, 11, same, CPU))
    assert torch.equal(torch.cat([p for p, _ in batches]), NORMALISE(pixels[:8]))


def test_the_next_epoch_has_another_order() -> None:
    source, generator = DeviceImages(images(), NORMALISE), torch.Generator()
    first, second = (
        [labels.tolist() for _, labels in source.shuffled(4, generator)] for _ in range(2)
    )
    assert first != second


@pytest.mark.parametrize("augmentation", AUGMENTATIONS)
@pytest.mark.parametrize("first_batch", [0, 1, 2, 3])
def test_an_epoch_can_begin_at_any_batch_and_draws_the_same(
    first_batch: int, augmentation: Augmentation | None
) -> None:
    source = DeviceImages(images(), NORMALISE, augmentation)
    generator, same = (torch.Generator().manual_seed(5) for _ in range(2))
    whole = list(source.shuffled(3, generator))
    rest = list(source.shuffled(3, same, first_batch=first_batch))
    assert len(rest) == 3 - first_batch
    for batch, expected in zip(rest, whole[first_batch:], strict=True):
        assert all(torch.equal(a, b) for a, b in zip(batch, expected, strict=True))
    assert torch.equal(generator.get_state(), same.get_state())
