import math
from dataclasses import replace
from typing import NamedTuple

import pytest

from dashboards.elements.objective_plane import finite_values, plane_columns, usual_plane
from dashboards.elements.quantity import find_quantity
from study.results.objective import parse_objectives


class Line(NamedTuple):
    x: tuple[float, ...]
    y: tuple[float, ...]


@pytest.mark.parametrize(
    ("objectives", "x", "y"),
    [
        ("val_accuracy,learnable_params", "learnable_params", "val_accuracy"),
        ("macs,val_loss,learnable_params", "val_loss", "macs"),
        ("val_accuracy", "learnable_params", "val_accuracy"),
        ("learnable_params", "val_accuracy", "learnable_params"),
    ],
)
def test_the_first_objective_stands_against_the_second_or_what_stands_for_it(objectives, x, y):
    plane = usual_plane(parse_objectives(objectives))
    assert (plane.x.name, plane.y.name) == (x, y)


def test_it_is_told_and_its_columns_are_named_by_its_axes():
    plane = usual_plane(parse_objectives("val_accuracy,learnable_params"))
    assert str(plane) == "validation accuracy against learnable parameters"
    lines = [Line((1, 2), (0.1, 0.2)), Line((5,), (0.3,))]
    columns = {"learnable_params": [1, 2, 5], "val_accuracy": [0.1, 0.2, 0.3]}
    assert plane_columns(plane, lines) == columns


def test_its_axes_are_those_that_their_quantities_usually_have():
    plane = usual_plane(parse_objectives("val_accuracy,learnable_params"))
    axes = plane.axes([Line((10, 2000), (0.1, 0.2)), Line((5,), (0.3,))])
    assert axes["xaxis"]["type"] == "log"
    assert axes["xaxis"]["tickformat"] == "~s"
    assert axes["yaxis"] == {"title": {"text": "Validation accuracy (correct / total)"}}


def test_values_are_those_of_metrics_and_settings(make_trial):
    record = make_trial(0, 0.5, 100, noise_level=0.1, order="bn")
    names = ("val_accuracy", "learnable_params", "noise_level", "order")
    accuracy, size, noise, order = (find_quantity(name, [record]) for name in names)
    assert finite_values(record, (accuracy, size, noise)) == (0.5, 100, 0.1)
    assert finite_values(record, (accuracy, order)) is None
    assert finite_values(replace(record, costs=None), (accuracy, size)) is None


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_values_that_are_not_finite_are_none(make_trial, bad):
    record = make_trial(0, bad)
    assert finite_values(record, [find_quantity("val_accuracy", [record])]) is None
