import math
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pnn_core.config import DatasetShape, MaskConfig, ModelConfig, StemConfig, TrialConfig
from pnn_core.layers.masks import draw_masks
from pnn_core.layers.perturbation import Perturbation
from pnn_core.models.build import build_model
from pnn_core.rng.mask_regeneration import MaskDraw, describe_draw, mask_places, replay_masks
from pnn_core.rng.seeds import Seeds

FUSES = torch.backends.cpu.get_cpu_capability() in ("AVX2", "AVX512")
"""Whether torch's uniform numbers are rounded once on this machine."""

levels = st.sampled_from([0.0, 1e-6, 0.017, 0.1, 0.3, 1.0, 5.0]) | st.floats(1e-6, 100)
seeds = st.integers(0, 2**64 - 1) | st.integers(0, 5).map(lambda i: 2**32 * i + 7)
distributions = st.sampled_from(["uniform", "normal"])
mask_configs = st.builds(
    MaskConfig,
    noise_level=levels,
    noise_distribution=distributions,
    unique_masks=st.booleans(),
)
stems = st.builds(
    StemConfig,
    stem=st.sampled_from(["conv3x3", "conv3x3_frozen", "conv7x7", "perturbation"]),
    stem_noise_level=levels,
    stem_fan_out=st.integers(1, 5),
)
sizes = st.integers(1, 12)
shapes = st.builds(
    DatasetShape,
    channels=st.sampled_from([1, 3]),
    height=sizes,
    width=sizes,
    classes=st.just(10),
)


@st.composite
def trials(draw, networks=("resnet8", "lenet")):
    fan_out = draw(st.integers(1, 4))
    mask = draw(mask_configs)
    model = ModelConfig(
        dataset=draw(shapes),
        network=draw(st.sampled_from(networks)),
        mask_count=fan_out * draw(st.integers(1, 4)),
        fan_out=fan_out,
        mask=replace(mask, trained_masks=mask.noise_level > 0 and draw(st.booleans())),
        first_layer=draw(stems),
    )
    own = draw(st.none() | seeds)
    return TrialConfig(model=model, seed=draw(seeds), mask_seed=own)


def assert_same(replayed, drawn, mask):
    assert replayed.dtype == np.float32
    assert replayed.shape == drawn.shape
    if FUSES and mask.noise_distribution == "uniform":
        assert np.array_equal(replayed, drawn)
    else:
        np.testing.assert_allclose(replayed, drawn, rtol=0, atol=2e-6 * mask.noise_level)


def built_masks(trial):
    """The noise of the built network's perturbations, in the order in which it goes through them.

    Without the copies of masks that channels share.
    """
    network = build_model(trial.model, Seeds.of(trial))
    found = [part for part in network.modules() if isinstance(part, Perturbation)]
    return [part.noise().detach()[0, : part.masks.shape[1]].numpy() for part in found]


@settings(max_examples=50, deadline=None)
@given(trials())
def test_masks_drawn_again_are_those_of_the_built_network(trial):
    places = mask_places(trial.model)
    # The first ones: the other perturbation layers follow.
    for place, drawn in zip(places, built_masks(trial), strict=False):
        draw = describe_draw(trial, place)
        assert_same(replay_masks(draw), drawn, draw.mask)


@pytest.mark.parametrize("network", ["resnet18", "resnet50", "vgg16"])
@pytest.mark.parametrize("distribution", ["uniform", "normal"])
def test_large_networks_are_no_exception(network, distribution):
    model = ModelConfig(
        dataset=DatasetShape(channels=3, height=18, width=11, classes=10),
        network=network,
        mask_count=6,
        fan_out=2,
        mask=MaskConfig(noise_distribution=distribution),
    )
    trial = TrialConfig(model=model, seed=3)
    draw = describe_draw(trial, "layer")
    assert (draw.count, draw.height, draw.width) == (6, 18, 11)
    assert_same(replay_masks(draw), built_masks(trial)[0], model.mask)


@settings(max_examples=100, deadline=None)
@given(seeds, st.integers(1, 9), sizes, sizes, distributions, st.none() | st.integers(1, 10))
def test_any_number_of_masks_of_any_size_is_drawn_as_torch_draws_it(
    seed, count, height, width, distribution, limit
):
    mask = MaskConfig(noise_level=0.3, noise_distribution=distribution)
    draw = MaskDraw(place="layer", seed=seed, count=count, height=height, width=width, mask=mask)
    generator = torch.Generator().manual_seed(seed)
    drawn = draw_masks(count, height, width, mask, generator).numpy()
    assert_same(replay_masks(draw, limit), drawn[:limit], mask)


def test_uniform_masks_fill_the_range_and_normal_ones_have_its_variance():
    draw = MaskDraw(place="layer", seed=1, count=64, height=32, width=32, mask=MaskConfig())
    uniform = replay_masks(draw)
    assert -0.1 <= uniform.min() < -0.0999
    assert 0.0999 < uniform.max() <= 0.1 + 1e-8
    normal = replay_masks(replace(draw, mask=MaskConfig(noise_distribution="normal")))
    assert normal.std() == pytest.approx(0.1 / math.sqrt(3), rel=0.01)


@pytest.mark.parametrize(
    ("layer", "stem", "places"),
    [
        ("perturbation", "conv3x3", ("layer",)),
        ("perturbation", "perturbation", ("stem", "layer")),
        ("conv3x3", "perturbation", ("stem",)),
        ("local_binary", "conv3x3_frozen", ()),
        ("conv1x1", "conv7x7", ()),
    ],
)
def test_a_network_has_masks_where_it_has_perturbations(layer, stem, places):
    shape = DatasetShape(channels=1, height=8, width=8, classes=10)
    trial = TrialConfig(
        model=ModelConfig(
            dataset=shape, network="resnet8", layer=layer, first_layer=StemConfig(stem=stem)
        )
    )
    assert mask_places(trial.model) == places
    assert len(built_masks(trial)) == (layer == "perturbation") * 6 + (stem == "perturbation")
    for place in {"stem", "layer"} - set(places):
        with pytest.raises(ValueError, match=f"place \\(='{place}'\\) has no masks with layer"):
            describe_draw(trial, place)


def test_drawing_again_needs_no_torch():
    code = "import sys, pnn_core.rng.mask_regeneration; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
