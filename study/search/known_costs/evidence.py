"""Trials of a study and points that may be tried, as arrays on one scale."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from search_spaces.space import Point
from study.results.objective import Objective
from study.search.known_costs.belief import belief_weight
from study.search.known_costs.observations import ObservedTrial
from study.search.known_costs.placed_points import PlacedPoints
from study.search.known_costs.problem import SearchProblem
from study.search.known_costs.rung_model import Inputs, Prediction, RungModel
from study.search.known_costs.survival import RungBar

Array = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]

FITTED_VALUES = 150
"""Number of values, the last ones, by which hyperparameters are chosen."""

VALUES = 600
"""Number of values, the last ones, that are predicted from."""


class Modelled(NamedTuple):
    """One measured objective as losses, on the scale on which it is modelled.

    Attributes:
        front: Losses of complete trials within the limits, then those that running ones are
            expected to end with.
        candidates: Predicted losses of the candidates.
    """

    front: Array
    candidates: Prediction


class Evidence:
    """All that is known when a point is to be proposed.

    Costs lie between 0 and 1, from the cheapest network to the dearest of all that are here.

    Args:
        problem: The study.
        points: Places points.
        trials: Trials so far.
        candidates: Points that may be tried.
    """

    def __init__(
        self,
        problem: SearchProblem,
        points: PlacedPoints,
        trials: Sequence[ObservedTrial],
        candidates: Sequence[Point],
    ) -> None:
        self._problem = problem
        self._trials = trials
        placed = points.place([*(trial.point for trial in trials), *candidates])
        low, high = placed.costs.min(axis=0), placed.costs.max(axis=0)
        costs = (placed.costs - low) / np.where(high > low, high - low, 1.0)
        settings = np.hstack([placed.settings, costs])
        self._lengths = np.concatenate(
            [points.axis_of_column, len(problem.space.axes) + np.arange(costs.shape[1])]
        )
        own = len(trials)
        self._settings, self._candidates = settings[:own], settings[own:]
        self.costs, self.candidate_costs = costs[:own], costs[own:]
        seen = sum(bool(trial.entries) for trial in trials)
        self.candidate_weights = belief_weight(placed.log_beliefs[own:], seen)
        self.last = len(problem.levels) - 1

        self._complete = self._where(
            lambda trial: self.last in trial.entries and trial.is_within_limits
        )
        self._running = self._where(lambda trial: trial.is_running)

    @property
    def front_costs(self) -> Array:
        """Return the costs of the complete trials within the limits, then of running ones."""
        front: Array = self.costs[np.concatenate([self._complete, self._running])]
        return front

    def model(self, objective: int) -> Modelled:
        """Model one objective; running trials count as at their means.

        Raises:
            ValueError: The model cannot be fitted.
        """
        rows = [(i, level) for i, trial in enumerate(self._trials) for level in trial.entries]
        rows = rows[-VALUES:]
        losses = [self._trials[i].entries[level].losses[objective] for i, level in rows]
        trials, levels = np.array(rows).T
        model = RungModel(
            self._inputs(trials, levels),
            _scaled(self._problem.objectives[objective], np.array(losses)),
            groups=self._lengths,
            levels=self.last + 1,
            fitted_by=np.arange(len(rows))[-FITTED_VALUES:],
        )
        complete = [self._trials[i].entries[self.last].losses[objective] for i in self._complete]
        expected = np.zeros(0)
        if len(self._running):
            at_end = np.full_like(self._running, self.last)
            expected = model.condition_on_means(self._inputs(self._running, at_end))
        return Modelled(
            front=np.concatenate(
                [_scaled(self._problem.objectives[objective], np.array(complete)), expected]
            ),
            candidates=model.predict(self._candidates, self.candidate_costs - 0.5),
        )

    def bars(self, objective: int) -> dict[int, RungBar]:
        """Return what a candidate must beat on an objective at each rung, by the rung's place."""
        rungs = self._problem.rungs
        if rungs is None:
            return {}
        bars = {}
        for level, epoch in enumerate(rungs.at):
            there = [i for i, trial in enumerate(self._trials) if level in trial.entries]
            entries = [self._trials[i].entries[level] for i in there]
            losses = np.array([entry.losses[objective] for entry in entries])
            bars[level] = RungBar(
                entries,
                _scaled(self._problem.objectives[objective], losses),
                self.costs[there],
                epoch=epoch,
                reduction_factor=rungs.reduction_factor,
            )
        return bars

    def _where(self, holds: Callable[[ObservedTrial], bool]) -> Places:
        return np.array([i for i, t in enumerate(self._trials) if holds(t)], dtype=np.int64)

    def _inputs(self, trials: Places, levels: Places) -> Inputs:
        return Inputs(
            x=self._settings[trials], costs=self.costs[trials] - 0.5, levels=levels.astype(np.int64)
        )


def _scaled(objective: Objective, losses: Array) -> Array:
    """Return losses as they are modelled: logarithms of what spans magnitudes."""
    if objective.is_logarithmic and not objective.maximised:
        return np.asarray(np.log(np.maximum(losses, 1e-12)), dtype=np.float64)
    return losses
