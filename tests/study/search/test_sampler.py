"""Every sampler proposes what is new and can be built; a suite that each of them joins."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from unittest.mock import patch

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers import GPSampler, NSGAIISampler
from threadpoolctl import threadpool_info

from pnn_core.config import DatasetShape
from search_spaces import SearchSpace
from study.results.limit import parse_limits
from study.results.objective import parse_objectives
from study.search.known_costs.ehvi_sampler import EhviSampler
from study.search.known_costs.problem import SearchProblem, count_network_costs
from study.search.sampler import SAMPLER_NAMES, SAMPLERS, DistinctSampler, require_sampler

DIGITS = DatasetShape(channels=1, height=8, width=8, classes=10)
FINITE = SearchSpace(
    name="finite",
    summary="",
    axes={"mask_count": CategoricalDistribution((6, 8)), "fan_out": IntDistribution(1, 4)},
)
"""Six of its eight points can be built."""

CONTINUOUS = SearchSpace(
    name="continuous",
    summary="",
    axes={
        "mask_count": CategoricalDistribution((6, 8)),
        "fan_out": CategoricalDistribution((1, 4)),
        "noise_level": FloatDistribution(0.01, 5.0, log=True),
    },
    grid={"noise_level": (0.1, 1.0)},
)

CONTROLS = SearchSpace(
    name="controls",
    summary="",
    axes={
        "layer": CategoricalDistribution(("perturbation", "conv3x3", "conv1x1")),
        "noise_level": FloatDistribution(0.01, 5.0, log=True),
    },
    grid={"noise_level": tuple(level / 10 for level in range(1, 13))},
)
"""Two of its layers have no noise, so that its level changes nothing about them."""

Ask = Callable[[], dict]


def problem_of(space: SearchSpace, limits: str = "") -> SearchProblem:
    return SearchProblem(
        space=space,
        dataset=DIGITS,
        objectives=parse_objectives("val_accuracy,learnable_params"),
        epochs=1,
        rungs=None,
        count_costs=count_network_costs,
        limits=parse_limits(limits),
    )


def start(
    sampler: str, space: SearchSpace, seed: int = 0, limits: str = ""
) -> tuple[optuna.Study, Ask]:
    study = optuna.create_study(
        directions=["maximize", "minimize"],
        sampler=DistinctSampler(sampler, problem_of(space, limits), seed),
    )

    def ask_and_tell() -> dict:
        trial = study.ask(dict(space.axes))
        masks, fan_out = trial.params.get("mask_count", 7), trial.params.get("fan_out", 1)
        study.tell(trial, [1 / (1 + abs(masks - 7) + fan_out), masks])
        return trial.params

    return study, ask_and_tell


@pytest.fixture(autouse=True)
def quiet_optuna() -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)


@pytest.fixture(autouse=True)
def _young_generations() -> Iterator[None]:
    """Of four trials, so that the genetic algorithm breeds within a test."""
    with patch.dict(SAMPLERS, nsga2=lambda seed: NSGAIISampler(population_size=4, seed=seed)):
        yield


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
@pytest.mark.parametrize("sampler", SAMPLER_NAMES)
class TestEverySampler:
    def test_proposes_each_point_of_a_finite_space_once(self, sampler: str) -> None:
        study, ask = start(sampler, FINITE)
        points = []
        while not study.sampler.is_exhausted(study):
            points.append(tuple(ask().values()))
        assert sorted(points) == [(6, 1), (6, 2), (6, 3), (8, 1), (8, 2), (8, 4)]

    def test_proposes_nothing_twice_while_trials_are_running(self, sampler: str) -> None:
        study, _ = start(sampler, FINITE)
        points = [tuple(study.ask(dict(FINITE.axes)).params.values()) for _ in range(6)]
        assert len(set(points)) == 6

    def test_does_not_propose_again_what_failed(self, sampler: str) -> None:
        study, _ = start(sampler, FINITE)
        for _ in range(6):
            study.tell(study.ask(dict(FINITE.axes)), state=optuna.trial.TrialState.FAIL)
        assert study.sampler.is_exhausted(study)

    def test_proposes_only_what_can_be_built(self, sampler: str) -> None:
        _, ask = start(sampler, CONTINUOUS)
        for _ in range(6 if sampler == "grid" else 15):
            assert CONTINUOUS.is_valid(ask(), DIGITS)

    def test_proposes_no_training_run_under_two_points(self, sampler: str) -> None:
        _, ask = start(sampler, CONTROLS)
        layers = [ask()["layer"] for _ in range(8)]
        assert layers.count("conv3x3") <= 1
        assert layers.count("conv1x1") <= 1

    def test_has_nothing_left_where_a_continuous_axis_changes_nothing(
        self, sampler: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("study.search.sampler.RANDOM_DRAWS", 100)
        plain = {**CONTROLS.axes, "layer": CategoricalDistribution(("conv3x3", "conv1x1"))}
        study, ask = start(sampler, replace(CONTROLS, axes=plain))
        layers = []
        while not study.sampler.is_exhausted(study):
            layers.append(ask()["layer"])
        assert sorted(layers) == ["conv1x1", "conv3x3"]

    def test_proposes_the_same_though_a_new_sampler_object_takes_over(self, sampler: str) -> None:
        """Of the seed, the trial's number and the trials before it: nothing else is remembered."""
        count = {"grid": 6, "gp": 12}.get(sampler, 14)
        _, ask = start(sampler, CONTINUOUS, seed=5)
        study, ask_again = start(sampler, CONTINUOUS, seed=5)
        for _ in range(count):
            study.sampler = DistinctSampler(sampler, problem_of(CONTINUOUS), seed=5)
            assert ask_again() == ask()

    def test_draws_anew_for_each_trial_and_each_seed(self, sampler: str) -> None:
        if sampler == "grid":
            return  # its order is fixed
        levels = set()
        for seed in (0, 1):
            _, ask = start(sampler, CONTINUOUS, seed)
            levels |= {ask()["noise_level"] for _ in range(4)}
        assert len(levels) == 8

    def test_repeats_itself_with_the_same_seed(self, sampler: str) -> None:
        count = 6 if sampler == "grid" else 14
        first, second = (start(sampler, CONTINUOUS, seed=5)[1] for _ in range(2))
        assert [first() for _ in range(count)] == [second() for _ in range(count)]

    def test_tries_enqueued_points_first_and_exactly_and_completes_what_they_leave_out(
        self, sampler: str
    ) -> None:
        for space, level in ((FINITE, None), (CONTINUOUS, 1.0)):
            study, ask = start(sampler, space)
            whole = {"mask_count": 8, "fan_out": 4} | ({"noise_level": level} if level else {})
            for point in ({"fan_out": 1}, whole, {"mask_count": 6}):
                study.enqueue_trial(point)
            first, second, third, *others = (ask() for _ in range(5))
            assert first["fan_out"] == 1
            assert second == whole
            assert third["mask_count"] == 6
            points = [first, second, third, *others]
            assert all(space.is_valid(point, DIGITS) for point in points)
            assert len({space.run_key(point, DIGITS) for point in points}) == 5

    def test_leaves_a_waiting_point_to_the_trial_that_asks_for_it(self, sampler: str) -> None:
        study, ask = start(sampler, FINITE)
        study.enqueue_trial({"mask_count": 6})
        study.enqueue_trial({"mask_count": 6, "fan_out": 3})
        points = [tuple(ask().values()) for _ in range(6)]
        assert points[1] == (6, 3)
        assert len(set(points)) == 6
        assert study.sampler.is_exhausted(study)

    def test_runs_a_point_again_whose_every_completion_was_tried(
        self, sampler: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("study.search.sampler.RANDOM_DRAWS", 100)
        study, ask = start(sampler, FINITE)
        for _ in range(6):
            ask()
        study.enqueue_trial({"mask_count": 8})
        assert ask()["mask_count"] == 8

    def test_proposes_nothing_beyond_a_limit_on_costs(self, sampler: str) -> None:
        limit = "learnable_params<=7195"
        for space in (FINITE, CONTINUOUS):
            problem = problem_of(space, limit)
            study, ask = start(sampler, space, limits=limit)
            points = []
            while len(points) < 6 and not study.sampler.is_exhausted(study):
                points.append(ask())
            assert points
            costs = [problem.count_costs(problem.configure(point)) for point in points]
            assert all(cost.learnable_params <= 7195 for cost in costs)
        within = [p for p in FINITE.grid_points(DIGITS) if problem_of(FINITE, limit).admits(p)]
        assert 0 < len(within) < 6


def test_each_trial_is_described_once_however_many_follow(monkeypatch: pytest.MonkeyPatch) -> None:
    described = 0
    original = SearchSpace.run_key

    def counted(space: SearchSpace, point: dict, dataset: DatasetShape) -> object:
        nonlocal described
        described += 1
        return original(space, point, dataset)

    monkeypatch.setattr(SearchSpace, "run_key", counted)
    study, ask = start("random", CONTINUOUS)
    for _ in range(20):
        assert not study.sampler.is_exhausted(study)
        ask()
    # A few a trial: what is drawn and refused, and what was drawn to see whether any is left.
    assert described < 20 * 6


def test_the_grid_goes_through_its_points_in_order() -> None:
    _, ask = start("grid", CONTINUOUS)
    assert [tuple(ask().values()) for _ in range(6)] == [
        (6, 1, 0.1),
        (6, 1, 1.0),
        (8, 1, 0.1),
        (8, 1, 1.0),
        (8, 4, 0.1),
        (8, 4, 1.0),
    ]


def test_tpe_learns_where_the_objectives_are_good() -> None:
    space = SearchSpace(name="line", summary="", axes={"noise_level": FloatDistribution(0.01, 5.0)})
    study = optuna.create_study(
        directions=["maximize"], sampler=DistinctSampler("tpe", problem_of(space), seed=0)
    )
    levels = []
    for _ in range(40):
        trial = study.ask(dict(space.axes))
        levels.append(trial.params["noise_level"])
        study.tell(trial, -abs(levels[-1] - 2.0))
    error = [abs(level - 2.0) for level in levels]
    assert sum(error[30:]) / 10 < sum(error[:10]) / 10 / 2


@pytest.mark.parametrize(
    ("name", "hint"), [("tpee", "did you mean tpe"), ("NSGA2", "accepted are")]
)
def test_an_unknown_sampler_is_refused_with_the_nearest_name(name: str, hint: str) -> None:
    with pytest.raises(ValueError, match=hint):
        require_sampler(name)


@pytest.mark.parametrize("sampler", ["tpe", "nsga2", "random"])
def test_a_proposal_looks_no_longer_at_old_trials_than_optuna_does(sampler: str) -> None:
    """By counts, as time is measured in benchmarks: what grows is Optuna's alone."""

    def looks(trials: int) -> tuple[int, int]:
        study, ask = start(sampler, CONTINUOUS)
        for _ in range(trials):
            ask()
        equal, listed = CategoricalDistribution.__eq__, study.get_trials
        with (
            patch.object(CategoricalDistribution, "__eq__", autospec=True, side_effect=equal) as eq,
            patch.object(study, "get_trials", side_effect=listed) as get_trials,
        ):
            study.sampler.is_exhausted(study)
            study.ask(dict(CONTINUOUS.axes))
        return eq.call_count, get_trials.call_count

    compared, listed = looks(60)
    assert (compared, listed) == looks(30)
    assert listed <= 3  # the sampler's own among them


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
@pytest.mark.parametrize(("sampler", "fitting"), [("ehvi", EhviSampler), ("gp", GPSampler)])
def test_a_model_is_fitted_by_one_thread_as_workers_have_all_cores(
    sampler: str, fitting: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[int] = []
    propose = fitting.sample_relative

    def spy(*arguments) -> dict:
        threads.extend(pool["num_threads"] for pool in threadpool_info())
        return propose(*arguments)

    monkeypatch.setattr(fitting, "sample_relative", spy)
    before = [pool["num_threads"] for pool in threadpool_info()]
    _, ask = start(sampler, CONTINUOUS)
    ask()
    assert set(threads) == {1}
    assert [pool["num_threads"] for pool in threadpool_info()] == before
