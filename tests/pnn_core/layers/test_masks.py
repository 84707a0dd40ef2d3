"""Fixed random numbers are of the level, variance and share that they claim."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pnn_core.config import MaskConfig, NoiseDistribution
from pnn_core.layers.masks import draw_binary_filters, draw_masks


@pytest.mark.parametrize("distribution", ["uniform", "normal"])
@pytest.mark.parametrize("level", [0.01, 1.0, 5.0])
def test_noise_is_centred_with_the_variance_of_its_level(
    distribution: NoiseDistribution, level: float
) -> None:
    config = MaskConfig(noise_level=level, noise_distribution=distribution)
    masks = draw_masks(100, 40, 40, config, torch.Generator().manual_seed(0))
    assert abs(masks.mean()) < 0.01 * level
    assert masks.var().item() == pytest.approx(level**2 / 3, rel=0.01)


def test_uniform_noise_stays_within_its_level() -> None:
    masks = draw_masks(100, 40, 40, MaskConfig(noise_level=0.3), torch.Generator().manual_seed(0))
    assert 0.299 < masks.abs().max() <= 0.3


@settings(max_examples=30, deadline=None)
@given(
    count=st.integers(1, 6),
    channels=st.integers(1, 4),
    share=st.floats(0.01, 1.0),
    seed=st.integers(0, 2**32),
)
def test_the_named_share_of_binary_weights_is_not_zero(
    count: int, channels: int, share: float, seed: int
) -> None:
    filters = draw_binary_filters(count, channels, share, torch.Generator().manual_seed(seed))
    assert filters.shape == (count, channels, 3, 3)
    assert set(filters.unique().tolist()) <= {-1.0, 0.0, 1.0}
    assert filters.count_nonzero() == max(1, round(share * filters.numel()))


def test_binary_weights_of_both_signs_stand_everywhere_alike() -> None:
    filters = draw_binary_filters(400, 10, 0.3, torch.Generator().manual_seed(0))
    assert abs(filters.mean()) < 0.01
    torch.testing.assert_close(
        filters.abs().mean(dim=(0, 1)), torch.full((3, 3), 0.3), rtol=0, atol=0.03
    )


def test_the_same_seed_draws_the_same_filters_and_another_draws_others() -> None:
    first, again, other = (
        draw_binary_filters(4, 3, 0.5, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
