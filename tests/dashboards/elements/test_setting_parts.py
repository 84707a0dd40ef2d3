import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboards.elements.quantity import setting
from dashboards.elements.setting_parts import FEW_VALUES, divide

SETTINGS = settings(max_examples=40, deadline=None)  # a loaded machine is no failure
NOISE, MASKS = setting("noise_level"), setting("mask_count")

numbers = st.integers(0, 100) | st.floats(1e-6, 100)


@SETTINGS
@given(
    st.lists(numbers, max_size=60) | st.lists(st.sampled_from(["a", "b", "c"]), max_size=20),
    st.sampled_from(["noise_level", "momentum"]),
    st.integers(2, 8),
)
def test_every_value_is_in_exactly_one_part(values, name, bins):
    parts = divide(setting(name), values, bins=bins)
    assert sorted(place for part in parts for place in part.places) == list(range(len(values)))
    for part in parts:
        assert list(part.places) == sorted(part.places)
        if part.low is not None:
            assert all(
                part.low - 1e-9 <= values[place] <= part.high * (1 + 1e-9) for place in part.places
            )


@SETTINGS
@given(st.lists(numbers, min_size=1, max_size=60))
def test_parts_go_upwards_and_do_not_overlap(values):
    parts = divide(NOISE, values, bins=5)
    ends = [end for part in parts for end in (part.low, part.high)]
    assert ends == sorted(ends)


def test_few_values_stand_each_for_itself_and_more_are_put_together():
    values = [0.01 * 2**i for i in range(FEW_VALUES + 1)]
    few = divide(NOISE, values[:-1] * 2, bins=4)
    assert [(part.low, part.high) for part in few] == [(value, value) for value in values[:-1]]
    assert few[0].places == (0, FEW_VALUES)
    many = divide(NOISE, values, bins=4)
    assert len(many) == 4
    edges = [many[0].low, *(part.high for part in many)]
    assert np.diff(np.log(edges)) == pytest.approx([3 * math.log(2)] * 4)


def test_what_is_not_searched_over_decades_has_bins_of_equal_width():
    parts = divide(setting("momentum"), np.linspace(0, 1, 30).tolist(), bins=4)
    assert [part.high for part in parts] == pytest.approx([0.25, 0.5, 0.75, 1])
    assert parts[1].label == "0.25–0.5"


def test_zero_is_apart_from_bins_of_a_logarithmic_scale():
    parts = divide(NOISE, [0.0, *(0.01 * 2**i for i in range(20)), 0.0], bins=4)
    assert (parts[0].label, parts[0].low, parts[0].high) == ("0", 0, 0)
    assert parts[0].places == (0, 21)
    assert parts[1].low == 0.01


def test_bins_of_whole_numbers_end_at_whole_numbers():
    parts = divide(MASKS, list(range(8, 40)), bins=4)
    assert [part.label for part in parts] == ["8–12", "12–18", "18–26", "26–39"]
