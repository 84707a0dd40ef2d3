"""Crops and flips of a batch are those of its images one by one."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pnn_core.dataloader.augmentation import (
    PADDING,
    CropsAndFlips,
    crop_and_flip,
    draw_crops_and_flips,
)


@settings(max_examples=30, deadline=None)
@given(
    count=st.integers(1, 6),
    channels=st.integers(1, 3),
    height=st.integers(1, 9),
    width=st.integers(1, 9),
    seed=st.integers(0, 1000),
)
def test_a_batch_equals_its_images_cropped_and_flipped_one_by_one(
    count: int, channels: int, height: int, width: int, seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    images = torch.randint(
        0, 256, (count, channels, height, width), dtype=torch.uint8, generator=generator
    )
    draws = draw_crops_and_flips(count, generator, torch.device("cpu"))
    result = crop_and_flip(images, draws)
    for i in range(count):
        padded = torch.zeros(channels, height + 2 * PADDING, width + 2 * PADDING, dtype=torch.uint8)
        padded[:, PADDING : PADDING + height, PADDING : PADDING + width] = images[i]
        row, column = int(draws.rows[i]), int(draws.columns[i])
        crop = padded[:, row : row + height, column : column + width]
        assert torch.equal(result[i], crop.flip(2) if draws.flipped[i] else crop)


def test_the_middle_crop_without_a_flip_changes_nothing() -> None:
    images = torch.randint(0, 256, (2, 3, 5, 5), dtype=torch.uint8)
    middle = torch.full((2,), PADDING)
    draws = CropsAndFlips(rows=middle, columns=middle, flipped=torch.zeros(2, dtype=torch.bool))
    assert torch.equal(crop_and_flip(images, draws), images)


def test_draws_cover_every_offset_and_both_sides() -> None:
    draws = draw_crops_and_flips(2000, torch.Generator().manual_seed(0), torch.device("cpu"))
    assert set(draws.rows.tolist()) == set(draws.columns.tolist()) == set(range(2 * PADDING + 1))
    assert 0.45 < draws.flipped.float().mean() < 0.55
