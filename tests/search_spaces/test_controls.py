"""Controls stand beside PNNs of equal size, over a ladder of sizes."""

import math
from collections import defaultdict
from itertools import pairwise

import pytest

from pnn_core.architecture.parameter_count import count_learnable_params
from pnn_core.config import DatasetShape, ModelConfig
from pnn_core.parts.networks import NETWORKS
from search_spaces import SpaceError, controls, find_space
from search_spaces.equal_size import LAYERS

DIGITS = DatasetShape(channels=1, height=8, width=8, classes=10)
MNIST = DatasetShape(channels=1, height=28, width=28, classes=10)
CIFAR = DatasetShape(channels=3, height=32, width=32, classes=10)
IMAGENET100 = DatasetShape(channels=3, height=224, width=224, classes=100)


def ladder(shape: DatasetShape, network: str | None = None) -> list[dict[str, ModelConfig]]:
    """The networks of each size by layer, in the order in which they run."""
    space = find_space("controls", shape, network)
    rungs: dict[str, dict[str, ModelConfig]] = defaultdict(dict)
    for point in space.grid_points(shape):
        layer, size = str(point["variant"]).split()
        model = space.configure(point, dataset=shape, epochs=1, seed=0).model
        assert model.layer == layer
        rungs[size][layer] = model
    return list(rungs.values())


@pytest.mark.parametrize(
    ("shape", "network"),
    [
        (DIGITS, None),
        (MNIST, None),
        (CIFAR, None),
        (IMAGENET100, None),
        *((CIFAR, network) for network in NETWORKS),
    ],
)
def test_all_layers_reach_every_size_within_2_percent(
    shape: DatasetShape, network: str | None
) -> None:
    rungs = ladder(shape, network)
    assert len(rungs) == 5
    for rung in rungs:
        assert set(rung) == set(LAYERS)
        size = count_learnable_params(rung["perturbation"])
        for model in rung.values():
            assert count_learnable_params(model) == pytest.approx(size, rel=0.02)


@pytest.mark.parametrize("shape", [DIGITS, MNIST, CIFAR, IMAGENET100])
def test_sizes_grow_in_about_even_steps(shape: DatasetShape) -> None:
    sizes = [math.log(count_learnable_params(rung["perturbation"])) for rung in ladder(shape)]
    steps = [after - before for before, after in pairwise(sizes)]
    assert sum(steps) > math.log(3)
    assert all(step == pytest.approx(sum(steps) / 4, rel=0.3) for step in steps)


@pytest.mark.parametrize(
    ("shape", "network", "stem"),
    [
        (DIGITS, "resnet8", "conv3x3"),
        (MNIST, "resnet8", "conv3x3"),
        (CIFAR, "resnet18", "conv3x3"),
        (IMAGENET100, "resnet18", "conv7x7"),
    ],
)
def test_network_and_first_layer_fit_the_images(
    shape: DatasetShape, network: str, stem: str
) -> None:
    for rung in ladder(shape):
        for model in rung.values():
            assert (model.network, model.first_layer.stem) == (network, stem)


def test_a_ladder_that_some_layer_cannot_climb_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(controls, "RUNGS", 30)
    message = r"network resnet8 has no 30 sizes between 27082 and 179722 .* within 2%"
    with pytest.raises(SpaceError, match=message):
        find_space("controls", DIGITS)
