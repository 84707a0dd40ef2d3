"""The model is the Gaussian process of its formula."""

import numpy as np
import pytest
from scipy.optimize import check_grad

from study.search.known_costs import rung_model
from study.search.known_costs.rung_model import Inputs, RungModel

LEVELS = 3
GROUPS = np.array([0, 1, 1, 2])


def some_inputs(size: int, seed: int = 0) -> Inputs:
    random = np.random.default_rng(seed)
    costs = random.uniform(-0.5, 0.5, (size, 1))
    return Inputs(
        x=np.hstack([random.uniform(0, 1, (size, 3)), costs + 0.5]),
        costs=costs,
        levels=random.integers(0, LEVELS, size),
    )


def values(inputs: Inputs, seed: int = 1) -> np.ndarray:
    error = np.random.default_rng(seed).normal(0, 0.02, len(inputs))
    return np.sin(3 * inputs.x[:, 0]) + inputs.costs[:, 0] + 0.1 * inputs.levels + error


def model_of(inputs: Inputs, y: np.ndarray) -> RungModel:
    return RungModel(inputs, y, groups=GROUPS, levels=LEVELS, fitted_by=np.arange(len(inputs)))


def test_the_gradient_is_that_of_finite_differences():
    inputs = some_inputs(25)
    y = values(inputs)
    y = (y - y.mean()) / y.std()
    prior = rung_model._Prior.of(GROUPS, LEVELS)
    fit = rung_model._Fit(inputs, y, GROUPS, LEVELS)
    random = np.random.default_rng(2)
    for _ in range(5):
        theta = prior.means + 0.3 * random.standard_normal(len(prior.means))
        error = check_grad(
            lambda t: fit.negative_log_posterior(t, prior)[0],
            lambda t: fit.negative_log_posterior(t, prior)[1],
            theta,
        )
        assert error < 1e-3 * np.linalg.norm(fit.negative_log_posterior(theta, prior)[1])


def covariance(hyper, a: Inputs, b: Inputs) -> np.ndarray:
    """The formula of the module's docstring, entry by entry."""
    out = np.zeros((len(a), len(b)))
    for i in range(len(a)):
        for j in range(len(b)):
            away = abs(int(a.levels[i]) - int(b.levels[j]))
            squared = ((a.x[i] - b.x[j]) ** 2 / hyper.lengths[GROUPS] ** 2).sum()
            out[i, j] = (
                hyper.variance
                * hyper.amplitudes[a.levels[i]]
                * hyper.amplitudes[b.levels[j]]
                * np.exp(-hyper.decay * away - squared / 2)
            ) + (1 + 4 * a.costs[i] @ b.costs[j]) * np.exp(-0.3 * away)
    return out


def test_a_prediction_is_the_posterior_of_the_formula():
    inputs, asked = some_inputs(20), some_inputs(6, seed=5)
    y = values(inputs)
    model = model_of(inputs, y)
    hyper = model._hyper
    own = covariance(hyper, inputs, inputs) + (hyper.error**2 + 1e-8) * np.eye(len(inputs))
    got = model.predict(asked.x, asked.costs)
    for level in range(LEVELS):
        at = Inputs(x=asked.x, costs=asked.costs, levels=np.full(len(asked), level))
        across = covariance(hyper, at, inputs)
        mean = across @ np.linalg.solve(own, (y - y.mean()) / y.std())
        variance = np.diag(covariance(hyper, at, at) - across @ np.linalg.solve(own, across.T))
        assert got.mean[:, level] == pytest.approx(y.mean() + y.std() * mean, abs=1e-6)
        assert got.sd[:, level] == pytest.approx(y.std() * np.sqrt(variance), abs=1e-5)


def test_rows_taken_for_observed_at_their_means_change_no_mean_and_lower_uncertainty_there():
    inputs, running, asked = some_inputs(20), some_inputs(3, seed=7), some_inputs(5, seed=8)
    model = model_of(inputs, values(inputs))
    before, there = model.predict(asked.x, asked.costs), model.predict(running.x, running.costs)
    model.condition_on_means(running)
    after, then = model.predict(asked.x, asked.costs), model.predict(running.x, running.costs)
    assert after.mean == pytest.approx(before.mean, abs=1e-6)
    own = np.arange(3), running.levels
    assert (then.sd[own] < there.sd[own]).all()


def test_beyond_the_sizes_that_were_seen_the_trend_in_log_cost_goes_on():
    costs = np.linspace(-0.5, 0.0, 12)[:, None]
    inputs = Inputs(
        x=np.hstack([np.full((12, 3), 0.5), costs + 0.5]),
        costs=costs,
        levels=np.full(12, LEVELS - 1),
    )
    model = model_of(inputs, 2 * costs[:, 0])
    far = model.predict(np.array([[0.5, 0.5, 0.5, 1.0]]), np.array([[0.5]]))
    assert far.mean[0, -1] > 0.5


def test_values_that_are_all_equal_are_predicted():
    inputs = some_inputs(6)
    got = model_of(inputs, np.full(6, 0.25)).predict(inputs.x, inputs.costs)
    assert got.mean == pytest.approx(0.25)
    assert np.isfinite(got.sd).all()


def test_the_same_settings_many_times_can_be_fitted():
    inputs = some_inputs(2).rows(np.zeros(40, dtype=np.int64))
    assert np.isfinite(model_of(inputs, np.zeros(40)).predict(inputs.x, inputs.costs).sd).all()
