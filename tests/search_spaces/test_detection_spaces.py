"""Spaces for detection: the published recipe, and what two cores can train."""

from itertools import islice

import pytest

from pnn_core.config import DatasetShape
from search_spaces.catalogue import FOR_DETECTION, find_space


def shape(canvas: int) -> DatasetShape:
    return DatasetShape(channels=3, height=canvas, width=canvas, classes=20, task="detection")


@pytest.mark.parametrize("name", sorted(FOR_DETECTION))
def test_of_every_value_some_networks_can_be_built(name: str) -> None:
    space = find_space(name, shape(608))
    points = [point for points in space.example_points().values() for point in islice(points, 200)]
    built = [point for point in points if space.is_valid(point, shape(608))]
    for axis in space.axes:
        assert {point[axis] for point in built} == {point[axis] for point in points}


def test_table_7_has_the_recipe_of_its_base_code() -> None:
    space = find_space("paper_table7", shape(608))
    trials = [
        space.configure(point, dataset=shape(608), epochs=6, seed=0)
        for point in space.grid_points(shape(608))
    ]
    networks = [
        (t.model.network, t.model.layer, t.model.first_layer.stem, t.model.dropout) for t in trials
    ]
    assert networks == [
        ("vgg16", "perturbation", "conv3x3", 0.5),
        ("vgg16", "conv3x3", "conv3x3", 0.5),
        ("resnet50", "perturbation", "conv7x7", 0.0),
        ("resnet50", "conv3x3", "conv7x7", 0.0),
    ]
    for trial in trials:
        settings = trial.parameters()
        assert settings["mask_count"] == 64
        assert settings.get("noise_level", 0.1) == 0.1
        assert {name: settings[name] for name in RECIPE} == RECIPE


RECIPE = {
    "optimizer": "sgd",
    "momentum": 0.9,
    "weight_decay": 5e-4,
    "learning_rate": 1e-3,
    "schedule": "faster_rcnn",
    "batch_size": 1,
    "augment": "crop_flip",
}
