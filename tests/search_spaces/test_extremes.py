"""The largest network of a space is among its extreme points."""

from functools import cache

import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from pnn_core.config import DatasetShape, ModelConfig, TrialConfig
from pnn_core.models.costs import count_activations
from search_spaces import BUILT_IN, SearchSpace, find_space
from search_spaces.catalogue import FOR_DETECTION
from search_spaces.extremes import extreme_points

DIGITS = DatasetShape(channels=1, height=8, width=8, classes=10)
CLASSIFYING = tuple(name for name in BUILT_IN if name not in FOR_DETECTION)
CIFAR = DatasetShape(channels=3, height=32, width=32, classes=10)


@cache
def activations(model: ModelConfig) -> int:
    return count_activations(model)


def size(trial: TrialConfig) -> int:
    model = trial.with_parameters({"noise_level": 1.0}).model
    return activations(model) * trial.optim.batch_size


def sizes(space: SearchSpace, points, shape: DatasetShape) -> set[int]:
    return {size(space.configure(p, dataset=shape, epochs=1, seed=0)) for p in points}


@pytest.mark.parametrize("name", ["noise_masks", "pnn_bench", "controls", "paper_table5"])
def test_the_largest_network_of_a_listed_space_is_among_them(name: str) -> None:
    shape = CIFAR if name.startswith("paper") else DIGITS
    space = find_space(name, shape)
    extreme = sizes(space, extreme_points(space, shape, seed=0), shape)
    assert max(extreme) == max(sizes(space, space.grid_points(shape), shape))


@pytest.mark.parametrize("name", CLASSIFYING)
def test_every_space_has_some_and_the_same_for_a_seed(name: str) -> None:
    space = find_space(name, CIFAR)
    points = [*extreme_points(space, CIFAR, seed=3)]
    assert points
    assert points == [*extreme_points(space, CIFAR, seed=3)]
    assert all(space.is_valid(point, CIFAR) for point in points)


def test_the_ends_of_long_and_of_continuous_axes_are_drawn() -> None:
    space = SearchSpace(
        name="wide",
        summary="",
        axes={
            "mask_count": IntDistribution(2, 100_000, step=2),
            "batch_size": IntDistribution(1, 100_000),
            "noise_level": FloatDistribution(0.1, 1.0),
            "layer": CategoricalDistribution(("perturbation", "conv3x3")),
        },
    )
    points = [*extreme_points(space, DIGITS, seed=0)]
    largest = {"mask_count": 100_000, "batch_size": 100_000, "layer": "perturbation"}
    assert any(largest.items() <= point.items() for point in points)


def test_where_no_end_can_be_built_points_in_between_are_drawn() -> None:
    space = SearchSpace(
        name="narrow",
        summary="",
        axes={
            "mask_count": CategoricalDistribution((7, 12, 13)),
            "fan_out": CategoricalDistribution((3, 4, 5)),
        },
    )
    points = [*extreme_points(space, DIGITS, seed=0)]
    assert {point["mask_count"] for point in points} == {12}
