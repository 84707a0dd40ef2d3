import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.results.statistics.holm import holm_adjusted

p_values = st.lists(st.floats(0, 1), max_size=8)


def test_four_p_values_by_hand():
    # Ascending 0.005, 0.01, 0.03, 0.04, times 4, 3, 2, 1; the last may not fall below the third.
    assert holm_adjusted([0.01, 0.04, 0.03, 0.005]) == pytest.approx((0.03, 0.06, 0.06, 0.02))


@given(p_values)
def test_it_lies_between_the_p_value_and_bonferronis(values):
    for p, adjusted in zip(values, holm_adjusted(values), strict=True):
        assert p <= adjusted <= min(1, len(values) * p)


@given(p_values, st.floats(0, 0.99))
def test_it_rejects_exactly_what_holms_steps_reject(values, level):
    steps = sorted(values)
    rejected = 0
    while rejected < len(steps) and (len(steps) - rejected) * steps[rejected] <= level:
        rejected += 1
    assert sum(p <= level for p in holm_adjusted(values)) == rejected
