import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.measures.steps import PLACES, Steps, band


def test_a_step_counts_from_its_place_on() -> None:
    steps = Steps((1.0, 3.0), (0.25, 0.5))
    assert steps.at(np.array([0.0, 0.999, 1.0, 2.0, 3.0, 9.0])).tolist() == [
        0.0,
        0.0,
        0.25,
        0.25,
        0.5,
        0.5,
    ]


def test_a_height_is_reached_at_the_first_step_that_is_no_lower() -> None:
    steps = Steps((1.0, 3.0, 4.0), (0.25, 0.5, 0.5))
    assert [steps.reaches(h) for h in (0.1, 0.25, 0.4, 0.5, 0.6)] == [1.0, 1.0, 3.0, 3.0, None]


def test_nothing_rises_where_there_are_no_steps() -> None:
    assert Steps((), ()).at(np.array([0.0, 1.0])).tolist() == [0.0, 0.0]
    assert Steps((), ()).reaches(0.1) is None


steps_strategy = st.lists(st.tuples(st.floats(0, 10), st.floats(0, 1)), min_size=1, max_size=6).map(
    lambda pairs: Steps(*map(tuple, map(sorted, zip(*pairs, strict=True))))
)


@given(st.lists(steps_strategy, min_size=1, max_size=5))
def test_a_band_holds_its_median_and_stays_between_the_functions(functions) -> None:
    found = band(functions, 10.0)
    values = np.array([function.at(np.array(found.x)) for function in functions])
    assert len(found.x) == PLACES
    assert (found.x[0], found.x[-1]) == (0.0, 10.0)
    assert np.all(values.min(axis=0) <= np.array(found.low) + 1e-12)
    assert np.all(np.array(found.low) <= np.array(found.middle) + 1e-12)
    assert np.all(np.array(found.middle) <= np.array(found.high) + 1e-12)
    assert np.all(np.array(found.high) <= values.max(axis=0) + 1e-12)
    assert np.array(found.middle) == pytest.approx(np.median(values, axis=0))
