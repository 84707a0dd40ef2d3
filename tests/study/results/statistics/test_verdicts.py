import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from study.results.statistics.confidence_intervals import Estimate, paired_difference
from study.results.statistics.holm import holm_adjusted
from study.results.statistics.verdicts import (
    Question,
    Verdict,
    decide,
    difference_p_value,
    equivalence_p_value,
)


def estimate(*values):
    return paired_difference(dict(enumerate(values)), dict.fromkeys(range(len(values)), 0.0))


def question(*values, **changes):
    difference = estimate(*values)
    return Question(**{"difference": difference, "every_seed": difference, **changes})


def verdicts(*questions):
    return [decision.verdict for decision in decide(questions)]


VALUES = (0.004, 0.010, 0.007, 0.006, 0.001)


def test_p_values_are_those_of_scipys_tests():
    assert difference_p_value(estimate(*VALUES)) == pytest.approx(
        stats.ttest_1samp(VALUES, 0).pvalue
    )
    below = stats.ttest_1samp(VALUES, 0.012, alternative="less").pvalue
    above = stats.ttest_1samp(VALUES, -0.012, alternative="greater").pvalue
    assert equivalence_p_value(estimate(*VALUES), 0.012) == pytest.approx(2 * max(below, above))


def test_an_interval_beside_zero_tells_the_better_and_within_what_matters_equivalence():
    low, high = estimate(*VALUES).interval
    assert 0 < low < high < 0.0102
    assert verdicts(question(*VALUES)) == [Verdict.BETTER]
    assert verdicts(question(*(-v for v in VALUES))) == [Verdict.WORSE]
    assert verdicts(question(*VALUES, matters=0.0102)) == [Verdict.EQUIVALENT]
    assert verdicts(question(*VALUES, matters=high - 1e-6)) == [Verdict.BETTER]
    assert verdicts(question(-0.01, 0.02, 0.0, matters=0.01)) == [Verdict.UNDECIDED]


@given(st.floats(-0.02, 0.02), st.floats(1e-4, 0.02), st.integers(3, 10), st.floats(1e-3, 0.02))
def test_a_single_verdict_follows_the_interval(mean, standard_error, n, matters):
    found = Estimate(mean=mean, n=n, standard_error=standard_error, degrees=n - 1)
    low, high = found.interval
    if min(abs(low), abs(high), abs(low + matters), abs(high - matters)) < 1e-9:
        return  # on an end, where rounding decides
    if -matters < low and high < matters:
        expected = Verdict.EQUIVALENT
    elif low <= 0 <= high:
        expected = Verdict.UNDECIDED
    else:
        expected = Verdict.BETTER if mean > 0 else Verdict.WORSE
    assert verdicts(Question(difference=found, every_seed=found, matters=matters)) == [expected]


def test_verdicts_are_adjusted_but_for_the_one_named_beforehand():
    p = difference_p_value(estimate(*VALUES))
    assert 0.05 / 3 < p < 0.05
    unclear = question(-0.01, 0.02, 0.0)
    family = [question(*VALUES), unclear, unclear]
    assert verdicts(*family) == [Verdict.UNDECIDED] * 3
    alone = question(*VALUES, by_itself=True)
    first, *others = decide([alone, *family])
    assert (first.verdict, first.adjusted_p, first.family) == (Verdict.BETTER, p, 1)
    expected = holm_adjusted([difference_p_value(q.difference) for q in family])
    assert tuple(other.adjusted_p for other in others) == expected
    assert {other.family for other in others} == {3}


def test_too_few_seeds_have_no_verdict_and_no_part_in_the_family():
    few, missing = question(0.1, 0.2), Question(difference=None, every_seed=None)
    decisions = decide([few, missing, question(*VALUES)])
    assert [d.verdict for d in decisions] == [None, None, Verdict.BETTER]
    assert decisions[2].family == 1


def test_seeds_without_a_spread_decide_nothing():
    (decision,) = decide([question(0.1, 0.1, 0.1, matters=0.5)])
    assert (decision.verdict, decision.adjusted_p) == (Verdict.UNDECIDED, None)


@pytest.mark.parametrize(
    ("whole", "matters", "verdict"),
    [
        (0.005, None, Verdict.BETTER),
        (-0.02, None, Verdict.UNDECIDED),
        (-0.02, 0.012, Verdict.UNDECIDED),
    ],
)
def test_collapses_that_turn_the_mean_leave_nothing_decided(whole, matters, verdict):
    every_seed = estimate(whole, whole - 0.001, whole + 0.001)
    asked = question(*VALUES, every_seed=every_seed, matters=matters)
    assert verdicts(asked) == [verdict]


def test_a_study_without_any_difference_seldom_shows_one():
    """Three trials of a front with three controls each: a third of such studies, not adjusted."""
    random = np.random.default_rng(0)
    plain = adjusted = 0
    for _ in range(400):
        questions = []
        for _ in range(3):
            noise = random.normal(0.9, 0.0025, 8)
            controls = random.normal(0.9, 0.0025, (3, 8))
            questions += [question(*(noise - control)) for control in controls]
        plain += any(difference_p_value(q.difference) <= 0.05 for q in questions)
        adjusted += any(verdict is not Verdict.UNDECIDED for verdict in verdicts(*questions))
    assert plain / 400 > 0.25
    assert adjusted / 400 <= 0.07
