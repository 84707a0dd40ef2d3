"""Costs are those of the network that trains."""

from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from pnn_core.config import (
    DatasetShape,
    MaskConfig,
    ModelConfig,
    StemConfig,
)
from pnn_core.models.build import build_model
from pnn_core.models.costs import count_costs

CIFAR = DatasetShape(channels=3, height=32, width=32, classes=10)
DIGITS = DatasetShape(channels=1, height=8, width=8, classes=10)


def test_costs_count_what_the_optimiser_changes_and_what_it_does_not() -> None:
    config = ModelConfig(dataset=DIGITS, network="resnet8", mask_count=8, fan_out=2)
    model = build_model(config, 0)
    costs = count_costs(config)
    assert costs.learnable_params == sum(p.numel() for p in model.parameters())
    assert costs.mask_values == sum(
        buffer.numel() for name, buffer in model.named_buffers() if "masks" in name
    )


def test_mask_values_are_all_fixed_random_numbers() -> None:
    """Stem 9·4; filters see 4, 4, 4, 8, 8 and 16 channels and are twice as many."""
    config = ModelConfig(
        dataset=DIGITS,
        network="resnet8",
        layer="local_binary",
        mask_count=8,
        fan_out=2,
        first_layer=StemConfig(stem="conv3x3_frozen"),
    )
    filters = sum(9 * channels * 2 * channels for channels in (4, 4, 4, 8, 8, 16))
    assert count_costs(config).mask_values == 9 * 4 + filters


def test_a_perturbation_stem_adds_its_masks() -> None:
    first_layer = StemConfig(stem="perturbation", stem_fan_out=5)
    config = ModelConfig(
        dataset=CIFAR, network="resnet8", layer="conv1x1", mask_count=2, first_layer=first_layer
    )
    assert count_costs(config).mask_values == 3 * 5 * 32 * 32


def test_shared_masks_are_counted_once() -> None:
    config = ModelConfig(
        dataset=DIGITS,
        network="resnet8",
        mask_count=8,
        fan_out=2,
        mask=MaskConfig(unique_masks=False),
    )
    assert count_costs(config).mask_values == 2 * (64 + 64 + 64 + 16 + 16 + 4)


def test_macs_equal_a_count_by_hand() -> None:
    """Stem 9·1·4 on 8×8; stages of 4, 8 and 16 channels on 8×8, 4×4 and 2×2; linear 16·10."""
    config = ModelConfig(dataset=DIGITS, network="resnet8", mask_count=4)
    stem = 9 * 1 * 4 * 64
    stage1 = (4 * 4 + 4 * 4) * 64
    stage2 = 4 * 8 * 64 + 8 * 8 * 16 + 4 * 8 * 16
    stage3 = 8 * 16 * 16 + 16 * 16 * 4 + 8 * 16 * 4
    assert count_costs(config).macs == stem + stage1 + stage2 + stage3 + 16 * 10


@pytest.mark.parametrize(
    ("network", "layer", "grouped", "stem"),
    [
        ("resnet18", "perturbation", False, "conv7x7"),
        ("resnet8", "perturbation", True, "perturbation"),
        ("resnet8", "local_binary", False, "conv3x3_frozen"),
        ("resnet50", "local_binary", False, "conv3x3"),
        ("vgg16", "conv3x3", False, "conv3x3"),
        ("lenet", "conv1x1", False, "conv3x3"),
    ],
)
def test_macs_equal_torchs_own_count(
    network: str,
    layer: str,
    grouped: bool,
    stem: str,
    use_plain_operators: Callable[[bool], None],
) -> None:
    use_plain_operators(True)  # the counter knows torch's own alone
    config = ModelConfig(
        dataset=CIFAR,
        network=network,
        layer=layer,
        mask_count=4,
        fan_out=1 if layer.startswith("conv") else 2,
        grouped=grouped,
        mix_maps=grouped,
        first_layer=StemConfig(stem=stem, stem_fan_out=3),
    )
    with FlopCounterMode(display=False) as flops, torch.no_grad():
        build_model(config, 0).eval()(torch.zeros(1, 3, 32, 32))
    # The counter counts a multiply-accumulate as two operations.
    assert count_costs(config).macs == flops.get_total_flops() // 2


def test_macs_of_resnet50_at_224_are_the_usual_ones() -> None:
    config = ModelConfig(
        dataset=DatasetShape(channels=3, height=224, width=224, classes=1000),
        network="resnet50",
        layer="conv3x3",
        first_layer=StemConfig(stem="conv7x7"),
    )
    assert count_costs(config).macs == pytest.approx(4.09e9, rel=0.001)


def test_counting_draws_nothing() -> None:
    before = torch.random.get_rng_state()
    count_costs(ModelConfig(dataset=DIGITS, network="resnet8", layer="local_binary"))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.get_default_device().type == "cpu"
    assert nn.Linear(1, 1).weight.device.type == "cpu"


@pytest.mark.parametrize("noise_level", [0.0, 0.01, 5.0])
def test_the_strength_of_the_noise_costs_nothing(noise_level: float) -> None:
    mask = MaskConfig(noise_level=noise_level)
    config = ModelConfig(dataset=DIGITS, network="resnet8", mask_count=8, fan_out=2, mask=mask)
    model = build_model(config, 0)
    costs = count_costs(config)
    assert costs.learnable_params == sum(p.numel() for p in model.parameters())
    assert costs.mask_values == sum(
        buffer.numel() for name, buffer in model.named_buffers() if "masks" in name
    )
