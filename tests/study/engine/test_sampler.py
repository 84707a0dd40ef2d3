"""Every sampler proposes what is new and can be built; a suite that each of them joins."""

from collections.abc import Callable

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from pnn_core.config import DatasetShape
from search_spaces import SearchSpace
from study.engine.sampler import SAMPLER_NAMES, DistinctSampler, require_sampler

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

Ask = Callable[[], dict]


def start(sampler: str, space: SearchSpace, seed: int = 0) -> tuple[optuna.Study, Ask]:
    study = optuna.create_study(
        directions=["maximize", "minimize"], sampler=DistinctSampler(sampler, space, DIGITS, seed)
    )

    def ask_and_tell() -> dict:
        trial = study.ask(dict(space.axes))
        accuracy = 1 / (1 + abs(trial.params["mask_count"] - 7) + trial.params["fan_out"])
        study.tell(trial, [accuracy, trial.params["mask_count"]])
        return trial.params

    return study, ask_and_tell


@pytest.fixture(autouse=True)
def quiet_optuna() -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)


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

    def test_repeats_itself_with_the_same_seed(self, sampler: str) -> None:
        count = 6 if sampler == "grid" else 14
        first, second = (start(sampler, CONTINUOUS, seed=5)[1] for _ in range(2))
        assert [first() for _ in range(count)] == [second() for _ in range(count)]


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
        directions=["maximize"], sampler=DistinctSampler("tpe", space, DIGITS, seed=0)
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
