"""Sampler by expected hypervolume improvement, with known costs and all rungs."""

import logging
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import optuna
from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial

from search_spaces.space import Point
from study.search.known_costs.evidence import Evidence
from study.search.known_costs.expected_gain import expected_gain
from study.search.known_costs.observations import Observations, ObservedTrial
from study.search.known_costs.placed_points import PlacedPoints
from study.search.known_costs.problem import SearchProblem
from study.search.known_costs.survival import chance_to_pass
from study.search.random_points import draw_point
from study.search.whole_points import WholePointSampler

Array = npt.NDArray[np.float64]

FIRST_RANDOM = 4
"""Number of trials before the model is asked."""

RANDOM_SHARE = 0.05
"""Share of proposals that are random, so that a wrong model cannot lock the search."""

CANDIDATES = 4_096
"""Number of points that are compared, of a space that is listed."""

BELIEF_DRAWS = 200
"""Number of ways to complete a belief that are drawn in search of one that can be built."""

DRAWS = 16
"""Number of draws of the other measured objectives, where there are several."""

BEYOND = 0.1
"""Share of a loss's range beyond the worst, up to which a gain counts."""

_LOG = logging.getLogger(__name__)

FindCandidates = Callable[[Sequence[Point], int], Sequence[Point]]
"""Returns untried points that can be built, given points that were tried, and how many."""


class EhviMemory:
    """What one proposal leaves to the next: trials that were read, points that were placed.

    Args:
        problem: The study.
    """

    def __init__(self, problem: SearchProblem) -> None:
        self.observations = Observations(problem)
        self.points = PlacedPoints(problem)


class EhviSampler(WholePointSampler):
    """Proposes the untried point of the largest expected gain.

    Objectives that follow from the network alone are computed. Each measured one is modelled at
    every rung (`RungModel`), from complete, stopped and running trials. The gain is the expected
    hypervolume improvement (`expected_gain`) times the chance to pass the rungs (`chance_to_pass`).
    Running trials count as observed at their means, so that many workers get different points.

    Settings that the user believes in are tried first; then a gain counts the more the nearer a
    point is to them, the less the more trials there are (`belief_weight`).

    Where the model cannot be fitted, a random point is proposed, and the log says so.

    Args:
        problem: The study.
        candidates: Finds untried points.
        seed: Seed of what is random.
        memory: What earlier proposals left.
    """

    def __init__(
        self, problem: SearchProblem, candidates: FindCandidates, seed: int, memory: EhviMemory
    ) -> None:
        super().__init__(problem.space.axes, seed)
        self._problem = problem
        self._candidates = candidates
        self._memory = memory
        self._random = np.random.default_rng(seed)
        self._offered_belief = False

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Return a point, or nothing where chance is to choose."""
        if belief := self._untried_belief(study, trial):
            return dict(belief)
        chance = self._random.random() < RANDOM_SHARE
        trials = [t for t in self._memory.observations.read(study) if t.number != trial.number]
        last = len(self._problem.levels) - 1
        ended = any(last in t.entries and t.is_within_limits for t in trials)
        if chance or len(trials) < FIRST_RANDOM or not ended or not self._problem.measured:
            return {}
        try:
            return dict(self._best(trials))
        except ValueError as error:
            _LOG.warning("trial %d is a random point: %s", trial.number, error)
            return {}

    def _untried_belief(self, study: optuna.Study, trial: FrozenTrial) -> Point | None:
        """Return a point with what the user believes in, unless a trial has it already.

        It is offered once for each trial: where it describes a training run that is taken, or can
        only be built beyond a limit, the model is asked.
        """
        belief = self._problem.belief
        if belief is None or self._offered_belief:
            return None
        self._offered_belief = True
        others = (t for t in study.get_trials(deepcopy=False) if t.number != trial.number)
        if any(belief.items() <= t.params.items() for t in others):
            return None
        draws = ({**draw_point(self._axes, self._uniform), **belief} for _ in range(BELIEF_DRAWS))
        return next(filter(self._problem.admits, draws), None)

    def _best(self, trials: Sequence[ObservedTrial]) -> Point:
        tried = [trial.point for trial in trials if trial.entries]
        candidates = self._candidates(tried, CANDIDATES)
        if not candidates:
            return {}
        evidence = Evidence(self._problem, self._memory.points, trials, candidates)
        gain = self._gain(evidence)
        return candidates[int(np.argmax(gain))] if gain.max() > 0 else {}

    def _gain(self, evidence: Evidence) -> Array:
        """Return the expected gain of each candidate."""
        first, *others = self._problem.measured
        modelled = evidence.model(first)
        drawn = [evidence.model(objective) for objective in others]
        front = np.column_stack([evidence.front_costs, *(m.front for m in (*drawn, modelled))])
        worst, best = front.max(axis=0), front.min(axis=0)
        costs = evidence.costs.shape[1]
        worst[:costs], best[:costs] = 1.0, 0.0
        reference = worst + BEYOND * (worst - best)
        gain = np.zeros(len(evidence.candidate_costs))
        draws = DRAWS if drawn else 1
        for _ in range(draws):
            noise = self._random.standard_normal((len(drawn), len(gain)))
            known = [
                other.candidates.mean[:, -1] + other.candidates.sd[:, -1] * own
                for other, own in zip(drawn, noise, strict=True)
            ]
            gain += expected_gain(
                front,
                np.column_stack([evidence.candidate_costs, *known]),
                modelled.candidates.mean[:, -1],
                modelled.candidates.sd[:, -1],
                reference=reference,
            )
        chance = chance_to_pass(evidence.bars(first), evidence.candidate_costs, modelled.candidates)
        return gain * chance * evidence.candidate_weights
