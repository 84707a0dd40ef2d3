"""Samplers: Optuna's own, kept from proposing what was proposed before or cannot be built."""

import contextlib
import itertools
from collections.abc import Callable, Hashable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, GPSampler, NSGAIISampler, RandomSampler, TPESampler
from optuna.trial import FrozenTrial, TrialState, create_trial

from pnn_core.config.checks import require_known
from search_spaces.space import Point
from study.search.known_costs.candidates import DRAWN_CANDIDATES, neighbours
from study.search.known_costs.problem import SearchProblem
from study.search.one_thread import one_thread
from study.search.random_points import draw_point
from study.search.whole_points import WholePointSampler

# Its model imports SciPy, which a command that proposes nothing must not wait for.
if TYPE_CHECKING:
    from study.search.known_costs.ehvi_sampler import EhviMemory

SAMPLERS: dict[str, Callable[[int], BaseSampler]] = {
    "tpe": lambda seed: TPESampler(multivariate=True, constant_liar=True, seed=seed),
    "nsga2": lambda seed: NSGAIISampler(seed=seed),
    "gp": lambda seed: GPSampler(seed=seed),
    "random": lambda seed: RandomSampler(seed=seed),
}
"""Optuna's samplers, by the name that the command line gives them; `own_sampler` adds others."""

OPTUNAS_OWN = frozenset(SAMPLERS)
"""Names of those whose axes depend on the trials before alone, not on the seed or on a trial."""

DEFAULT_SAMPLER = "tpe"
GRID = "grid"
EHVI = "ehvi"
SAMPLER_NAMES = (*SAMPLERS, EHVI, GRID)
MODELLED = ("gp", EHVI)
"""Names of those that fit a Gaussian process."""

PROPOSALS_BEFORE_RANDOM = 3
"""Number of times that a sampler is asked before a random point takes its place. Few, because each
answer of a Gaussian process costs a fit and its next one is much the same."""

POINTS_LISTED = 10_000
"""Number of points up to which a space is listed, so that its last new points are found."""

RANDOM_DRAWS = 10_000
"""Number of random points that are drawn in search of a new one that can be built."""


NOTHING_FIXED: Point = {}
"""Settings of a point that nobody asked for."""


def fixed_settings(trial: FrozenTrial) -> Point:
    """Return the settings that a trial was enqueued with; none for one that was proposed."""
    fixed: Point = trial.system_attrs.get("fixed_params", NOTHING_FIXED)  # Optuna's own name
    return fixed


def require_sampler(name: str) -> None:
    """Check a sampler's name.

    Raises:
        ValueError: The name is unknown; the nearest is suggested.
    """
    require_known("a sampler", name, (*SAMPLERS, EHVI, GRID))


class DistinctSampler(WholePointSampler):
    """Proposes points that are new and can be built: only a whole point is new or not.

    Small spaces make samplers repeat themselves, and a repeated trial tells nothing new. Instead
    of training it again, the sampler is asked again, then a random new point is taken. A point is
    new if it describes a training run that no other did (`SearchSpace.run_key`).

    What is proposed depends on the trial's number and on the trials before it alone. A point that
    was asked for (`StudyStorage.enqueue`) is proposed as it is; what it leaves out is chosen as for
    any other.

    Serves one study.

    Args:
        name: Name in `SAMPLERS`, `EHVI` or `GRID`.
        problem: Study that is served.
        seed: Seed of the sampler.
    """

    def __init__(self, name: str, problem: SearchProblem, seed: int) -> None:
        require_sampler(name)
        space, dataset = problem.space, problem.dataset
        super().__init__(space.axes, seed)
        self._problem = problem
        self._memory: EhviMemory | None = None
        self._space = space
        self._dataset = dataset
        # Optuna's samplers know limits as constraints, of which costs need not be trained for.
        self._limited = any(limit.is_known_before_training for limit in problem.limits)
        self._name = name
        self._seed = seed
        self._reseed(number=0)
        # Each sampler goes through all trials once for the axes that they have in common, and then
        # through new ones: one that is begun anew for each trial would do so each time.
        self._lasting = SAMPLERS[name](seed) if name in OPTUNAS_OWN else None
        self._counted: set[int] = set()
        self._all_counted_before = 0
        self._taken: set[Hashable] = set()
        enumerable = name == GRID or (space.is_finite() and space.grid_size() <= POINTS_LISTED)
        self._points = (
            {
                self._key(point): point
                for point in space.grid_points(dataset)
                if not self._limited or problem.admits(point)
            }
            if enumerable
            else None
        )
        self._in_order = name == GRID

    def is_exhausted(self, study: optuna.Study) -> bool:
        """Return True if no new point is left.

        Of a space too large to list: if random draws find none. Its continuous axes may change
        nothing, as noise levels do where no layer has noise.
        """
        taken = self._proposed(study)
        if self._points is not None:
            return not self._remaining(taken)
        # Random samplers look at no trial, and none has begun.
        nobody = create_trial(state=TrialState.WAITING)
        return self._random_draw(study, nobody, taken) is None

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Return a new point.

        Raises:
            RuntimeError: None was found; see `is_exhausted`.
        """
        fixed = fixed_settings(trial)
        if fixed.keys() == self._axes.keys():
            return dict(fixed)
        taken = self._proposed(study)
        if self._in_order and (remaining := self._remaining(taken, fixed)):
            return remaining[0]
        for _ in range(PROPOSALS_BEFORE_RANDOM):
            point = {**self._ask(self._inner, study, trial), **fixed}
            if self._is_new(point, taken):
                return point
        if remaining := self._remaining(taken, fixed):
            return remaining[self._random.integers(len(remaining))]
        drawn = self._random_draw(study, trial, taken, fixed)
        if drawn is None and fixed:  # all that it can be completed to was tried: once more
            drawn = self._random_draw(study, trial, set(), fixed)
        if drawn is None:
            raise RuntimeError(
                f"no new point of {self._space.name!r} in {RANDOM_DRAWS} random draws"
            )
        return drawn

    def before_trial(self, study: optuna.Study, trial: FrozenTrial) -> None:
        """Draw what follows from the trial's number, and pass on."""
        self._reseed(trial.number)
        self._inner.before_trial(study, trial)

    def after_trial(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        state: TrialState,
        values: Any,  # noqa: ANN401  # Optuna's signature
    ) -> None:
        """Pass on, as samplers keep state per trial."""
        self._inner.after_trial(study, trial, state, values)

    def _reseed(self, number: int) -> None:
        """Begin anew with the luck of one trial: a resumed study then draws what it would have.

        What Optuna's samplers learn lies in the storage, not in them.
        """
        seed = int(np.random.SeedSequence(self._seed, spawn_key=(number,)).generate_state(1)[0])
        self._random = np.random.default_rng(seed)
        self._uniform = RandomSampler(seed=seed)
        self._inner = self._begin(seed)

    def _begin(self, seed: int) -> BaseSampler:
        """Return the sampler that is asked, with its luck."""
        if self._name == GRID:
            return self._uniform
        if self._name == EHVI:
            from study.search.known_costs.ehvi_sampler import EhviMemory, EhviSampler

            self._memory = self._memory or EhviMemory(self._problem)
            return EhviSampler(self._problem, self._candidates, seed, self._memory)
        return SAMPLERS[self._name](seed)

    def _candidates(self, tried: Sequence[Point], number: int) -> Sequence[Point]:
        """Return untried points: all of a space that is listed, else random ones and neighbours.

        Args:
            tried: Points whose neighbours are wanted.
            number: Number of points at most.
        """
        if self._points is not None:
            remaining = self._remaining(self._taken)
            if len(remaining) <= number:
                return remaining
            chosen = self._random.choice(len(remaining), number, replace=False)
            return [remaining[place] for place in chosen]
        near = neighbours(self._space, tried, self._random)
        drawn = (self._draw() for _ in itertools.count())
        mixed = itertools.chain.from_iterable(zip(drawn, near, strict=False))
        few = min(number, DRAWN_CANDIDATES)
        return [p for p in itertools.islice(mixed, few) if self._is_new(p, self._taken)]

    def _draw(self) -> dict[str, Any]:
        """Return a random point."""
        return draw_point(self._axes, self._uniform)

    def _ask(self, sampler: BaseSampler, study: optuna.Study, trial: FrozenTrial) -> dict[str, Any]:
        """Return a whole point; what the sampler does not choose jointly is chosen axis by axis."""
        lasting = self._lasting if sampler is self._inner else None
        joint = (lasting or sampler).infer_relative_search_space(study, trial)
        is_modelled = sampler is self._inner and self._name in MODELLED
        with one_thread() if is_modelled else contextlib.nullcontext():
            point = dict(sampler.sample_relative(study, trial, joint))
        for name, axis in self._axes.items():
            if name not in point:
                point[name] = sampler.sample_independent(study, trial, name, axis)
        return point

    def _random_draw(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        taken: set[Hashable],
        fixed: Point = NOTHING_FIXED,
    ) -> dict[str, Any] | None:
        """Return a new point with some settings fixed, or None if chance finds none."""
        draws = ({**self._ask(self._uniform, study, trial), **fixed} for _ in range(RANDOM_DRAWS))
        return next((point for point in draws if self._is_new(point, taken)), None)

    def _is_new(self, point: Point, taken: set[Hashable]) -> bool:
        """Return True if a point can be built and none describes its training run already."""
        key = self._key(point)
        if key in taken:
            return False
        if self._points is not None:
            return key in self._points
        return self._problem.admits(point)

    def _remaining(
        self, taken: set[Hashable], fixed: Point = NOTHING_FIXED
    ) -> list[dict[str, Any]]:
        """Return the listed points that are new and have some settings as they are fixed."""
        return [
            point
            for key, point in (self._points or {}).items()
            if key not in taken and fixed.items() <= point.items()
        ]

    def _proposed(self, study: optuna.Study) -> set[Hashable]:
        """Return the keys of all trials, whatever became of them: a failed one fails again.

        Kept from one proposal to the next: a point that is whole stays as it is. One that waits is
        left to the trial that asks for it.
        """
        whole = self._axes.keys()
        for trial in study.get_trials(deepcopy=False)[self._all_counted_before :]:
            if trial.number in self._counted:
                continue
            point = fixed_settings(trial) if trial.state is TrialState.WAITING else trial.params
            if point.keys() == whole:
                self._counted.add(trial.number)
                self._taken.add(self._key(point))
        while self._all_counted_before in self._counted:
            self._counted.remove(self._all_counted_before)
            self._all_counted_before += 1
        return self._taken

    def _key(self, point: Point) -> Hashable:
        return self._space.run_key(point, self._dataset)
