"""Every stem is what its entry says."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from pnn_core.architecture.parameter_count import count_learnable_params
from pnn_core.config import DatasetShape, ModelConfig, StemConfig, TrialConfig
from pnn_core.layers.perturbation import Perturbation
from pnn_core.models.build import build_model
from pnn_core.models.costs import count_costs
from pnn_core.parts.networks import NETWORKS
from pnn_core.parts.stems import STEM_SETTINGS, STEMS
from pnn_core.replicates.batched_modules import DropoutGenerators, batched_network
from pnn_core.rng.mask_regeneration import describe_draw, mask_places, replay_masks
from pnn_core.rng.seeds import Seeds

DATA = DatasetShape(channels=2, height=11, width=10, classes=3)
CHANGED: dict[str, Any] = {
    "stem_noise_level": 0.7,
    "stem_fan_out": 3,
    "stem_activation": "sigmoid",
}
"""A value beside the default of each setting that some stem uses."""

each_stem = pytest.mark.parametrize("stem", [*STEMS])


def config(stem: str, network: str = "resnet8", **settings: Any) -> ModelConfig:
    first_layer = StemConfig(stem=stem, **settings)
    return ModelConfig(
        dataset=DATA, network=network, layer="conv1x1", mask_count=4, first_layer=first_layer
    )


def logits(model: ModelConfig) -> torch.Tensor:
    images = torch.randn(3, 2, 11, 10, dtype=torch.float64, generator=torch.Generator())
    with torch.no_grad():
        given: torch.Tensor = build_model(model, 0).double()(images)
    return given


def test_every_setting_that_a_stem_uses_is_tried_here() -> None:
    assert set(CHANGED) == STEM_SETTINGS


@each_stem
@pytest.mark.parametrize("name", sorted(CHANGED))
def test_a_stem_uses_what_it_says_and_nothing_else(stem: str, name: str) -> None:
    base, changed = config(stem), config(stem, **{name: CHANGED[name]})
    keys = [TrialConfig(model=model).parameters() for model in (base, changed)]
    is_used = name in STEMS[stem].uses
    assert (keys[0] != keys[1]) == is_used
    assert torch.allclose(logits(base), logits(changed), rtol=1e-9, atol=1e-9) != is_used


@each_stem
@pytest.mark.parametrize("network", [*NETWORKS])
def test_closed_form_and_shape_are_those_of_the_module(stem: str, network: str) -> None:
    model = config(stem, network)
    assert count_learnable_params(model) == count_costs(model).learnable_params
    shape = STEMS[stem].outputs(model)
    given = build_model(replace(model, network="resnet8"), 0).get_submodule("stem")(
        torch.zeros(2, 2, 11, 10)
    )
    assert given.shape == (2, shape.channels, shape.height, shape.width)


@each_stem
def test_masks_of_a_stem_are_drawn_again_without_torch(stem: str) -> None:
    trial = TrialConfig(model=config(stem), seed=3)
    network = build_model(trial.model, Seeds.of(trial))
    noise = [part.noise()[0] for part in network.modules() if isinstance(part, Perturbation)]
    assert mask_places(trial.model) == (("stem",) if noise else ())
    if noise:
        drawn = replay_masks(describe_draw(trial, "stem"))
        np.testing.assert_allclose(drawn, noise[0].numpy(), rtol=0, atol=2e-7)


@each_stem
def test_packed_replicates_give_what_each_gives_alone(stem: str) -> None:
    alone = [build_model(config(stem), seed).double() for seed in range(2)]
    packed = batched_network(alone, DropoutGenerators(torch.device("cpu"))).double()
    images = torch.randn(2, 4, 2, 11, 10, dtype=torch.float64, generator=torch.Generator())
    with torch.no_grad():
        expected = [one.eval()(each) for one, each in zip(alone, images, strict=True)]
        given = packed.eval()(images.transpose(0, 1).flatten(1, 2))
    torch.testing.assert_close(given, torch.cat(expected, dim=1), rtol=1e-9, atol=1e-9)
