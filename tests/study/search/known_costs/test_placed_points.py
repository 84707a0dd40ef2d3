"""Points are placed by what they change about a training run."""

import math
from dataclasses import replace

import numpy as np
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from pnn_core.config import DatasetShape
from pnn_core.models.costs import count_costs
from search_spaces import SearchSpace
from study.results.objective import parse_objectives
from study.search.known_costs.belief import OTHER_CHOICE, SPREAD
from study.search.known_costs.placed_points import PlacedPoints
from study.search.known_costs.problem import SearchProblem, count_network_costs

SPACE = SearchSpace(
    name="placed",
    summary="",
    axes={
        "layer": CategoricalDistribution(("perturbation", "conv1x1", "conv3x3")),
        "mask_count": IntDistribution(8, 24, step=8),
        "noise_level": FloatDistribution(0.01, 1.0, log=True),
    },
)
PROBLEM = SearchProblem(
    space=SPACE,
    dataset=DatasetShape(channels=1, height=8, width=8, classes=10),
    objectives=parse_objectives("val_accuracy,learnable_params,mask_values"),
    epochs=9,
    rungs=None,
    count_costs=count_network_costs,
)


def point(layer: str, masks: int, level: float) -> dict:
    return {"layer": layer, "mask_count": masks, "noise_level": level}


def test_numeric_axes_reach_from_0_to_1_on_their_own_scale():
    placed = PlacedPoints(PROBLEM).place(
        [
            point("perturbation", 8, 0.01),
            point("perturbation", 16, 0.1),
            point("perturbation", 24, 1),
        ]
    )
    assert placed.settings[:, 3:] == pytest.approx(np.array([[0, 0], [0.5, 0.5], [1, 1]]))


def test_two_categories_are_1_apart_and_share_a_length():
    points = PlacedPoints(PROBLEM)
    a, b = points.place([point("conv1x1", 8, 0.1), point("conv3x3", 8, 0.1)]).settings
    assert math.dist(a, b) == pytest.approx(1)
    assert [*points.axis_of_column] == [0, 0, 0, 1, 2]


def test_a_setting_that_changes_nothing_moves_no_point():
    a, b = (
        PlacedPoints(PROBLEM).place([point("conv1x1", 8, 0.01), point("conv1x1", 8, 1.0)]).settings
    )
    assert [*a] == [*b]


def test_costs_are_the_logarithms_of_what_the_network_has():
    asked = point("perturbation", 16, 0.1)
    costs = count_costs(PROBLEM.configure(asked).model)
    placed = PlacedPoints(PROBLEM).place([asked, point("conv1x1", 8, 0.1)])
    assert placed.costs[0] == pytest.approx(np.log([costs.learnable_params, costs.mask_values]))
    assert placed.costs[1, 1] == 0  # no mask values


def test_a_point_that_cannot_be_built_is_refused():
    with pytest.raises(ValueError, match="noise_level"):
        PlacedPoints(PROBLEM).place([point("perturbation", 8, -1.0)])


def test_a_belief_is_less_dense_away_from_it_and_tells_nothing_of_a_setting_that_changes_nothing():
    believed = replace(PROBLEM, belief={"layer": "perturbation", "noise_level": 0.1})
    at, near, far, other, idle = (
        PlacedPoints(believed)
        .place(
            [
                point("perturbation", 8, 0.1),
                point("perturbation", 24, 0.2),
                point("perturbation", 8, 1.0),
                point("conv3x3", 8, 0.1),
                point("conv3x3", 8, 1.0),
            ]
        )
        .log_beliefs
    )
    assert at == 0
    assert at > near > far == pytest.approx(-0.5 * (0.5 / SPREAD) ** 2)
    assert other == idle == pytest.approx(-0.5 * (OTHER_CHOICE / SPREAD) ** 2)
    assert not PlacedPoints(PROBLEM).place([point("perturbation", 8, 1.0)]).log_beliefs.any()
