import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from dashboards.measures.welch import welch_difference

SETTINGS = settings(max_examples=60, deadline=None)
accuracies = st.lists(st.integers(0, 10).map(lambda n: n / 10), min_size=1, max_size=5)


@SETTINGS
@given(accuracies, accuracies)
def test_welch_is_scipys_where_both_have_a_spread(first, second):
    found = welch_difference(first, second)
    assert found.mean == pytest.approx(sum(first) / len(first) - sum(second) / len(second))
    if min(len(first), len(second)) < 3:
        assert found.half_width is None
    elif len({*first}) == 1 and len({*second}) == 1:
        assert found.half_width == pytest.approx(0)
    elif len({*first}) > 1 and len({*second}) > 1:
        expected = stats.ttest_ind(first, second, equal_var=False).confidence_interval(0.95)
        bounded = (max(expected.low, -1), min(expected.high, 1))
        assert found.interval == pytest.approx(bounded)
