"""Number of processes on a GPU: as many as train more in all than fewer do."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pnn_core.device.gpu_sharing import LEAST_GAIN, best_count, counts_to_measure

RATES = st.dictionaries(st.integers(1, 64), st.floats(0.1, 1e5), min_size=1)


@pytest.mark.parametrize(
    ("rates", "count"),
    [
        ({1: 100.0}, 1),
        ({1: 100.0, 2: 100.0}, 1),  # they take turns: nothing is gained
        ({1: 100.0, 2: 60.0, 4: 900.0}, 1),  # a number that loses ends it
        ({1: 100.0, 2: 180.0, 4: 190.0}, 2),
        ({1: 100.0, 2: 190.0, 4: 350.0}, 4),
        ({4: 350.0, 1: 100.0, 2: 190.0}, 4),
    ],
)
def test_more_at_once_must_train_more_in_all(rates: dict[int, float], count: int) -> None:
    assert best_count(rates) == count


@given(RATES)
def test_no_smaller_number_would_gain_as_much_and_the_next_one_gains_nothing(
    rates: dict[int, float],
) -> None:
    best = best_count(rates)
    smaller = [rates[count] for count in rates if count < best]
    assert all(rates[best] >= LEAST_GAIN * rate for rate in smaller)
    larger = sorted(count for count in rates if count > best)
    assert not larger or rates[larger[0]] < LEAST_GAIN * rates[best]


@given(RATES, st.floats(0.01, 100))
def test_the_choice_does_not_depend_on_the_unit(rates: dict[int, float], unit: float) -> None:
    scaled = {count: rate * 2.0 ** round(unit) for count, rate in rates.items()}
    assert best_count(scaled) == best_count(rates)


@given(st.integers(1, 64))
def test_numbers_to_measure_are_doubled_up_to_the_most(most: int) -> None:
    counts = counts_to_measure(most)
    assert (counts[0], counts[-1]) == (1, most)
    assert all(a < b <= 2 * a for a, b in itertools.pairwise(counts))
