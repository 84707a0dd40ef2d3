"""A seed gives a network, and each purpose has a generator of its own."""

from dataclasses import replace

import pytest
import torch

from pnn_core.config import DatasetShape, MaskConfig, ModelConfig, StemConfig
from pnn_core.models.build import build_model
from pnn_core.parts.layers import SPATIAL_LAYERS
from pnn_core.parts.networks import NETWORKS
from pnn_core.rng.seeds import Seeds

DIGITS = DatasetShape(channels=1, height=8, width=8, classes=10)
FIXED = (".masks", ".filters", "stem.0.weight")
"""How the names of fixed numbers end, where the stem is frozen."""


def state(config: ModelConfig, seeds: Seeds | int) -> dict[str, torch.Tensor]:
    """What a seed decides: not the statistics and weights of batch normalisation."""
    values = build_model(config, seeds).state_dict()
    return {
        name: v for name, v in values.items() if v.is_floating_point() and v.unique().numel() > 1
    }


@pytest.mark.parametrize("layer", ["perturbation", "local_binary"])
@pytest.mark.parametrize("network", ["resnet8", "lenet"])
def test_the_masks_seed_draws_what_is_fixed_and_the_other_what_is_learned(
    network: str, layer: str
) -> None:
    config = ModelConfig(
        dataset=DIGITS,
        network=network,
        layer=layer,
        mask_count=4,
        first_layer=StemConfig(stem="conv3x3_frozen"),
    )
    base = state(config, 1)
    fixed = {name for name in base if name.endswith(FIXED)}
    for seeds, changed in (
        (Seeds(initialisation=1, masks=2, data_order=1), fixed),
        (Seeds(initialisation=2, masks=1, data_order=1), base.keys() - fixed),
        (Seeds(initialisation=1, masks=1, data_order=2), set()),
    ):
        other = state(config, seeds)
        assert {name for name in base if not torch.equal(base[name], other[name])} == changed


def test_one_seed_stands_for_all_purposes() -> None:
    config = ModelConfig(dataset=DIGITS, network="resnet8", mask_count=4)
    base, same = state(config, 3), state(config, Seeds.same(3))
    assert all(torch.equal(base[name], same[name]) for name in base)


def test_weights_and_masks_of_a_seed_stay_what_they_were() -> None:
    """Numbers of earlier releases: a stored study's networks can be built again."""
    values = state(ModelConfig(dataset=DIGITS, network="resnet8", mask_count=4), 0)
    masks = values["blocks.0.first.layer.perturb.masks"]
    weight = values["blocks.2.second.layer.combine.conv.weight"]
    assert [round(masks[0, 0, 0, 0].item(), 6), round(weight[0, 0, 0, 0].item(), 6)] == [
        0.088996,
        0.155845,
    ]


@pytest.mark.parametrize("layer", SPATIAL_LAYERS)
@pytest.mark.parametrize("network", NETWORKS)
def test_a_training_step_reaches_every_learnable_weight(network: str, layer: str) -> None:
    config = ModelConfig(
        dataset=DatasetShape(channels=3, height=13, width=12, classes=4),
        network=network,
        layer=layer,
        mask_count=2,
        mask=MaskConfig(trained_masks=layer == "perturbation"),
        mix_maps=layer == "perturbation",
        order="noise_conv_bn_relu",
        before_addition="bn_relu",
        dropout=0.1,
        first_layer=StemConfig(stem="conv3x3_frozen"),
    )
    model = build_model(config, 0).train().to(memory_format=torch.channels_last)
    model(torch.randn(8, 3, 13, 12)).square().sum().backward()
    without = {name for name, p in model.named_parameters() if p.grad is None}
    # Filters that stay random are the only other weights that are not learned.
    assert {name for name in without if not name.endswith("perturb.conv.weight")} == {
        "stem.0.weight"
    }
    assert (len(without) > 1) == (layer == "random_depthwise")
    assert not any(dict(model.named_parameters())[name].requires_grad for name in without)
    assert all(p.grad.isfinite().all() for p in model.parameters() if p.grad is not None)


def test_zero_noise_leaves_a_network_that_no_masks_seed_changes() -> None:
    config = ModelConfig(dataset=DIGITS, network="resnet8", mask_count=4)
    without = replace(config, mask=MaskConfig(noise_level=0.0))
    x = torch.randn(2, 1, 8, 8, dtype=torch.float64)
    seeds = [Seeds(initialisation=0, masks=masks, data_order=0) for masks in (1, 2)]
    one, other = (build_model(without, s).double().eval()(x) for s in seeds)
    torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)
    one, other = (build_model(config, s).double().eval()(x) for s in seeds)
    assert not torch.allclose(one, other)


def test_building_leaves_torchs_random_state_alone() -> None:
    before = torch.random.get_rng_state()
    build_model(ModelConfig(dataset=DIGITS, network="resnet8", mask_count=4), 0)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_building_seeds_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    seeded: list[int] = []
    monkeypatch.setattr(torch.cuda, "manual_seed_all", seeded.append)
    build_model(ModelConfig(dataset=DIGITS, network="resnet8", mask_count=4), 0)
    assert seeded == []
