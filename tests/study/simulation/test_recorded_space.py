"""A simulated search proposes each recorded configuration once, as a study never repeats a run."""

import pytest

from study.results.objective import parse_objectives
from study.simulation.recorded_space import recorded_space
from study.simulation.simulated_search import SearchSettings, simulate


@pytest.fixture
def table(make_table):
    return make_table()


def test_points_that_stand_for_one_configuration_are_one_point(table) -> None:
    space = recorded_space(table)
    point = {"layer": "perturbation", "mask_count": 8, "noise_level": 0.1}
    near, other = point | {"noise_level": 0.12}, point | {"noise_level": 0.9}
    keys = [space.run_key(p, table.shape) for p in (point, near, other)]
    assert keys[0] == keys[1] != keys[2]
    assert table.space.run_key(point, table.shape) != table.space.run_key(near, table.shape)


def test_the_grid_of_the_space_is_the_table(table) -> None:
    space = recorded_space(table)
    assert space.is_finite()
    numbers = [space.run_key(p, table.shape) for p in space.grid_points(table.shape)]
    assert numbers == [configuration.number for configuration in table.configurations]


@pytest.mark.parametrize("sampler", ["random", "tpe", "nsga2", "grid"])
def test_a_search_with_a_large_budget_ends_when_it_has_seen_the_whole_table_once(
    table, sampler
) -> None:
    settings = SearchSettings(
        objectives=parse_objectives("val_accuracy,learnable_params"),
        sampler=sampler,
        workers=3,
        trials=100,
        replicates=1,
        rungs=None,
        seed=0,
    )
    ends = simulate(table, settings)
    assert sorted(end.configuration.number for end in ends) == [*range(12)]
