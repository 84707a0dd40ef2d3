"""Who asks for seeds is told, before anything is trained, what they can decide."""

import pytest

from search_spaces import SearchSpace
from search_spaces.experiment import Experiment, PlannedComparison
from study.planning.enough_seeds import detectable_differences, few_seeds_warning
from study.results.statistics.power import largest_spread


@pytest.mark.parametrize(("confirm", "warns"), [(0, False), (1, True), (2, True), (3, False)])
def test_a_number_that_decides_nothing_is_warned_of(make_config, confirm, warns) -> None:
    warnings = few_seeds_warning(make_config(confirm=confirm))
    assert bool(warnings) == warns
    if warns:
        assert warnings[0].startswith(f"--confirm {confirm}: fewer than 3 seeds have no interval")


@pytest.fixture
def experiment(make_config):
    """A study of a space with two variants and one planned comparison."""

    def make(seeds: int, further: tuple[float, ...] = ()):
        comparisons = tuple(
            PlannedComparison(first="a", second="b", matters=matters)
            for matters in (0.005, *further)
        )
        space = SearchSpace(
            name="arms",
            summary="",
            axes={},
            variants={"a": {"weight_decay": 0.1}, "b": {"weight_decay": 0.2}},
            experiment=Experiment(comparisons=comparisons, seeds=seeds),
            is_grid=True,
        )
        return make_config(space=space, confirm=1)

    return make


def test_a_planned_comparison_says_which_spread_its_seeds_can_bear(experiment) -> None:
    (sentence,) = detectable_differences(experiment(8))
    assert sentence.startswith(
        "a against b, named first: 8 seeds find the 0.5 points that would matter with"
    )
    assert f"by {100 * largest_spread(0.005, 8):.2g} points" in sentence


def test_further_comparisons_are_said_together_and_adjusted_for_their_number(experiment) -> None:
    _, alike, other = detectable_differences(experiment(8, (0.01, 0.01, 0.02)))
    assert alike.startswith("2 further comparisons, adjusted for 3: 8 seeds find the 1 point that")
    assert f"by {100 * largest_spread(0.01, 8, 3):.2g} points" in alike
    assert other.startswith("1 further comparison, adjusted for 3: 8 seeds find the 2 points that")


def test_a_blocks_own_number_is_not_the_experiments(experiment) -> None:
    assert few_seeds_warning(experiment(8)) == ()
    assert few_seeds_warning(experiment(2)) != ()
    assert detectable_differences(experiment(2)) == ()


def test_without_a_plan_there_is_nothing_to_detect(make_config) -> None:
    assert detectable_differences(make_config(confirm=8)) == ()
