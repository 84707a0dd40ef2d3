"""Weights of one network leave of a space what they fit."""

from dataclasses import replace

import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from pnn_core.config import DatasetShape, ModelConfig
from pnn_core.models.initial_weights import ImageNetWeights
from search_spaces import SearchSpace
from search_spaces.catalogue import find_space
from search_spaces.experiment import Experiment, PlannedComparison
from search_spaces.narrowed import narrow

IMAGES = DatasetShape(channels=3, height=64, width=64, classes=10)
PHOTOGRAPHS = DatasetShape(channels=3, height=608, width=608, classes=20, task="detection")
SPACE = SearchSpace(
    name="many",
    summary="",
    axes={
        "mask_count": IntDistribution(8, 32, step=8),
        "layer": CategoricalDistribution(("perturbation", "conv1x1", "conv3x3")),
        "noise_level": FloatDistribution(0.1, 1.0),
    },
    fixed={"network": "resnet8"},
)


def fits(**wanted: object):
    def require(model: ModelConfig) -> None:
        for name, accepted in wanted.items():
            if getattr(model, name) not in accepted:
                raise ValueError(f"{name} (={getattr(model, name)}) does not fit")

    return require


def test_of_table_7_the_plain_networks_begin_with_weights_of_imagenet() -> None:
    space = find_space("paper_table7", PHOTOGRAPHS)
    narrowed = narrow(space, PHOTOGRAPHS, ImageNetWeights().require_fit)
    assert [*narrowed.variants] == ["VGG-16 convolutions", "ResNet-50 convolutions"]
    assert narrowed.narrowed == ("variant VGG-16 noise masks, ResNet-50 noise masks",)
    assert len([*narrowed.grid_points(PHOTOGRAPHS)]) == 2


def test_an_axis_keeps_what_fits_and_a_single_value_is_fixed() -> None:
    narrowed = narrow(SPACE, IMAGES, fits(width=(16, 24), layer=("conv3x3",)))
    assert narrowed.axes == {
        "mask_count": CategoricalDistribution((16, 24)),
        "noise_level": FloatDistribution(0.1, 1.0),
    }
    assert narrowed.fixed == {"network": "resnet8", "layer": "conv3x3"}
    assert narrowed.narrowed == ("mask_count 8, 32", "layer perturbation, conv1x1")


def test_steps_of_a_level_stay_as_they_are() -> None:
    stepped = replace(
        SPACE, axes={**SPACE.axes, "noise_level": FloatDistribution(0.1, 1, step=0.1)}
    )
    narrowed = narrow(stepped, IMAGES, fits(layer=("conv3x3", "perturbation")))
    assert narrowed.axes["noise_level"] == FloatDistribution(0.1, 1, step=0.1)
    assert narrowed.narrowed == ("layer conv1x1",)


def test_a_space_too_large_to_be_asked_is_refused_and_not_cut() -> None:
    large = replace(SPACE, axes={**SPACE.axes, "batch_size": IntDistribution(1, 4000)})
    with pytest.raises(ValueError, match=r"width \(=8\) does not fit"):
        narrow(large, IMAGES, fits(width=(16, 24, 32)))


def test_where_everything_fits_nothing_changes() -> None:
    assert narrow(SPACE, IMAGES, fits()) is SPACE


def test_where_nothing_fits_the_first_reason_is_told() -> None:
    with pytest.raises(ValueError, match=r"width \(=8\) does not fit"):
        narrow(SPACE, IMAGES, fits(width=(12,)))


def test_combinations_that_no_axis_can_express_are_refused() -> None:
    def require(model: ModelConfig) -> None:
        if (model.width == 8) == (model.layer == "conv3x3"):
            raise ValueError(f"{model.layer} of width {model.width} does not fit")

    with pytest.raises(ValueError, match="does not fit"):
        narrow(SPACE, IMAGES, require)


def test_a_planned_experiment_loses_no_arm() -> None:
    planned = SearchSpace(
        name="planned",
        summary="",
        variants={"noise": {"layer": "perturbation"}, "plain": {"layer": "conv3x3"}},
        fixed={"network": "resnet8"},
        is_grid=True,
        experiment=Experiment(
            comparisons=(PlannedComparison(first="noise", second="plain", matters=0.01),), seeds=3
        ),
    )
    with pytest.raises(ValueError, match=r"layer \(=perturbation\) does not fit"):
        narrow(planned, IMAGES, fits(layer=("conv3x3",)))
