import math
import time

import moocore
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from study.results.growing_hypervolume import growing_hypervolume

# A loaded machine is no failure.
SETTINGS = settings(max_examples=60, deadline=None)


@SETTINGS
@given(
    st.integers(1, 4).flatmap(
        lambda dimensions: st.lists(
            st.tuples(*[st.integers(-1, 8) | st.just(math.nan)] * dimensions),
            min_size=1,
            max_size=25,
        )
    )
)
def test_it_is_moocores_hypervolume_of_all_points_up_to_then(points):
    points = np.array(points, dtype=float)
    found = growing_hypervolume(points)
    for count in range(1, len(points) + 1):
        counted = [p for p in points[:count] if not np.isnan(p).any()]
        expected = moocore.hypervolume(counted, ref=0, maximise=True) if counted else 0.0
        assert found[count - 1] == pytest.approx(expected, rel=1e-9)


@SETTINGS
@given(st.lists(st.tuples(st.floats(0.01, 1), st.floats(0.01, 1)), min_size=1, max_size=40))
def test_two_objectives_of_any_values_agree_with_moocore(points):
    expected = moocore.hypervolume(points, ref=0, maximise=True)
    assert growing_hypervolume(np.array(points))[-1] == pytest.approx(expected, rel=1e-9)


def test_ten_thousand_points_take_less_than_a_second_even_when_all_are_on_the_front():
    x = np.random.default_rng(0).random(10_000)
    for points in (np.column_stack([x, 1 - x]), np.random.default_rng(1).random((10_000, 3))):
        before = time.process_time()
        growing_hypervolume(points)
        assert time.process_time() - before < 3  # and 0.1 to 0.3 s on an idle machine
