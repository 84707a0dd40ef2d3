"""Every spatial layer is what its entry says, in every network that can hold it."""

from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from pnn_core.architecture.matched_size import control
from pnn_core.architecture.parameter_count import count_learnable_params
from pnn_core.config import DatasetShape, MaskConfig, ModelConfig, TrialConfig
from pnn_core.layers.perturbation import Perturbation
from pnn_core.models.build import build_model
from pnn_core.models.costs import count_costs
from pnn_core.parts.layers import LAYER_SETTINGS, SPATIAL_LAYERS
from pnn_core.parts.networks import NETWORKS
from pnn_core.replicates.batched_modules import DropoutGenerators, batched_network
from pnn_core.rng.mask_regeneration import describe_draw, mask_places, replay_masks
from pnn_core.rng.seeds import Seeds

DATA = DatasetShape(channels=2, height=11, width=10, classes=3)
WIDTH = 4
CHANGED: dict[str, Any] = {
    "fan_out": 4,
    "order": "noise_conv_bn_relu",
    "grouped": True,
    "mix_maps": True,
    "noise_level": 0.7,
    "noise_distribution": "normal",
    "unique_masks": False,
    "trained_masks": True,
    "nonzero_share": 0.2,
}
"""A value beside the default of each setting that some layer uses."""

each_layer = pytest.mark.parametrize("layer", [*SPATIAL_LAYERS])
# Built as resnet20 is, of more blocks.
DEEPER = ("resnet56", "resnet110")
each_network = pytest.mark.parametrize("network", [n for n in NETWORKS if n not in DEEPER])


def config(layer: str, network: str = "resnet8", **settings: Any) -> ModelConfig:
    """Describe a network of `WIDTH`, whatever its fan-out."""
    # Masks of one channel can be unique only where a channel has several.
    base = {"fan_out": 2} if settings.get("unique_masks") is False else {}
    chosen = {"layer": layer, "network": network, **base, **settings}
    chosen["mask_count"] = WIDTH * chosen.get("fan_out", 1)
    return TrialConfig(model=ModelConfig(dataset=DATA)).with_parameters(chosen).model


def settings_of(layer: str) -> Iterator[tuple[str, ModelConfig, ModelConfig]]:
    """Give each setting that a layer uses, without it and with it."""
    for name in sorted(SPATIAL_LAYERS[layer].uses):
        base = {"fan_out": 2} if name == "unique_masks" else {}
        yield name, config(layer, **base), config(layer, **base, **{name: CHANGED[name]})


def run_key(model: ModelConfig) -> dict[str, Any]:
    return TrialConfig(model=model).parameters()


def built(model: ModelConfig) -> tuple[dict[str, torch.Tensor], set[str], torch.Tensor]:
    """Give all numbers of a network, names of those that are learned, and its logits."""
    network = build_model(model, 0).double()
    learned = {name for name, values in network.named_parameters() if values.requires_grad}
    images = torch.randn(3, 2, 11, 10, dtype=torch.float64, generator=torch.Generator())
    with torch.no_grad():
        return network.state_dict(), learned, network.train()(images)


def is_the_same(one: ModelConfig, other: ModelConfig) -> bool:
    (a, a_learned, a_logits), (b, b_learned, b_logits) = built(one), built(other)
    return (
        a.keys() == b.keys()
        and a_learned == b_learned
        and all(a[name].shape == b[name].shape and torch.equal(a[name], b[name]) for name in a)
        and torch.allclose(a_logits, b_logits, rtol=1e-9, atol=1e-9)
    )


def test_every_setting_that_a_layer_uses_is_tried_here() -> None:
    known = {f.name for owner in (ModelConfig, MaskConfig) for f in fields(owner)}
    assert known >= LAYER_SETTINGS
    assert set(CHANGED) == LAYER_SETTINGS


@each_layer
def test_what_a_layer_uses_changes_the_network_and_its_run_key(layer: str) -> None:
    for name, base, changed in settings_of(layer):
        assert name in run_key(changed), name
        assert run_key(changed) != run_key(base), name
        assert not is_the_same(base, changed), (
            f"{layer} says that it uses {name}, which changes nothing: two run keys would tell one "
            "network apart"
        )


@each_layer
def test_what_a_layer_does_not_use_is_refused_or_changes_nothing(layer: str) -> None:
    base = config(layer)
    for name in sorted(LAYER_SETTINGS - SPATIAL_LAYERS[layer].uses):
        assert name not in run_key(base)
        try:
            changed = replace_setting(base, name)
        except ValueError as error:
            assert f"{name} (={CHANGED[name]})" in str(error)
            assert layer in str(error)
        else:
            assert run_key(changed) == run_key(base), name
            assert is_the_same(base, changed), f"{layer} must say that it uses {name}"


def replace_setting(base: ModelConfig, name: str) -> ModelConfig:
    return TrialConfig(model=base).with_parameters({name: CHANGED[name]}).model


@each_layer
def test_an_idle_fan_out_is_refused(layer: str) -> None:
    model = config(layer)
    if "fan_out" in SPATIAL_LAYERS[layer].uses:
        four = replace(model, fan_out=4, mask_count=4 * WIDTH)
        assert four.width == model.width
        assert count_learnable_params(four) > count_learnable_params(model)
    else:
        with pytest.raises(ValueError, match=rf"fan_out \(=4\) must be 1 with layer \(={layer}\)"):
            replace(model, fan_out=4)


@each_layer
@pytest.mark.parametrize("original", [*SPATIAL_LAYERS])
def test_a_control_keeps_only_what_its_layer_uses(layer: str, original: str) -> None:
    for _, _, changed in settings_of(original):
        found = control(changed, layer).model
        assert found.layer == layer
        unused = {"fan_out", "grouped", "mix_maps", "trained_masks"} - SPATIAL_LAYERS[layer].uses
        plain = {"fan_out": 1, "grouped": False, "mix_maps": False, "trained_masks": False}
        for name in unused:
            owner = found.mask if name == "trained_masks" else found
            assert getattr(owner, name) == plain[name], name
        used = SPATIAL_LAYERS[layer].uses & SPATIAL_LAYERS[original].uses - {"fan_out"}
        kept, had = run_key(found), run_key(changed)
        assert {n: kept[n] for n in used if n in kept} == {n: had[n] for n in used if n in kept}


@each_layer
def test_a_control_of_a_network_with_a_fan_out_keeps_no_idle_one(layer: str) -> None:
    found = control(config("perturbation", fan_out=4), layer).model
    if found.fan_out > 1:
        single = replace(found, fan_out=1, mask_count=found.width)
        assert count_learnable_params(found) > count_learnable_params(single)


@each_layer
@each_network
def test_the_closed_form_equals_a_count_on_the_module(layer: str, network: str) -> None:
    models = [config(layer, network)]
    models += [replace(changed, network=network) for _, _, changed in settings_of(layer)]
    for model in models:
        assert count_learnable_params(model) == count_costs(model).learnable_params


@each_layer
def test_macs_equal_torchs_own_count(
    layer: str, use_plain_operators: Callable[[bool], None]
) -> None:
    use_plain_operators(True)  # the counter knows torch's own alone
    model = config(layer)
    network = build_model(model, 0).eval()
    with FlopCounterMode(display=False) as flops, torch.no_grad():
        network(torch.zeros(1, 2, 11, 10))
    assert count_costs(model).macs == flops.get_total_flops() // 2


@each_layer
def test_fixed_numbers_grow_again_from_the_masks_seed(layer: str) -> None:
    def fixed(seeds: Seeds) -> list[torch.Tensor]:
        network = build_model(config(layer), seeds)
        return [
            values
            for module in network.modules()
            if not isinstance(module, nn.BatchNorm2d)
            for values in (*module.parameters(recurse=False), *module.buffers(recurse=False))
            if not values.requires_grad
        ]

    one = fixed(Seeds(initialisation=1, masks=7, data_order=1))
    again = fixed(Seeds(initialisation=2, masks=7, data_order=2))
    assert all(torch.equal(a, b) for a, b in zip(one, again, strict=True))
    assert sum(values.numel() for values in one) == count_costs(config(layer)).mask_values


@each_layer
@each_network
def test_noise_masks_drawn_again_without_torch_are_those_of_the_network(
    layer: str, network: str
) -> None:
    trial = TrialConfig(model=config(layer, network), seed=3)
    built_network = build_model(trial.model, Seeds.of(trial))
    noise = [part.noise()[0] for part in built_network.modules() if isinstance(part, Perturbation)]
    assert mask_places(trial.model) == (("layer",) if noise else ())
    if noise:
        drawn = replay_masks(describe_draw(trial, "layer"))
        np.testing.assert_allclose(drawn, noise[0].numpy(), rtol=0, atol=2e-7)


@each_layer
@each_network
def test_packed_replicates_give_what_each_gives_alone(layer: str, network: str) -> None:
    models = [config(layer, network)]
    if network == "resnet8":
        models += [changed for _, _, changed in settings_of(layer)]
    for model in models:
        alone = [build_model(model, seed).double() for seed in range(2)]
        packed = batched_network(alone, DropoutGenerators(torch.device("cpu"))).double()
        images = torch.randn(2, 4, 2, 11, 10, dtype=torch.float64, generator=torch.Generator())
        with torch.no_grad():
            # In evaluation: normalised by a batch, a rounding error of a channel that is nearly
            # constant has any size.
            expected = [one.eval()(each) for one, each in zip(alone, images, strict=True)]
            given = packed.eval()(images.transpose(0, 1).flatten(1, 2))
        torch.testing.assert_close(given, torch.cat(expected, dim=1), rtol=1e-9, atol=1e-9)
        sizes = [sum(p.numel() for p in one.parameters()) for one in alone]
        assert sum(p.numel() for p in packed.parameters()) == sum(sizes)


@each_layer
@each_network
def test_a_training_step_is_finite_and_reaches_every_learnable_weight(
    layer: str, network: str
) -> None:
    model = build_model(config(layer, network), 0).train()
    model(torch.randn(6, 2, 11, 10)).square().sum().backward()
    for parameter in (p for p in model.parameters() if p.requires_grad):
        assert parameter.grad is not None
        assert parameter.grad.isfinite().all()


def test_layers_are_told_apart_by_place_and_label() -> None:
    entries = [*SPATIAL_LAYERS.values()]
    assert len({entry.place for entry in entries}) == len(entries)
    assert len({entry.label for entry in entries}) == len(entries)
    assert all(0 < len(entry.label) < 20 for entry in entries)
