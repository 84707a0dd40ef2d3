"""Refusals of plans that compare nothing."""

import pytest

from search_spaces.experiment import Experiment, PlannedComparison


def test_an_arm_is_not_compared_with_itself() -> None:
    with pytest.raises(ValueError, match="first \\(='noise'\\) must be another arm than second"):
        PlannedComparison(first="noise", second="noise", matters=0.01)


@pytest.mark.parametrize("matters", [0.0, 1.0, -0.1])
def test_a_difference_that_matters_is_a_share(matters: float) -> None:
    with pytest.raises(ValueError, match="matters"):
        PlannedComparison(first="noise", second="none", matters=matters)


def test_an_experiment_compares_at_least_two_arms_over_at_least_one_seed() -> None:
    planned = PlannedComparison(first="noise", second="none", matters=0.01)
    with pytest.raises(ValueError, match="comparisons"):
        Experiment(comparisons=(), seeds=8)
    with pytest.raises(ValueError, match="seeds \\(=0\\)"):
        Experiment(comparisons=(planned,), seeds=0)
