"""The residual networks are those of the paper and of torchvision."""

import pytest
import torch
import torchvision
from torch import nn

from pnn_core.config import DatasetShape, ModelConfig, StemConfig
from pnn_core.layers.map_layer import MapLayer
from pnn_core.layers.perturbation import Perturbation
from pnn_core.models.build import build_model
from pnn_core.models.costs import count_costs
from pnn_core.models.resnet import BasicBlock, BottleneckBlock, ResNet, StridedConv1x1

CIFAR = DatasetShape(channels=3, height=32, width=32, classes=10)
IMAGENET = DatasetShape(channels=3, height=224, width=224, classes=1000)
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


@pytest.mark.parametrize(
    ("network", "params"),
    [("resnet18", 11_689_512), ("resnet34", 21_797_672), ("resnet50", 25_557_032)],
)
def test_with_3x3_convolutions_they_are_as_large_as_torchvisions(network: str, params: int) -> None:
    with torch.device("meta"):
        theirs = getattr(torchvision.models, network)()
    config = ModelConfig(
        dataset=IMAGENET, network=network, layer="conv3x3", first_layer=StemConfig(stem="conv7x7")
    )
    costs = count_costs(config)
    assert costs.learnable_params == sum(p.numel() for p in theirs.parameters()) == params
    assert costs.mask_values == 0


@pytest.mark.parametrize("network", ["resnet18", "resnet50"])
def test_with_3x3_convolutions_they_compute_what_torchvisions_do(network: str) -> None:
    """Both list their weights in the same order."""
    data = DatasetShape(channels=3, height=64, width=65, classes=10)
    config = ModelConfig(
        dataset=data, network=network, layer="conv3x3", first_layer=StemConfig(stem="conv7x7")
    )
    ours = build_model(config, 0).eval()
    theirs = getattr(torchvision.models, network)(num_classes=10).eval()
    theirs.load_state_dict(dict(zip(theirs.state_dict(), ours.state_dict().values(), strict=True)))
    x = torch.randn(2, 3, 64, 65, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(ours(x), theirs(x))


def test_the_3x3_resnet18_for_cifar_has_the_usual_size() -> None:
    config = ModelConfig(dataset=CIFAR, layer="conv3x3")
    assert count_costs(config).learnable_params == STANDARD_RESNET18_PARAMS


@pytest.mark.parametrize(("network", "size"), [("resnet20", 269_722), ("resnet110", 1_727_962)])
def test_resnets_for_cifar_have_the_published_size(network: str, size: int) -> None:
    """Of Table 6 of He et al. (0.27 and 1.7 million), counted to the last one."""
    config = ModelConfig(dataset=CIFAR, network=network, layer="conv3x3", mask_count=16)
    assert count_costs(config).learnable_params == size


def test_a_shortcut_without_parameters_picks_pixels_and_adds_channels_of_0() -> None:
    config = ModelConfig(dataset=CIFAR, network="resnet20", layer="conv3x3", mask_count=16)
    shortcuts = [block.shortcut for block in network_of(config).blocks]
    padded = [i for i, s in enumerate(shortcuts) if not isinstance(s, nn.Identity)]
    assert padded == [3, 6]
    x = torch.randn(2, 16, 7, 8)
    y = shortcuts[3](x)
    torch.testing.assert_close(y[:, :16], x[:, :, ::2, ::2], rtol=0, atol=0)
    assert y.shape == (2, 32, 4, 4)
    assert not y[:, 16:].any()


@pytest.mark.parametrize("layer", ["perturbation", "conv3x3", "conv1x1", "local_binary"])
@pytest.mark.parametrize("network", ["resnet8", "resnet18", "resnet34", "resnet50", "resnet20"])
@pytest.mark.parametrize(("size", "stem"), [(8, "conv7x7"), (13, "conv3x3")])
def test_every_network_maps_images_of_any_size_to_logits(
    network: str, layer: str, size: int, stem: str
) -> None:
    shape = DatasetShape(channels=2, height=size, width=size + 1, classes=7)
    config = ModelConfig(
        dataset=shape,
        network=network,
        layer=layer,
        mask_count=2,
        first_layer=StemConfig(stem=stem),
    )
    logits = build_model(config, 0).eval()(torch.randn(3, 2, size, size + 1))
    assert logits.shape == (3, 7)
    assert logits.isfinite().all()


@pytest.mark.parametrize("size", [7, 32, 64])
def test_a_narrow_shortcut_has_the_gradients_of_a_strided_convolution(size: int) -> None:
    """Torch's own strided 1×1 ends the process here, with channels last and 64 pixels."""
    conv = StridedConv1x1(8, 16, stride=2)
    x = torch.randn(4, 8, size, size, requires_grad=True)
    y = nn.functional.conv2d(x, conv.weight, stride=2)
    towards = torch.randn_like(y)
    expected = torch.autograd.grad(y, (x, conv.weight), towards)
    laid_out = x.detach().to(memory_format=torch.channels_last).requires_grad_()
    conv.to(memory_format=torch.channels_last)
    output = conv(laid_out)
    torch.testing.assert_close(output, y)
    towards = towards.to(memory_format=torch.channels_last)
    torch.testing.assert_close(
        torch.autograd.grad(output, (laid_out, conv.weight), towards),
        expected,
        rtol=1e-4,  # sums of thousands of float32, taken in another order
        atol=1e-4,
    )


def test_mask_count_is_the_first_stages_and_grows_with_width() -> None:
    config = ModelConfig(dataset=DIGITS, network="resnet8", mask_count=12, fan_out=3)
    layers = [m for m in build_model(config, 0).modules() if isinstance(m, Perturbation)]
    assert [tuple(layer.masks.shape[1:]) for layer in layers] == [
        (12, 8, 8),
        (12, 8, 8),
        (12, 8, 8),
        (24, 4, 4),
        (24, 4, 4),
        (48, 2, 2),
    ]


def test_a_bottleneck_has_one_perturbation_layer_where_the_3x3_stood() -> None:
    config = ModelConfig(dataset=CIFAR, network="resnet50", mask_count=4)
    block = network_of(config).blocks[3]
    assert isinstance(block, BottleneckBlock)
    assert [tuple(m.masks.shape) for m in block.modules() if isinstance(m, Perturbation)] == [
        (1, 8, 32, 32)
    ]
    convolutions = [m for m in block.modules() if isinstance(m, nn.Conv2d)]
    assert [(c.in_channels, c.out_channels, c.kernel_size) for c in convolutions] == [
        (16, 8, (1, 1)),
        (8, 8, (1, 1)),
        (8, 32, (1, 1)),
        (16, 32, (1, 1)),
    ]
    x = torch.randn(2, 16, 32, 32)
    y = block.reduce[1](nn.functional.conv2d(x, block.reduce[0].weight)).relu()
    y = nn.functional.max_pool2d(perturb(block.spatial.layer, y), 2)
    y = nn.functional.conv2d(block.spatial.norm(y).relu(), block.expand[0].weight)
    shortcut = block.shortcut[1](nn.functional.conv2d(x, block.shortcut[0].weight, stride=2))
    torch.testing.assert_close(block(x), (block.expand[1](y) + shortcut).relu())


def test_the_block_computes_the_published_sequence() -> None:
    """perturb → pool → BN → ReLU → perturb → BN → + shortcut → ReLU, ReLU and BN inside perturb."""
    config = ModelConfig(dataset=DIGITS, network="resnet8", mask_count=4, fan_out=2)
    block = network_of(config).blocks[1]
    assert isinstance(block, BasicBlock)
    for module in block.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.uniform_(-1, 1)
            module.running_var.uniform_(0.5, 2)
    x = torch.randn(3, 2, 8, 8)
    y = nn.functional.max_pool2d(perturb(block.first.layer, x), 2)
    y = block.second.norm(perturb(block.second.layer, block.first.norm(y).relu()))
    shortcut = block.shortcut[1](nn.functional.conv2d(x, block.shortcut[0].weight, stride=2))
    torch.testing.assert_close(block(x), (y + shortcut).relu())


def network_of(config: ModelConfig) -> ResNet:
    model = build_model(config, 0).eval()
    assert isinstance(model, ResNet)
    return model


def perturb(layer: MapLayer, x: torch.Tensor) -> torch.Tensor:
    """The published layer: noise → ReLU → BN → 1×1."""
    combine = layer.combine
    maps = (x.repeat_interleave(layer.perturb.fan_out, dim=1) + layer.perturb.masks).relu()
    return nn.functional.conv2d(combine.norm(maps), combine.conv.weight, combine.conv.bias)
