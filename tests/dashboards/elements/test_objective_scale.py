import math

import numpy as np
import pytest

from dashboards.elements.objective_scale import objective_scales
from study.results.objective import parse_objectives

OBJECTIVES = parse_objectives("val_accuracy,learnable_params")


def scales_of(*rows, objectives=OBJECTIVES):
    return objective_scales(np.array(rows, dtype=float), objectives)


def test_the_best_is_one_and_the_reference_a_tenth_of_the_range_beyond_the_worst():
    accuracy, size = scales_of((0.2, 1000), (0.7, 10))
    assert accuracy.apply(np.array([0.15, 0.2, 0.7])) == pytest.approx([0, 1 / 11, 1])
    assert size.apply(np.array([10**3.2, 1000, 10])) == pytest.approx([0, 1 / 11, 1])


def test_it_tells_from_where_to_where_it_reaches():
    accuracy, size = scales_of((0.2, 1000), (0.7, 10))
    assert str(accuracy) == "validation accuracy 0.2000 to 0.7000"
    assert str(size) == "learnable parameters 1,000 to 10 (by logarithm)"


def test_a_cost_of_zero_keeps_its_scale_linear():
    objectives = parse_objectives("val_accuracy,mask_values")
    _, size = scales_of((0.2, 0), (0.7, 10), objectives=objectives)
    assert (size.worst, size.best, size.log) == (10, 0, False)
    assert size.apply(np.array([10, 5, 0])) == pytest.approx([1 / 11, 6 / 11, 1])


def test_an_objective_without_a_range_counts_as_one():
    _, size = scales_of((0.2, 100), (0.7, 100))
    assert list(size.apply(np.array([100.0, 100.0]))) == [1, 1]


def test_rows_that_take_no_part_are_no_range():
    accuracy, _ = scales_of((0.2, 1), (math.nan, math.nan), (0.7, 2))
    assert (accuracy.worst, accuracy.best) == (0.2, 0.7)


@pytest.mark.parametrize("rows", [[(math.nan, math.nan)], [(0.5, 10)], [(0.5, 10)] * 3])
def test_without_different_values_there_is_no_scale(rows):
    assert scales_of(*rows) == ()
