"""A candidate passes a rung if it undercuts what the rule of the scheduler stops there."""

import numpy as np
import pytest
from scipy.stats import norm

from study.search.known_costs.rung_model import Prediction
from study.search.known_costs.survival import RungBar, chance_to_pass
from study.stopping.decision import decide
from study.stopping.entry import RungEntry

LOSSES = [(-0.9, 100.0), (-0.8, 90.0), (-0.5, 95.0), (-0.4, 120.0), (-0.3, 130.0), (-0.1, 80.0)]
"""Accuracy, its sign changed, and parameters of a rung's entries."""


def bar() -> RungBar:
    entries = [RungEntry(trial=i, losses=losses) for i, losses in enumerate(LOSSES)]
    costs = np.array([[cost] for _, cost in LOSSES])
    return RungBar(
        entries, np.array([loss for loss, _ in LOSSES]), costs, epoch=1, reduction_factor=3
    )


def test_the_bar_is_the_best_loss_that_was_stopped_at_no_more_cost():
    entries = [RungEntry(trial=i, losses=losses) for i, losses in enumerate(LOSSES)]
    stopped = [
        entry.losses
        for entry in entries
        if not decide(
            [other for other in entries if other is not entry],
            entry,
            epoch=1,
            reduction_factor=3,
        ).go_on
    ]
    assert 0 < len(stopped) < len(LOSSES)
    for asked in (79.0, 95.0, 120.0, 125.0, 1000.0):
        below = [loss for loss, cost in stopped if cost <= asked]
        assert bar().heights(np.array([[asked]]))[0] == min(below, default=np.inf)


def test_the_chance_is_that_of_a_normal_observation_below_every_bar():
    prediction = Prediction(mean=np.array([[-0.45, -0.6]]), sd=np.array([[0.1, 0.2]]), error=0.05)
    costs = np.array([[1000.0]])
    height = bar().heights(costs)[0]
    expected = np.prod(
        [
            norm.cdf((height - mean) / np.hypot(sd, 0.05))
            for mean, sd in zip(prediction.mean[0], prediction.sd[0], strict=True)
        ]
    )
    assert chance_to_pass({0: bar(), 1: bar()}, costs, prediction)[0] == pytest.approx(expected)


def test_without_rungs_or_with_nothing_stopped_all_pass():
    prediction = Prediction(mean=np.zeros((2, 1)), sd=np.ones((2, 1)), error=0.1)
    costs = np.array([[1.0], [2.0]])
    empty = RungBar([], np.zeros(0), np.zeros((0, 1)), epoch=1, reduction_factor=3)
    assert [*chance_to_pass({}, costs, prediction)] == [1, 1]
    assert [*chance_to_pass({0: empty}, costs, prediction)] == [1, 1]
