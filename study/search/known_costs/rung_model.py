"""Gaussian process of a measured objective over settings and rungs.

The prior covariance of the values f at rung l of settings x and at rung l′ of x′ is

    s² a_l a_l′ exp(−ρ |l − l′|) exp(−½ Σ_j (x_j − x′_j)² / ℓ_j²)
        + (1 + 4 Σ_k c_k c′_k) exp(−0.3 |l − l′|)

with c the centred logarithms of the known costs: accuracy has a linear trend in log cost, without
which the model would return to the mean at sizes not seen. Each observation has independent normal
error of variance σ². Values are standardised. Hyperparameters are those of the largest posterior
density under normal priors of their logarithms, found by L-BFGS from the priors' means, so that
nothing is carried from one fit to the next. See Rasmussen and Williams 2006, chapters 2 and 5.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.linalg import cho_solve, cholesky, solve_triangular
from scipy.optimize import minimize

Array = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]

STEPS = 40
"""Steps of L-BFGS."""

REACH = 4.0
"""Distance from a prior's mean within which a hyperparameter is sought, in standard deviations."""

TREND_DECAY = 0.3
"""Decay of the trend's covariance from one rung to the next."""

JITTER = 1e-8
"""Share that is added to the diagonal, so that rounding cannot make the covariance indefinite."""


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """Settings and rungs of values.

    Attributes:
        x: Settings from 0 to 1, one row each, n × d.
        costs: Centred logarithms of the known costs, n × k.
        levels: Place of each value's rung, from 0; the full budget is the last.
    """

    x: Array
    costs: Array
    levels: Places

    def __len__(self) -> int:
        return len(self.x)

    def rows(self, chosen: npt.NDArray[np.bool_] | Places) -> "Inputs":
        """Return some of the rows."""
        return Inputs(x=self.x[chosen], costs=self.costs[chosen], levels=self.levels[chosen])

    def joined(self, other: "Inputs") -> "Inputs":
        """Return the rows of both."""
        return Inputs(
            x=np.vstack([self.x, other.x]),
            costs=np.vstack([self.costs, other.costs]),
            levels=np.concatenate([self.levels, other.levels]),
        )


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """Normal distributions of values without their errors, one for each row and rung, n × L.

    Attributes:
        mean: Means.
        sd: Standard deviations.
        error: Standard deviation of an observation around its value.
    """

    mean: Array
    sd: Array
    error: float


class RungModel:
    """A fitted model.

    Args:
        inputs: Settings and rungs of the observations.
        y: Observations.
        groups: Number of the length scale of each column of `Inputs.x`: columns of one setting
            share theirs.
        levels: Number of rungs, the full budget among them.
        fitted_by: Rows by which hyperparameters are chosen; all observations are predicted from.

    Raises:
        ValueError: The fit failed: a covariance is not positive definite.
    """

    def __init__(
        self, inputs: Inputs, y: Array, *, groups: Places, levels: int, fitted_by: Places
    ) -> None:
        self._groups = groups
        self._levels = levels
        self._shift = float(y.mean())
        self._scale = float(y.std()) or 1.0
        self._inputs = inputs
        self._y = (y - self._shift) / self._scale
        self._theta = self._fit(inputs.rows(fitted_by), self._y[fitted_by])
        self._condition()

    def condition_on_means(self, inputs: Inputs) -> Array:
        """Take rows for observed at their means: their uncertainty goes, no mean changes.

        Returns:
            The means.
        """
        mean = self._predict(inputs, inputs.levels)[0]
        self._y = np.concatenate([self._y, mean])
        self._inputs = self._inputs.joined(inputs)
        self._condition()
        return self._shift + self._scale * mean

    def predict(self, x: Array, costs: Array) -> Prediction:
        """Predict the values of settings at every rung.

        Args:
            x: Settings, n × d.
            costs: Centred logarithms of their known costs, n × k.
        """
        settings = Inputs(x=x, costs=costs, levels=np.zeros(len(x), dtype=np.int64))
        near = self._near(settings)
        trend = 1 + 4 * costs @ self._inputs.costs.T
        columns = [self._at_level(near, trend, level) for level in range(self._levels)]
        mean, sd = (np.column_stack(part) for part in zip(*columns, strict=True))
        return Prediction(
            mean=self._shift + self._scale * mean,
            sd=self._scale * sd,
            error=self._scale * self._hyper.error,
        )

    def _at_level(self, near: Array, trend: Array, level: int) -> tuple[Array, Array]:
        hyper = self._hyper
        away = np.abs(level - self._inputs.levels)
        amplitude = hyper.amplitudes[level] * hyper.amplitudes[self._inputs.levels]
        across = near * (hyper.variance * amplitude * np.exp(-hyper.decay * away))
        across += trend * np.exp(-TREND_DECAY * away)
        prior = hyper.variance * hyper.amplitudes[level] ** 2 + self._own_trend
        return self._posterior(across, prior)

    def _predict(self, inputs: Inputs, levels: Places) -> tuple[Array, Array]:
        hyper = self._hyper
        away = np.abs(levels[:, None] - self._inputs.levels)
        amplitude = np.outer(hyper.amplitudes[levels], hyper.amplitudes[self._inputs.levels])
        across = self._near(inputs) * hyper.variance * amplitude * np.exp(-hyper.decay * away)
        across += (1 + 4 * inputs.costs @ self._inputs.costs.T) * np.exp(-TREND_DECAY * away)
        prior = hyper.variance * hyper.amplitudes[levels] ** 2 + self._own_trend
        return self._posterior(across, prior)

    def _posterior(self, across: Array, prior: Array) -> tuple[Array, Array]:
        mean = across @ self._weights
        explained = solve_triangular(self._root, across.T, lower=True, check_finite=False)
        variance = prior - np.einsum("ij,ij->j", explained, explained)
        return mean, np.sqrt(np.maximum(variance, 1e-12))

    def _near(self, inputs: Inputs) -> Array:
        """Return exp(−½ Σ (x − x′)² / ℓ²), and keep the trend's variance of the same rows."""
        self._own_trend = 1 + 4 * np.einsum("ij,ij->i", inputs.costs, inputs.costs)
        scales = self._hyper.lengths[self._groups]
        a, b = inputs.x / scales, self._inputs.x / scales
        squared = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2 * a @ b.T
        near: Array = np.exp(-0.5 * np.maximum(squared, 0.0))
        return near

    @property
    def _hyper(self) -> "_Hyperparameters":
        return _Hyperparameters.of(self._theta, self._groups, self._levels)

    def _condition(self) -> None:
        fit = _Fit(self._inputs, self._y, self._groups, self._levels)
        self._root, self._weights = fit.solved(self._hyper)

    def _fit(self, inputs: Inputs, y: Array) -> Array:
        prior = _Prior.of(self._groups, self._levels)
        fit = _Fit(inputs, y, self._groups, self._levels)
        # Far from what the priors hold for possible, exponentials would overflow.
        bounds = [
            *zip(prior.means - REACH * prior.sds, prior.means + REACH * prior.sds, strict=True)
        ]
        bounds[-1] = (np.log(0.01), np.log(1.0))
        found = minimize(
            lambda theta: fit.negative_log_posterior(theta, prior),
            prior.means,
            jac=True,
            method="L-BFGS-B",
            bounds=bounds,
            options={"maxiter": STEPS},
        )
        return np.asarray(found.x, dtype=np.float64)


@dataclass(frozen=True, kw_only=True)
class _Hyperparameters:
    """Hyperparameters s², ℓ, a, ρ and σ, as the formula has them."""

    variance: float
    lengths: Array
    amplitudes: Array
    decay: float
    error: float

    @classmethod
    def of(cls, theta: Array, groups: Places, levels: int) -> "_Hyperparameters":
        lengths = int(groups.max(initial=-1)) + 1
        values = np.exp(theta)
        return cls(
            variance=float(values[0]) ** 2,
            lengths=values[1 : 1 + lengths],
            amplitudes=np.append(values[1 + lengths : lengths + levels], 1.0),
            decay=float(values[-2]),
            error=float(values[-1]),
        )


@dataclass(frozen=True, kw_only=True)
class _Prior:
    """Normal distributions of the hyperparameters' logarithms, in the order of θ."""

    means: Array
    sds: Array

    @classmethod
    def of(cls, groups: Places, levels: int) -> "_Prior":
        lengths = int(groups.max(initial=-1)) + 1
        below = levels - 1
        amplitudes = np.minimum(0.0, -0.2 * (below - 1 - np.arange(below)))
        return cls(
            means=np.concatenate(
                [[0.0], np.full(lengths, np.log(0.5)), amplitudes, np.log([0.2, 0.1])]
            ),
            sds=np.concatenate([[0.7], np.ones(lengths), np.full(below, 0.5), [1.0, 1.0]]),
        )


class _Fit:
    """Posterior density of hyperparameters, given observations."""

    def __init__(self, inputs: Inputs, y: Array, groups: Places, levels: int) -> None:
        self._y = y
        self._groups = groups
        self._levels = levels
        self._away = np.abs(inputs.levels[:, None] - inputs.levels).astype(np.float64)
        self._at = [inputs.levels == level for level in range(levels - 1)]
        self._own = inputs.levels
        self._trend = (1 + 4 * inputs.costs @ inputs.costs.T) * np.exp(-TREND_DECAY * self._away)
        self._squared = [
            sum(
                (np.subtract.outer(column, column) ** 2 for column in inputs.x.T[groups == group]),
                start=np.zeros_like(self._trend),
            )
            for group in range(int(groups.max(initial=-1)) + 1)
        ]

    def solved(self, hyper: _Hyperparameters) -> tuple[Array, Array]:
        """Return the covariance's lower root and its inverse times the observations."""
        covariance = self._near(hyper) + self._trend
        covariance[np.diag_indices_from(covariance)] += hyper.error**2 + JITTER
        root = _root(covariance)
        return root, cho_solve((root, True), self._y, check_finite=False)

    def negative_log_posterior(self, theta: Array, prior: _Prior) -> tuple[float, Array]:
        hyper = _Hyperparameters.of(theta, self._groups, self._levels)
        near = self._near(hyper)
        covariance = near + self._trend
        covariance[np.diag_indices_from(covariance)] += hyper.error**2 + JITTER
        root = _root(covariance)
        inverse = cho_solve((root, True), np.eye(len(root)), check_finite=False)
        weights = inverse @ self._y
        pull = (theta - prior.means) / prior.sds
        value = 0.5 * self._y @ weights + np.log(np.diag(root)).sum() + 0.5 * pull @ pull
        slope = inverse - np.outer(weights, weights)
        weighted = slope * near
        gradient = np.concatenate(
            [
                [weighted.sum()],
                [0.5 * (weighted * d).sum() / s**2 for d, s in self._by_length(hyper)],
                [weighted[at].sum() for at in self._at],
                [-0.5 * hyper.decay * (weighted * self._away).sum()],
                [hyper.error**2 * np.trace(slope)],
            ]
        )
        return float(value), gradient + pull / prior.sds

    def _by_length(self, hyper: _Hyperparameters) -> zip:  # type: ignore[type-arg]
        return zip(self._squared, hyper.lengths, strict=True)

    def _near(self, hyper: _Hyperparameters) -> Array:
        exponent = hyper.decay * self._away
        for squared, length in self._by_length(hyper):
            exponent = exponent + 0.5 * squared / length**2
        amplitude = hyper.amplitudes[self._own]
        near: Array = hyper.variance * np.outer(amplitude, amplitude) * np.exp(-exponent)
        return near


def _root(covariance: Array) -> Array:
    try:
        root: Array = cholesky(covariance, lower=True, check_finite=False)
    except np.linalg.LinAlgError as error:
        raise ValueError(f"the model's covariance is not positive definite: {error}") from error
    return root
