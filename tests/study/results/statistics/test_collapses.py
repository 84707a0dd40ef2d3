import numpy as np
import pytest
from scipy import stats

from study.results.statistics.collapses import RULE, collapsed_seeds, highest_rate


@pytest.mark.parametrize(
    ("accuracies", "collapsed"),
    [
        ([0.90, 0.91, 0.80], {2}),
        ([0.90, 0.91, 0.90, 0.902, 0.852, 0.10], {5}),  # 4.9 points are too few
        ([0.90, 0.90, 0.85], {2}),  # five points are not
        ([0.90, 0.85, 0.80, 0.75, 0.70], set()),  # a wide spread
        ([0.90, 0.10], set()),  # of two, neither is the odd one
        ([0.5, 0.5, 0.99], set()),  # luck is no collapse
    ],
)
def test_a_seed_far_below_the_median_has_collapsed(accuracies, collapsed):
    assert collapsed_seeds(dict(enumerate(accuracies))) == collapsed


def test_the_rule_says_its_figures():
    assert "5 points or more" in RULE
    assert "more than 5 median absolute deviations" in RULE


def test_a_usual_spread_has_few_collapses_and_a_collapse_is_nearly_always_seen():
    random = np.random.default_rng(0)
    wrong = seen = 0
    for _ in range(500):
        accuracies = dict(enumerate(0.9 + random.normal(0, 0.01, 8)))
        wrong += bool(collapsed_seeds(accuracies))
        seen += collapsed_seeds({**accuracies, 3: accuracies[3] - 0.1}) == {3}
    assert wrong <= 5
    assert seen >= 490


@pytest.mark.parametrize(("collapsed", "seeds"), [(0, 8), (1, 8), (3, 5), (5, 5)])
def test_the_highest_rate_is_scipys_exact_one(collapsed, seeds):
    expected = stats.binomtest(collapsed, seeds).proportion_ci(0.95, method="exact").high
    assert highest_rate(collapsed, seeds) == pytest.approx(expected)
