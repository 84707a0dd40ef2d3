"""The closed form of a network's size equals a count on the network."""

import subprocess
import sys
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pnn_core.architecture.parameter_count import count_learnable_params
from pnn_core.config import (
    BeforeAddition,
    DatasetShape,
    MaskConfig,
    ModelConfig,
    Order,
    StemConfig,
)
from pnn_core.models.costs import count_costs
from pnn_core.parts.layers import SPATIAL_LAYERS
from pnn_core.parts.networks import NETWORKS
from pnn_core.parts.stems import STEMS


@st.composite
def configs(draw: st.DrawFn) -> ModelConfig:
    layer = draw(st.sampled_from([*SPATIAL_LAYERS]))
    uses = SPATIAL_LAYERS[layer].uses
    flag = st.booleans() if "grouped" in uses else st.just(False)
    trained = st.booleans() if "trained_masks" in uses else st.just(False)
    fan_out = draw(st.integers(1, 3)) if "fan_out" in uses else 1
    sides = st.one_of(st.integers(8, 40), st.just(224))
    network, width = draw(st.sampled_from([*NETWORKS])), draw(st.integers(1, 6))
    # Groups behind nin's 1×1 of half the width are whole at even widths alone.
    may_group = network != "nin" or width % 2 == 0
    return ModelConfig(
        dataset=DatasetShape(
            channels=draw(st.integers(1, 3)),
            height=draw(sides),
            width=draw(sides),
            classes=draw(st.integers(2, 12)),
        ),
        network=network,
        layer=layer,
        mask_count=fan_out * width,
        fan_out=fan_out,
        mask=MaskConfig(unique_masks=draw(st.booleans()), trained_masks=draw(trained)),
        order=draw(st.sampled_from(get_args(Order))),
        grouped=may_group and draw(flag),
        mix_maps=draw(flag),
        before_addition=draw(st.sampled_from(get_args(BeforeAddition))),
        first_layer=StemConfig(
            stem=draw(st.sampled_from([*STEMS])), stem_fan_out=draw(st.integers(1, 5))
        ),
    )


@settings(max_examples=40, deadline=None)
@given(config=configs())
def test_the_closed_form_equals_a_count_on_the_network(config: ModelConfig) -> None:
    assert count_learnable_params(config) == count_costs(config).learnable_params


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("layer", SPATIAL_LAYERS)
def test_the_closed_form_holds_for_every_layer_in_every_network(network: str, layer: str) -> None:
    data = DatasetShape(channels=3, height=29, width=28, classes=10)
    config = ModelConfig(dataset=data, network=network, layer=layer, mask_count=5)
    assert count_learnable_params(config) == count_costs(config).learnable_params


@pytest.mark.parametrize(
    ("network", "stem", "params"),
    [
        ("resnet18", "conv7x7", 11_689_512),
        ("resnet34", "conv7x7", 21_797_672),
        ("resnet50", "conv7x7", 25_557_032),
        ("vgg16", "conv3x3", 138_365_992),
    ],
)
def test_the_closed_form_gives_torchvisions_sizes(network: str, stem: str, params: int) -> None:
    data = DatasetShape(channels=3, height=224, width=224, classes=1000)
    first_layer = StemConfig(stem=stem)
    config = ModelConfig(dataset=data, network=network, layer="conv3x3", first_layer=first_layer)
    assert count_learnable_params(config) == params


def test_size_and_controls_need_neither_torch_nor_numpy() -> None:
    code = (
        "import sys, pnn_core.architecture.parameter_count, pnn_core.architecture.matched_size; "
        "sys.exit(' '.join({'torch', 'numpy'} & set(sys.modules)) or None)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
