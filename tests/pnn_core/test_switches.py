"""Each switch between the published code bases changes what it says, and nothing else."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

from pnn_core.config import DatasetShape, MaskConfig, ModelConfig, Order, TrialConfig
from pnn_core.layers.map_layer import MapLayer
from pnn_core.models.build import build_model
from pnn_core.models.costs import count_costs
from pnn_core.models.resnet import BasicBlock, BottleneckBlock, ResNet
from pnn_core.models.vgg_lenet import PlainNetwork

DIGITS = DatasetShape(channels=1, height=8, width=8, classes=10)
BASE = ModelConfig(dataset=DIGITS, network="resnet8", mask_count=6, fan_out=3)


def build(config: ModelConfig, **settings: Any) -> nn.Module:
    """A network in evaluation mode whose batch normalisations are not identities."""
    model = build_model(replace(config, **settings), 0).eval()
    generator = torch.Generator().manual_seed(1)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.uniform_(-0.3, 0.3, generator=generator)
            module.running_var.uniform_(0.02, 0.1, generator=generator)
            module.weight.data.uniform_(-2, 2, generator=generator)
    return model


def halving_block(config: ModelConfig, **settings: Any) -> BasicBlock:
    """From 2 channels of 8×8 to 4 of 4×4."""
    model = build(config, **settings)
    assert isinstance(model, ResNet)
    block = model.blocks[1]
    assert isinstance(block, BasicBlock)
    return block


def draw(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(2))


def noisy(layer: MapLayer, x: torch.Tensor) -> torch.Tensor:
    """N + x, three masks a channel."""
    return x.repeat_interleave(3, dim=1) + layer.perturb.masks


def combined(layer: MapLayer, maps: torch.Tensor) -> torch.Tensor:
    return functional.conv2d(maps, layer.combine.conv.weight, layer.combine.conv.bias)


def assert_only_these_differ(
    first: nn.Module, second: nn.Module, *, values: set[str], names: set[str]
) -> None:
    """Which entries of the state dict hold other numbers, and which only one of the two has."""
    a, b = first.state_dict(), second.state_dict()
    assert a.keys() ^ b.keys() == names
    assert {name for name in a.keys() & b.keys() if not torch.equal(a[name], b[name])} == values


def before_1x1(order: Order, layer: MapLayer, x: torch.Tensor) -> torch.Tensor:
    maps = noisy(layer, x)
    if order == "noise_conv_bn_relu":
        return maps
    return layer.combine.norm(maps.relu()) if order == "noise_relu_bn_conv" else maps.relu()


@pytest.mark.parametrize(
    "order",
    ["noise_relu_bn_conv", "noise_relu_conv", "noise_relu_conv_bn_relu", "noise_conv_bn_relu"],
)
def test_order_says_what_follows_what_within_a_block(order: Order) -> None:
    block = halving_block(BASE, order=order)
    x = draw(3, 2, 8, 8)
    y = combined(block.first.layer, before_1x1(order, block.first.layer, x))
    if order in ("noise_relu_bn_conv", "noise_relu_conv"):
        y = block.first.norm(functional.max_pool2d(y, 2)).relu()
    else:
        y = functional.max_pool2d(block.first.norm(y).relu(), 2)
    y = block.second.norm(combined(block.second.layer, before_1x1(order, block.second.layer, y)))
    torch.testing.assert_close(block(x), (y + block.shortcut(x)).relu())


@pytest.mark.parametrize("network", ["resnet8", "resnet50", "vgg16", "lenet"])
def test_order_draws_no_other_weights_and_masks(network: str) -> None:
    base = build_model(replace(BASE, network=network, order="noise_relu_conv"), 0)
    for order in ("noise_relu_conv_bn_relu", "noise_conv_bn_relu"):
        other = build_model(replace(BASE, network=network, order=order), 0)
        assert_only_these_differ(base, other, values=set(), names=set())
    published = build_model(replace(BASE, network=network, order="noise_relu_bn_conv"), 0)
    added = published.state_dict().keys() - base.state_dict().keys()
    assert_only_these_differ(base, published, values=set(), names=added)
    assert added
    assert all(".combine.norm." in name for name in added)


def test_order_changes_nothing_of_a_3x3_convolution() -> None:
    config = ModelConfig(dataset=DIGITS, network="resnet8", mask_count=3, layer="conv3x3")
    x = draw(2, 1, 8, 8)
    outputs = [
        build(config, order=order)(x) for order in ("noise_relu_bn_conv", "noise_conv_bn_relu")
    ]
    torch.testing.assert_close(*outputs)


def test_conv1x1_puts_a_plain_1x1_into_the_published_block() -> None:
    config = ModelConfig(dataset=DIGITS, network="resnet8", mask_count=2, layer="conv1x1")
    block = halving_block(config)
    x = draw(3, 2, 8, 8)
    first, second = block.first.layer, block.second.layer
    y = functional.max_pool2d(functional.conv2d(x, first.weight, first.bias), 2)
    y = functional.conv2d(block.first.norm(y).relu(), second.weight)
    torch.testing.assert_close(block(x), (block.second.norm(y) + block.shortcut(x)).relu())


@pytest.mark.parametrize("order", ["noise_relu_conv_bn_relu", "noise_conv_bn_relu"])
def test_conv1x1_is_normalised_before_the_pool_where_the_order_says_so(order: Order) -> None:
    """As M. Klachko's `filter_size=1`: 1×1 → BN → ReLU → pool, then 1×1 → BN."""
    config = ModelConfig(dataset=DIGITS, network="resnet8", mask_count=2, layer="conv1x1")
    # A max-pool passes through a normalisation that only scales up; an average does not.
    config = replace(config, pooling="average")
    block, default = halving_block(config, order=order), halving_block(config)
    x = draw(3, 2, 8, 8)
    first, second = block.first.layer, block.second.layer
    y = block.first.norm(functional.conv2d(x, first.weight, first.bias)).relu()
    y = functional.conv2d(functional.avg_pool2d(y, 2), second.weight)
    torch.testing.assert_close(block(x), (block.second.norm(y) + block.shortcut(x)).relu())
    assert not torch.allclose(block(x), default(x))


@pytest.mark.parametrize("order", ["noise_relu_bn_conv", "noise_relu_conv"])
def test_other_orders_are_left_out_of_what_is_said_of_conv1x1(order: Order) -> None:
    config = ModelConfig(dataset=DIGITS, layer="conv1x1", order=order)
    assert "order" not in TrialConfig(model=config).parameters()


def test_conv1x1_is_a_perturbation_network_without_noise_relu_and_norm() -> None:
    config = ModelConfig(dataset=DIGITS, mask_count=4, order="noise_relu_conv")
    assert (
        count_costs(replace(config, layer="conv1x1")).learnable_params
        == count_costs(config).learnable_params
    )


def test_shared_masks_are_the_same_for_all_channels() -> None:
    mask = MaskConfig(noise_level=1.0, unique_masks=False)
    block = halving_block(BASE, mask=mask, order="noise_relu_conv")
    layer = block.first.layer
    assert layer.perturb.masks.shape == (1, 3, 8, 8)
    x = draw(3, 2, 8, 8)
    maps = torch.cat(
        [x[:, [channel]] + layer.perturb.masks[:, [j]] for channel in (0, 1) for j in (0, 1, 2)],
        dim=1,
    )
    torch.testing.assert_close(layer(x), combined(layer, maps.relu()))


def test_shared_masks_change_no_weights() -> None:
    base, shared = build(BASE), build(BASE, mask=MaskConfig(unique_masks=False))
    masks = {name for name in base.state_dict() if name.endswith(".masks")}
    a, b = base.state_dict(), shared.state_dict()
    assert a.keys() == b.keys()
    assert all(torch.equal(a[name], b[name]) for name in a.keys() - masks)


def test_trained_masks_start_as_the_fixed_ones_and_change_nothing_else() -> None:
    fixed = build(BASE, mask=MaskConfig(noise_level=0.5))
    trained = build(BASE, mask=MaskConfig(noise_level=0.5, trained_masks=True))
    x = draw(2, 1, 8, 8)
    torch.testing.assert_close(trained(x), fixed(x))
    masks = {name for name in fixed.state_dict() if name.endswith(".masks")}
    assert_only_these_differ(fixed, trained, values=masks, names=set())
    learnable = {name for name, _ in trained.named_parameters()}
    assert learnable - {name for name, _ in fixed.named_parameters()} == masks


def test_trained_masks_are_learned_at_the_scale_of_their_level() -> None:
    """They hold N/ℓ: a gradient step of 1 on N/ℓ moves N by ℓ."""
    mask = MaskConfig(noise_level=0.5, trained_masks=True)
    layer = halving_block(BASE, mask=mask, order="noise_conv_bn_relu").first.layer
    assert 0.9 < layer.perturb.masks.abs().max() <= 1.0
    layer(draw(1, 2, 8, 8)).sum().backward()
    weight = layer.combine.conv.weight.detach().sum(dim=0)[:, 0, 0]
    expected = 0.5 * weight.view(1, -1, 1, 1).expand_as(layer.perturb.masks)
    torch.testing.assert_close(layer.perturb.masks.grad, expected)


@pytest.mark.parametrize("unique", [True, False])
def test_trained_masks_are_learnable_and_no_mask_values(unique: bool) -> None:
    fixed = count_costs(replace(BASE, mask=MaskConfig(unique_masks=unique)))
    trained = count_costs(replace(BASE, mask=MaskConfig(unique_masks=unique, trained_masks=True)))
    assert fixed.mask_values > 0
    assert trained.mask_values == 0
    assert trained.learnable_params == fixed.learnable_params + fixed.mask_values


def test_a_grouped_1x1_combines_the_maps_of_each_channel_alone() -> None:
    layer = halving_block(BASE, grouped=True, order="noise_relu_conv").first.layer
    x = draw(3, 2, 8, 8)
    maps, conv = noisy(layer, x).relu(), layer.combine.conv
    alone = [
        functional.conv2d(maps[:, 3 * c : 3 * c + 3], conv.weight[2 * c : 2 * c + 2])
        for c in (0, 1)
    ]
    torch.testing.assert_close(layer(x), torch.cat(alone, dim=1) + conv.bias.view(1, -1, 1, 1))


def test_grouping_changes_the_1x1s_alone() -> None:
    base, grouped = build(BASE).state_dict(), build(BASE, grouped=True).state_dict()
    assert {n for n in base if base[n].shape != grouped[n].shape} == {
        n for n in base if n.endswith("layer.combine.conv.weight")
    }
    assert all(torch.equal(base[n], grouped[n]) for n in base if n.endswith(".masks"))


def test_mixing_adds_bn_relu_and_a_full_1x1_behind_the_first() -> None:
    """With `noise_relu_conv_bn_relu`: noise → ReLU → 1×1 → BN → ReLU → 1×1 → BN → ReLU → pool."""
    settings: dict[str, Any] = {"grouped": True, "order": "noise_relu_conv_bn_relu"}
    unit = halving_block(BASE, mix_maps=True, **settings).first
    norm, _, mix = unit.layer.combine.mix
    x = draw(3, 2, 8, 8)
    first = unit.layer.combine.conv
    y = functional.conv2d(noisy(unit.layer, x).relu(), first.weight, first.bias, groups=2)
    y = functional.conv2d(norm(y).relu(), mix.weight, mix.bias)
    expected = functional.max_pool2d(unit.norm(y).relu(), 2)
    torch.testing.assert_close(unit(x), expected)

    plain, mixing = build(BASE, **settings), build(BASE, mix_maps=True, **settings)
    assert all(
        ".combine.mix." in name for name in mixing.state_dict().keys() ^ plain.state_dict().keys()
    )


@pytest.mark.parametrize("network", ["resnet8", "resnet50", "vgg16", "lenet"])
def test_average_pooling_replaces_max_pooling_everywhere_but_in_the_stem(
    network: str,
) -> None:
    config = replace(BASE, network=network, first_layer=replace(BASE.first_layer, stem="conv7x7"))
    maximum, average = (
        build_model(replace(config, pooling=pooling), 0) for pooling in ("max", "average")
    )
    assert_only_these_differ(maximum, average, values=set(), names=set())
    pools = [type(m) for m in maximum.modules() if isinstance(m, nn.MaxPool2d | nn.AvgPool2d)]
    swapped = [type(m) for m in average.modules() if isinstance(m, nn.MaxPool2d | nn.AvgPool2d)]
    assert pools[0] is swapped[0] is nn.MaxPool2d
    assert set(pools[1:]) == {nn.MaxPool2d}
    assert swapped[1:] == [nn.AvgPool2d] * len(pools[1:])


def test_an_average_is_over_the_pixels_that_are_there() -> None:
    data = DatasetShape(channels=1, height=9, width=9, classes=10)
    unit = halving_block(replace(BASE, dataset=data), pooling="average").first
    y = unit.pool(torch.arange(81.0).view(1, 1, 9, 9))
    assert y.shape == (1, 1, 5, 5)
    assert y[0, 0, 4, 4] == 80.0
    assert y[0, 0, 0, 0] == (0 + 1 + 9 + 10) / 4


def test_normal_noise_changes_the_masks_alone() -> None:
    base = build(BASE)
    normal = build(BASE, mask=MaskConfig(noise_distribution="normal"))
    masks = {name for name in base.state_dict() if name.endswith(".masks")}
    assert_only_these_differ(base, normal, values=masks, names=set())


def test_bn_relu_before_the_addition_adds_a_relu_there() -> None:
    bn, bn_relu = (halving_block(BASE, before_addition=b) for b in ("bn", "bn_relu"))
    assert_only_these_differ(bn, bn_relu, values=set(), names=set())
    x = draw(3, 2, 8, 8)
    y = bn.second(bn.first(x))
    assert (y < 0).any()
    torch.testing.assert_close(bn(x), (y + bn.shortcut(x)).relu())
    torch.testing.assert_close(bn_relu(x), (y.relu() + bn.shortcut(x)).relu())


def test_bn_relu_before_the_addition_adds_a_relu_to_a_bottleneck_too() -> None:
    networks = [build(BASE, network="resnet50", before_addition=b) for b in ("bn", "bn_relu")]
    bn, bn_relu = (network.blocks[0] for network in networks)
    assert isinstance(bn, BottleneckBlock)
    x = draw(3, 2, 8, 8)
    y = bn.expand(bn.spatial(bn.reduce(x)))
    assert (y < 0).any()
    torch.testing.assert_close(bn(x), (y + bn.shortcut(x)).relu())
    torch.testing.assert_close(bn_relu(x), (y.relu() + bn.shortcut(x)).relu())


@pytest.mark.parametrize("network", ["resnet8", "resnet50", "vgg16", "lenet"])
def test_dropout_changes_nothing_but_features_in_training(network: str) -> None:
    config = replace(BASE, network=network)
    without, with_dropout = build(config), build(config, dropout=0.5)
    assert_only_these_differ(without, with_dropout, values=set(), names=set())
    x = draw(2, 1, 8, 8)
    torch.testing.assert_close(without(x), with_dropout(x))
    assert isinstance(with_dropout, ResNet | PlainNetwork)
    *before, last = with_dropout.classify
    features = torch.ones(1000, last.in_features)
    assert isinstance(before[-1], nn.Dropout)
    dropped = before[-1].train()(features)
    assert set(dropped.unique().tolist()) == {0.0, 2.0}
    assert (dropped == 0).float().mean() == pytest.approx(0.5, abs=0.05)
