"""Noise arrives at the 1×1: in float32 where bf16 would round it away."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch

from pnn_core.config import DatasetShape, MaskConfig, ModelConfig
from pnn_core.device.precision import LEAST_HALF_LEVEL, autocast, needs_float32
from pnn_core.layers.map_layer import MapLayer
from pnn_core.models.build import build_model

SHAPE = DatasetShape(channels=3, height=16, width=16, classes=4)
HALF = torch.bfloat16


def config(level: float) -> ModelConfig:
    return ModelConfig(
        dataset=SHAPE, network="resnet8", mask_count=8, mask=MaskConfig(noise_level=level)
    )


def arriving(level: float, dtype: torch.dtype) -> tuple[float, float]:
    """Return rounding over noise at a 1×1's operand, and the share of values that noise moved."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(200_000, generator=generator).relu()
    noise = torch.empty_like(x).uniform_(-level, level, generator=generator)
    exact = torch.relu(x + noise)
    operand, still = exact.to(dtype).float(), x.to(dtype).float()
    is_on = (exact > 0) & (x > 0)
    rounding = (operand - exact)[is_on].std() / noise.std()
    return float(rounding), float((operand != still)[is_on].float().mean())


@pytest.mark.parametrize(
    ("level", "rounding", "moved"), [(0.01, 0.29, 0.78), (0.05, 0.06, 0.95), (0.1, 0.03, 0.98)]
)
def test_bf16_lets_through_a_share_of_the_noise_that_falls_with_its_level(
    level: float, rounding: float, moved: float
) -> None:
    lost, arrived = arriving(level, HALF)
    assert lost == pytest.approx(rounding, abs=0.02)
    assert arrived == pytest.approx(moved, abs=0.02)


def test_at_the_lowest_level_in_half_precision_rounding_is_a_tenth_of_the_noise() -> None:
    assert arriving(LEAST_HALF_LEVEL, HALF)[0] < 0.11
    assert arriving(LEAST_HALF_LEVEL / 2, HALF)[0] > 0.15


@pytest.mark.parametrize("level", [0.001, 0.01, 0.0299])
def test_lower_noise_is_trained_in_float32_where_nearly_all_of_it_arrives(level: float) -> None:
    assert needs_float32(config(level))
    lost, arrived = arriving(level, torch.float32)
    assert lost < 1e-3
    assert arrived > 0.999


@pytest.mark.parametrize("level", [0.0, LEAST_HALF_LEVEL, 0.1, 1.0])
def test_other_levels_are_trained_in_half_precision(level: float) -> None:
    assert not needs_float32(config(level))


def test_a_control_is_trained_in_the_precision_of_its_trial() -> None:
    trial = config(0.01)
    assert needs_float32(replace(trial, layer="conv3x3"))


@pytest.mark.filterwarnings("ignore:.*CUDA is not available")
def test_on_a_gpu_autocast_is_bf16_or_nothing() -> None:
    gpu = torch.device("cuda")
    context = autocast(gpu)
    assert isinstance(context, torch.autocast)
    assert context.fast_dtype == HALF
    assert not isinstance(autocast(gpu, float32=True), torch.autocast)
    assert not isinstance(autocast(torch.device("cpu")), torch.autocast)


@pytest.mark.parametrize("change", [{}, {"fan_out": 2}, {"layer": "fresh_masks"}])
def test_noise_is_added_in_float32_under_autocast(
    change: dict[str, Any], use_plain_operators: Callable[[bool], None]
) -> None:
    """The CPU's autocast stands in for a GPU's, and a convolution for what gives half precision."""
    use_plain_operators(True)
    network = build_model(replace(config(0.1), **change), 0)
    layer = next(module for module in network.modules() if isinstance(module, MapLayer))
    x = torch.randn(2, 8 // layer.perturb.fan_out, 16, 16).to(HALF)
    with torch.autocast("cpu", dtype=HALF):
        maps = layer.perturb(x)
        assert layer.combine.conv(maps).dtype == HALF
    assert maps.dtype == torch.float32
