"""The first layer is the one that was named."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from pnn_core.config import Activation, DatasetShape, MaskConfig, ModelConfig, StemConfig
from pnn_core.layers.perturbation import Perturbation
from pnn_core.models.build import build_model
from pnn_core.models.resnet import ResNet
from pnn_core.parts.stems import STEMS
from pnn_core.rng.seeds import Seeds

ODD = DatasetShape(channels=3, height=9, width=12, classes=4)


def network(first_layer: StemConfig, *, masks: int = 0, **settings: Any) -> ResNet:
    config = ModelConfig(
        dataset=ODD,
        network="resnet8",
        mask_count=4,
        first_layer=first_layer,
        **settings,
    )
    model = build_model(config, Seeds(initialisation=0, masks=masks, data_order=0))
    assert isinstance(model, ResNet)
    return model.eval()


def images() -> torch.Tensor:
    return torch.randn(2, 3, 9, 12, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("stem", ["conv3x3", "conv3x3_frozen", "conv7x7", "perturbation"])
def test_every_first_layer_gives_the_shape_it_promises(stem: str) -> None:
    first_layer = StemConfig(stem=stem, stem_fan_out=5)
    config = ModelConfig(dataset=ODD, mask_count=4, first_layer=first_layer)
    shape = STEMS[config.first_layer.stem].outputs(config)
    given = network(first_layer).stem(images())
    assert given.shape == (2, shape.channels, shape.height, shape.width)


def test_a_7x7_stem_halves_twice_whatever_the_pooling() -> None:
    first_layer = StemConfig(stem="conv7x7")
    stem, average = (network(first_layer, pooling=pooling).stem for pooling in ("max", "average"))
    y = nn.functional.conv2d(images(), stem[0].weight, stride=2, padding=3)
    expected = nn.functional.max_pool2d(stem[1](y).relu(), 3, stride=2, padding=1)
    torch.testing.assert_close(stem(images()), expected)
    torch.testing.assert_close(average(images()), expected)


def test_a_frozen_stem_changes_the_first_weights_and_nothing_else() -> None:
    learned, frozen = network(StemConfig()), network(StemConfig(stem="conv3x3_frozen"))
    state, other = learned.state_dict(), frozen.state_dict()
    assert state.keys() == other.keys()
    assert [name for name in state if not torch.equal(state[name], other[name])] == [
        "stem.0.weight"
    ]
    assert [n for n, p in frozen.named_parameters() if not p.requires_grad] == ["stem.0.weight"]
    # Drawn from the same distribution, U(−1/√27, 1/√27).
    assert frozen.stem[0].weight.abs().max() == pytest.approx(27**-0.5, rel=0.1)


def test_the_masks_seed_alone_regrows_a_frozen_stem() -> None:
    first_layer = StemConfig(stem="conv3x3_frozen")
    weights = [network(first_layer, masks=masks).stem[0].weight for masks in (1, 1, 2)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


@pytest.mark.parametrize(
    ("activation", "formula"),
    [("relu", torch.relu), ("sigmoid", torch.sigmoid), ("none", torch.clone)],
)
def test_a_perturbation_stem_is_noise_activation_1x1_bn_relu(
    activation: Activation, formula: Callable[[torch.Tensor], torch.Tensor]
) -> None:
    first_layer = StemConfig(
        stem="perturbation", stem_noise_level=2.0, stem_fan_out=5, stem_activation=activation
    )
    stem = network(first_layer).stem
    perturb = stem[0]
    assert isinstance(perturb, Perturbation)
    assert perturb.masks.shape == (1, 15, 9, 12)
    assert 1.9 < perturb.masks.abs().max() <= 2.0
    maps = formula(images().repeat_interleave(5, dim=1) + perturb.masks)
    combined = nn.functional.conv2d(maps, stem[2].weight)
    torch.testing.assert_close(stem(images()), stem[3](combined).relu())


def test_the_masks_of_other_layers_do_not_reach_a_perturbation_stem() -> None:
    """So that a control without noise in its layers keeps the stem."""
    first_layer = StemConfig(stem="perturbation", stem_fan_out=5)
    plain = network(first_layer).stem[0]
    mask = MaskConfig(
        noise_level=3.0, noise_distribution="normal", unique_masks=False, trained_masks=True
    )
    for other in (network(first_layer, mask=mask), network(first_layer, layer="conv3x3")):
        assert torch.equal(other.stem[0].masks, plain.masks)
        assert not other.stem[0].masks.requires_grad
