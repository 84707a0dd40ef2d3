"""Network in Network is that of Lin et al., 2014, with any layer in the places of its kernels."""

from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

from pnn_core.config import DatasetShape, ModelConfig, StemConfig, TrialConfig
from pnn_core.layers.perturbation import Perturbation
from pnn_core.models.build import build_model
from pnn_core.models.costs import count_costs
from pnn_core.models.nin import NetworkInNetwork

CIFAR = DatasetShape(channels=3, height=32, width=32, classes=10)
PUBLISHED_PARAMS = 966_986
"""Weights and biases of the network that the authors' definition for CIFAR-10 gives, each layer as
(k² · inputs + 1) · outputs: 14,592 + 30,880 + 15,456 + 460,992 + 2 · 37,056 + 331,968 + 37,056 +
1,930."""


def config(layer: str = "conv3x3", **settings: Any) -> ModelConfig:
    base = {"dataset": CIFAR, "mask_count": 12, "first_layer": StemConfig(stem="conv5x5")}
    return ModelConfig(network="nin", layer=layer, **base | settings)


def test_the_published_network_has_966986_parameters() -> None:
    costs = count_costs(config(mask_count=192))
    assert (costs.learnable_params, costs.mask_values) == (PUBLISHED_PARAMS, 0)


def test_it_computes_the_published_sequence() -> None:
    network = build_model(config(), 0).eval()
    convolutions = [m for m in network.modules() if isinstance(m, nn.Conv2d)]
    assert [(c.kernel_size[0], c.in_channels, c.out_channels) for c in convolutions] == [
        (5, 3, 12),
        (1, 12, 10),
        (1, 10, 6),
        (5, 6, 12),
        (1, 12, 12),
        (1, 12, 12),
        (3, 12, 12),
        (1, 12, 12),
        (1, 12, 10),
    ]
    x = images = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    for number, conv in enumerate(convolutions):
        x = functional.conv2d(x, conv.weight, conv.bias, padding=conv.kernel_size[0] // 2).relu()
        if number == 2:
            x = functional.max_pool2d(x, 3, stride=2, padding=1)
        if number == 5:
            x = functional.avg_pool2d(x, 3, stride=2, padding=1, count_include_pad=False)
    torch.testing.assert_close(network(images), x.mean(dim=(2, 3)))
    assert x.shape[2:] == (8, 8)


@pytest.mark.parametrize(
    ("order", "normalised"),
    [
        ("noise_relu_bn_conv", ["layers.6.layer.combine.norm", "layers.13.layer.combine.norm"]),
        ("noise_relu_conv_bn_relu", ["layers.6.norm", "layers.13.norm"]),
        ("noise_relu_conv", []),
    ],
)
def test_only_the_order_of_a_perturbation_layer_normalises(
    order: str, normalised: list[str]
) -> None:
    network = build_model(config("perturbation", order=order), 0)
    norms = [name for name, m in network.named_modules() if isinstance(m, nn.BatchNorm2d)]
    assert norms == normalised


def test_masks_are_those_of_the_widths_before_each_layer() -> None:
    network = build_model(config("perturbation", mask_count=24, fan_out=2), 0)
    masks = [m.masks.shape[1:] for m in network.modules() if isinstance(m, Perturbation)]
    assert masks == [(12, 16, 16), (24, 8, 8)]


def test_dropout_stands_behind_both_pools_and_nowhere_else() -> None:
    network = build_model(config(dropout=0.5), 0)
    assert isinstance(network, NetworkInNetwork)
    before = [
        type(network.layers[i - 1])
        for i, module in enumerate(network.layers)
        if isinstance(module, nn.Dropout)
    ]
    assert before == [nn.MaxPool2d, nn.AvgPool2d]
    assert sum(isinstance(m, nn.Dropout) for m in network.modules()) == len(before)


def test_its_pools_are_its_own_and_no_setting() -> None:
    assert "pooling" not in TrialConfig(model=config(pooling="average")).parameters()


def test_images_that_are_too_small_for_it_are_refused() -> None:
    def shape(height: int, width: int) -> DatasetShape:
        return DatasetShape(channels=1, height=height, width=width, classes=2)

    assert build_model(config(dataset=shape(5, 6)), 0)(torch.zeros(1, 1, 5, 6)).shape == (1, 2)
    with pytest.raises(ValueError, match=r"network \(=nin\) needs .* 5 pixels a side, not 9×4"):
        config(dataset=shape(9, 4))
