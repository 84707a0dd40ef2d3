"""Every layer, stem and network can begin with the weights that the published codes draw."""

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn

from pnn_core.config import DatasetShape, ModelConfig, StemConfig
from pnn_core.models.build import build_model
from pnn_core.parts.layers import SPATIAL_LAYERS
from pnn_core.parts.networks import NETWORKS
from pnn_core.parts.stems import STEMS
from pnn_core.rng.seeds import Seeds

DATA = DatasetShape(channels=3, height=16, width=16, classes=10)
SEEDS = Seeds.same(0)

each_layer = pytest.mark.parametrize("layer", [*SPATIAL_LAYERS])
each_stem = pytest.mark.parametrize("stem", [*STEMS])
each_network = pytest.mark.parametrize("network", [*NETWORKS])


def build(seeds: Seeds = SEEDS, *, published: bool = True, **settings: Any) -> nn.Module:
    base = {"network": "resnet8", "mask_count": 32}
    config = ModelConfig(dataset=DATA, **base | settings)
    return build_model(replace(config, initialisation="published" if published else "torch"), seeds)


def convolutions(built: nn.Module) -> dict[str, nn.Conv2d]:
    return {n: m for n, m in built.named_modules() if isinstance(m, nn.Conv2d)}


def require_published(built: nn.Module) -> None:
    """Compare each convolution's weights with N(0, √(2 / (k²·q))), by mean, deviation and tail."""
    for name, conv in convolutions(built).items():
        weight, count = conv.weight.detach().double(), conv.weight.numel()
        deviation = math.sqrt(2 / (conv.kernel_size[0] ** 2 * conv.out_channels))
        scaled = weight / deviation
        # Five deviations of each statistic: 1/√n, 1/√(2n) and √(0.68 · 0.32 / n).
        assert abs(scaled.mean()) < 5 / math.sqrt(count), name
        assert abs(scaled.square().mean().sqrt() - 1) < 5 / math.sqrt(2 * count), name
        within = (scaled.abs() < 1).double().mean()
        assert abs(within - 0.6827) < 5 * math.sqrt(0.2166 / count), name


@each_layer
@each_network
def test_every_convolution_of_every_layer_is_drawn_as_published(layer: str, network: str) -> None:
    require_published(build(layer=layer, network=network))


@each_stem
def test_every_stem_is_drawn_as_published(stem: str) -> None:
    require_published(build(first_layer=StemConfig(stem=stem)))


@each_layer
@each_stem
def test_nothing_but_convolution_weights_differs_from_torchs(layer: str, stem: str) -> None:
    """So masks, fixed filters, biases, normalisations and linear layers stay as they were."""
    settings: dict[str, Any] = {"layer": layer, "first_layer": StemConfig(stem=stem)}
    torchs = build(published=False, **settings)
    ours = build(**settings)
    changed = {f"{name}.weight" for name in convolutions(ours)}
    before, after = torchs.state_dict(), ours.state_dict()
    assert before.keys() == after.keys()
    assert {name for name in before if not torch.equal(before[name], after[name])} == changed
    frozen = [[p.requires_grad for p in built.parameters()] for built in (torchs, ours)]
    assert frozen[0] == frozen[1]


@each_stem
def test_each_seed_decides_over_its_own_weights(stem: str) -> None:
    """Frozen weights grow again from the masks' seed, the others from that of initialisation."""
    first_layer = StemConfig(stem=stem)
    base, *others = (
        convolutions(build(seeds, first_layer=first_layer))
        for seeds in (
            SEEDS,
            Seeds(initialisation=1, masks=0, data_order=0),
            Seeds(initialisation=0, masks=1, data_order=1),
        )
    )
    for is_frozen, other in zip((True, False), others, strict=True):
        for name, conv in base.items():
            same = torch.equal(conv.weight, other[name].weight)
            assert same == (conv.weight.requires_grad != is_frozen), name


def test_the_deviations_are_those_of_the_published_networks() -> None:
    """2.45 times torch's for a 1×1 of 128 to 128 channels, 0.38 times it for the 7×7 stem."""
    for kernel, inputs, ratio in ((1, 128, 2.45), (7, 3, 0.38)):
        conv = nn.Conv2d(inputs, 128, kernel_size=kernel)
        published = math.sqrt(2 / (kernel**2 * 128))
        assert published / conv.weight.std().item() == pytest.approx(ratio, rel=0.02)
