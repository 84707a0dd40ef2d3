"""The networks are those of the paper."""

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from pnn_core.config import DatasetShape, MaskConfig, ModelConfig, Network, Stem, StemConfig
from pnn_core.costs import count_costs
from pnn_core.model import build_model
from pnn_core.perturbation import PerturbationLayer
from pnn_core.resnet import FeatureMap, PerturbationBlock

CIFAR = DatasetShape(channels=3, height=32, width=32, classes=10)
DIGITS = DatasetShape(channels=1, height=8, width=8, classes=10)
STANDARD_RESNET18_PARAMS = 11_173_962
"""Of the usual 3×3 ResNet-18 for CIFAR."""


@pytest.mark.parametrize(
    ("mask_count", "ratio"),
    [(160, 1.3), (128, 2.0), (96, 3.5), (64, 7.9), (32, 31.0), (16, 120.1), (8, 451.1)],
)
def test_parameter_ratios_are_those_of_table_5_within_2_percent(
    mask_count: int, ratio: float
) -> None:
    params = count_costs(ModelConfig(dataset=CIFAR, mask_count=mask_count)).learnable_params
    assert STANDARD_RESNET18_PARAMS / params == pytest.approx(ratio, rel=0.02)


@pytest.mark.parametrize("network", ["resnet18", "resnet8"])
@pytest.mark.parametrize("size", [8, 28, 31, 32])
@pytest.mark.parametrize("stem", ["conv3x3", "conv7x7"])
def test_every_network_maps_images_of_any_size_to_logits(
    network: Network, size: int, stem: Stem
) -> None:
    shape = DatasetShape(channels=2, height=size, width=size + 1, classes=7)
    config = ModelConfig(
        dataset=shape, network=network, mask_count=4, fan_out=2, first_layer=StemConfig(stem=stem)
    )
    logits = build_model(config, seed=0).eval()(torch.randn(3, 2, size, size + 1))
    assert logits.shape == (3, 7)
    assert logits.isfinite().all()


def test_mask_count_is_the_first_stages_and_grows_with_width() -> None:
    config = ModelConfig(dataset=DIGITS, network="resnet8", mask_count=12, fan_out=3)
    layers = [m for m in build_model(config, 0).modules() if isinstance(m, PerturbationLayer)]
    assert [tuple(layer.masks.shape[1:]) for layer in layers] == [
        (12, 8, 8),
        (12, 8, 8),
        (12, 8, 8),
        (24, 4, 4),
        (24, 4, 4),
        (48, 2, 2),
    ]


def test_the_block_computes_the_published_sequence() -> None:
    """perturb → pool → BN → ReLU → perturb → BN → + shortcut → ReLU, ReLU and BN inside perturb."""
    inputs = FeatureMap(channels=2, height=6, width=6)
    outputs = FeatureMap(channels=4, height=3, width=3)
    config = ModelConfig(dataset=CIFAR, mask_count=4, fan_out=2)
    block = PerturbationBlock(config, inputs, outputs, 2, torch.Generator().manual_seed(0)).eval()
    for module in block.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.uniform_(-1, 1)
            module.running_var.uniform_(0.5, 2)
    x = torch.randn(3, 2, 6, 6)

    def perturb(layer: PerturbationLayer, z: torch.Tensor) -> torch.Tensor:
        maps = (z.repeat_interleave(2, dim=1) + layer.masks).relu()
        return nn.functional.conv2d(layer.norm(maps), layer.combine.weight, layer.combine.bias)

    y = nn.functional.max_pool2d(perturb(block.perturb1, x), 2)
    y = block.norm2(perturb(block.perturb2, block.norm1(y).relu()))
    shortcut = block.shortcut[1](nn.functional.conv2d(x, block.shortcut[0].weight, stride=2))
    torch.testing.assert_close(block(x), (y + shortcut).relu())


def test_costs_are_those_of_the_network_that_trains() -> None:
    config = ModelConfig(dataset=DIGITS, network="resnet8", mask_count=8, fan_out=2)
    model = build_model(config, seed=0)
    costs = count_costs(config)
    assert costs.learnable_params == sum(p.numel() for p in model.parameters())
    assert costs.mask_values == sum(
        buffer.numel() for name, buffer in model.named_buffers() if "masks" in name
    )


def test_macs_equal_a_count_by_hand() -> None:
    """Stem 9·1·4 on 8×8; stages of 4, 8 and 16 channels on 8×8, 4×4 and 2×2; linear 16·10."""
    config = ModelConfig(dataset=DIGITS, network="resnet8", mask_count=4)
    stem = 9 * 1 * 4 * 64
    stage1 = (4 * 4 + 4 * 4) * 64
    stage2 = 4 * 8 * 64 + 8 * 8 * 16 + 4 * 8 * 16
    stage3 = 8 * 16 * 16 + 16 * 16 * 4 + 8 * 16 * 4
    assert count_costs(config).macs == stem + stage1 + stage2 + stage3 + 16 * 10


@pytest.mark.parametrize("stem", ["conv3x3", "conv7x7"])
def test_macs_equal_torchs_own_count(stem: Stem) -> None:
    config = ModelConfig(dataset=CIFAR, mask_count=8, fan_out=4, first_layer=StemConfig(stem=stem))
    with FlopCounterMode(display=False) as flops, torch.no_grad():
        build_model(config, seed=0).eval()(torch.zeros(1, 3, 32, 32))
    # The counter counts a multiply-accumulate as two operations.
    assert count_costs(config).macs == flops.get_total_flops() // 2


def test_zero_noise_leaves_a_network_that_no_mask_seed_changes() -> None:
    config = ModelConfig(
        dataset=DIGITS, network="resnet8", mask_count=4, mask=MaskConfig(noise_level=0.0)
    )
    model = build_model(config, seed=0)
    assert all(not m.masks.any() for m in model.modules() if isinstance(m, PerturbationLayer))


def test_building_leaves_torchs_random_state_alone() -> None:
    before = torch.random.get_rng_state()
    build_model(ModelConfig(dataset=DIGITS, network="resnet8", mask_count=4), seed=0)
    assert torch.equal(torch.random.get_rng_state(), before)
