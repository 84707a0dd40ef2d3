"""A study that goes on starts Ray only where something is left to train."""

from dataclasses import replace

from optuna.distributions import CategoricalDistribution

from study.execution.runs_left import has_runs_left


def of_two_points(make_config, **changes: object):
    """A study that asks for more trials than its space holds."""
    config = make_config(**{"trials": 10, **changes})
    axes = {"mask_count": CategoricalDistribution((2, 4))}
    return replace(config, space=replace(config.space, axes=axes, grid={}))


def test_a_study_whose_space_is_exhausted_has_nothing_left(make_config, live) -> None:
    for sampler in ("grid", "random"):
        config = of_two_points(make_config, sampler=sampler, name=sampler)
        study = live(config)
        study.complete(study.propose())
        assert has_runs_left(config)
        study.propose()
        assert has_runs_left(config)  # the last point is being trained
        study.complete(1)
        assert not has_runs_left(config)


def test_a_grid_of_an_axis_without_end_can_be_exhausted_too(make_config, live) -> None:
    config = make_config(trials=10, sampler="grid")
    study = live(config)
    for _ in range(4):
        assert has_runs_left(config)
        study.complete(study.propose())
    assert not has_runs_left(config)
    assert has_runs_left(replace(config, sampler="random"))


def test_points_that_are_asked_for_are_left_though_the_space_is_exhausted(
    make_config, live
) -> None:
    config = of_two_points(make_config)
    study = live(config)
    for _ in range(2):
        study.complete(study.propose())
    asked = replace(config, enqueue="mask_count=2")
    assert len(asked.enqueued) == 1
    assert has_runs_left(asked)
    again = live(asked)
    assert has_runs_left(asked)
    again.complete(again.propose())
    assert not has_runs_left(asked)
