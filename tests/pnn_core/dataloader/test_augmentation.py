"""Crops and flips of a batch are those of its images one by one."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pnn_core.data.augmentation import PUBLISHED, Augmentation
from pnn_core.dataloader.augmentation import (
    CropsAndFlips,
    crop_and_flip,
    draw_crops_and_flips,
)

CPU = torch.device("cpu")
augmentations = st.builds(Augmentation, shift=st.integers(1, 6), flip=st.booleans())


@settings(max_examples=30, deadline=None)
@given(
    augmentation=augmentations,
    count=st.integers(1, 6),
    channels=st.integers(1, 3),
    height=st.integers(1, 9),
    width=st.integers(1, 9),
    seed=st.integers(0, 1000),
)
def test_a_batch_equals_its_images_cropped_and_flipped_one_by_one(
    augmentation: Augmentation, count: int, channels: int, height: int, width: int, seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    images = torch.randint(
        0, 256, (count, channels, height, width), dtype=torch.uint8, generator=generator
    )
    draws = draw_crops_and_flips(augmentation, count, generator, CPU)
    result = crop_and_flip(images, draws)
    border = augmentation.shift
    for i in range(count):
        padded = torch.zeros(channels, height + 2 * border, width + 2 * border, dtype=torch.uint8)
        padded[:, border : border + height, border : border + width] = images[i]
        row, column = int(draws.rows[i]), int(draws.columns[i])
        crop = padded[:, row : row + height, column : column + width]
        assert torch.equal(result[i], crop.flip(2) if draws.flipped[i] else crop)


def test_the_middle_crop_without_a_flip_changes_nothing() -> None:
    images = torch.randint(0, 256, (2, 3, 5, 5), dtype=torch.uint8)
    middle = torch.full((2,), 3)
    draws = CropsAndFlips(
        rows=middle, columns=middle, flipped=torch.zeros(2, dtype=torch.bool), padding=3
    )
    assert torch.equal(crop_and_flip(images, draws), images)


@pytest.mark.parametrize("shift", [1, 4, 7])
def test_draws_cover_every_offset_and_both_sides(shift: int) -> None:
    augmentation = Augmentation(shift=shift, flip=True)
    draws = draw_crops_and_flips(augmentation, 2000, torch.Generator().manual_seed(0), CPU)
    assert set(draws.rows.tolist()) == set(draws.columns.tolist()) == set(range(2 * shift + 1))
    assert 0.45 < draws.flipped.float().mean() < 0.55


@given(augmentation=augmentations, seed=st.integers(0, 1000))
def test_without_flips_a_seed_gives_the_same_shifts_and_the_same_next_numbers(
    augmentation: Augmentation, seed: int
) -> None:
    other = Augmentation(shift=augmentation.shift, flip=not augmentation.flip)
    first, second = (torch.Generator().manual_seed(seed) for _ in range(2))
    draws = draw_crops_and_flips(augmentation, 20, first, CPU)
    same = draw_crops_and_flips(other, 20, second, CPU)
    assert torch.equal(draws.rows, same.rows)
    assert torch.equal(draws.columns, same.columns)
    assert torch.equal(first.get_state(), second.get_state())
    assert not (same if augmentation.flip else draws).flipped.any()


def test_the_published_draws_are_those_of_earlier_versions() -> None:
    generator, same = (torch.Generator().manual_seed(11) for _ in range(2))
    draws = draw_crops_and_flips(PUBLISHED, 50, generator, CPU)
    offsets = torch.randint(0, 9, (2, 50), generator=same)
    assert torch.equal(torch.stack([draws.rows, draws.columns]), offsets)
    assert torch.equal(draws.flipped, torch.randint(0, 2, (50,), generator=same).bool())
