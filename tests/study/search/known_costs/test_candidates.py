"""Neighbours lie in the space."""

from itertools import islice

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from search_spaces import SearchSpace
from study.search.known_costs.candidates import neighbours

SPACE = SearchSpace(
    name="every_axis",
    summary="",
    axes={
        "layer": CategoricalDistribution(("perturbation", "conv1x1")),
        "mask_count": IntDistribution(8, 64, step=8),
        "batch_size": IntDistribution(1, 500, log=True),
        "noise_level": FloatDistribution(0.01, 5.0, log=True),
        "dropout": FloatDistribution(0.0, 0.6, step=0.2),
        "weight_decay": FloatDistribution(0.5, 0.5),
    },
)
START = {
    "layer": "perturbation",
    "mask_count": 32,
    "batch_size": 20,
    "noise_level": 0.2,
    "dropout": 0.6,
    "weight_decay": 0.5,
}


@given(seed=st.integers(0, 2**32 - 1))
def test_each_neighbour_has_values_that_its_axes_hold(seed):
    for point in islice(neighbours(SPACE, [START], np.random.default_rng(seed)), 50):
        assert {*point} == {*SPACE.axes}
        for name, axis in SPACE.axes.items():
            assert axis._contains(axis.to_internal_repr(point[name]))
            assert isinstance(point[name], type(START[name]))


def test_neighbours_are_mostly_near():
    points = [*islice(neighbours(SPACE, [START], np.random.default_rng(0)), 200)]
    assert len({tuple(p.items()) for p in points}) > 100
    assert np.mean([16 <= p["mask_count"] <= 48 for p in points]) > 0.9
