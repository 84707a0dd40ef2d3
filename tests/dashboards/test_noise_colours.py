import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.noise_colours import NoiseColours


@pytest.mark.parametrize(
    ("levels", "ticks"),
    [
        ([0.01, 5.0], ["0.01", "0.03", "0.1", "0.3", "1", "3"]),
        ([0.0112, 3.95], ["0.03", "0.1", "0.3", "1", "3"]),
        ([0.12, 0.28], ["0.12", "0.28"]),
        ([0.2], ["0.2"]),
        ([0.0], ["0"]),
        ([0.0, 0.2], ["0", "0.2"]),
        ([0.0, 0.1, 1.0], ["0", "0.1", "0.3", "1"]),
        ([1e-5, 10.0], ["1e-05", "0.0001", "0.001", "0.01", "0.1", "1", "10"]),
        ([1e-20, 1.0], ["1e-20", "1"]),
        ([], []),
    ],
)
def test_the_bar_is_labelled_with_round_levels_or_with_its_ends(levels, ticks):
    assert NoiseColours(levels).bar()["ticktext"] == ticks


@given(st.lists(st.just(0.0) | st.floats(1e-6, 1e3), min_size=1, max_size=9))
def test_levels_and_ticks_lie_on_the_scale(levels):
    colours = NoiseColours(levels)
    scale, bar = colours.scale(), colours.bar()
    assert scale["cmin"] < scale["cmax"]
    for place in (*map(colours.place, levels), *bar["tickvals"]):
        assert scale["cmin"] <= place <= scale["cmax"]


@given(st.lists(st.just(0.0) | st.floats(1e-6, 1e3), min_size=1, max_size=9))
def test_a_stronger_noise_lies_higher_and_no_noise_lowest(levels):
    colours = NoiseColours(levels)
    for weak in levels:
        for strong in levels:
            if weak * 1.0001 < strong:
                assert colours.place(weak) < colours.place(strong)


def test_places_are_logarithms():
    colours = NoiseColours([0.01, 1.0])
    assert colours.place(0.1) == pytest.approx(math.log10(0.1))
    assert colours.scale() == {"colorscale": "Viridis", "cmin": -2.0, "cmax": 0.0}


def test_a_single_level_takes_the_middle_of_the_scale():
    assert NoiseColours([1.0, 1.0]).scale() == {
        "colorscale": "Viridis",
        "cmin": -0.5,
        "cmax": 0.5,
    }
