import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.elements.colour import (
    FLAT_SYMBOLS,
    SPACE_SYMBOLS,
    ColourScale,
    colour_groups,
    round_ticks,
    tick_text,
)
from dashboards.elements.quantity import Quantity, find_quantity, setting
from pnn_core.parts import palette

NOISE = setting("noise_level")
LAYER = setting("layer")
levels = st.lists(st.just(0.0) | st.floats(1e-6, 1e3), min_size=1, max_size=30)


def plain(group):
    """A group whose colours can be compared."""
    marker = dict(group.marker)
    if not isinstance(marker["color"], str):
        marker["color"] = list(marker["color"])
    return group.name, group.places, marker


def bar_of(values, quantity=NOISE):
    return ColourScale(quantity, values).marker()["colorbar"]


@pytest.mark.parametrize(
    ("values", "ticks"),
    [
        ([0.01, 5.0], ["0.01", "5"]),
        ([0.12, 0.28], ["0.12", "0.28"]),
        ([0.2], ["0.2"]),
        ([0.0], ["0"]),
        ([0.0, 0.2], ["0", "0.2"]),
        ([16, 32, 64, 128], ["16", "32", "64", "128"]),
        ([1000, 5_000_000], ["1k", "5M"]),
        ([0.1 + i / 1e6 for i in range(3)], ["0.1"]),
        ([0.01 * 1.1**i for i in range(60)], ["0.01", "0.03", "0.1", "0.3", "1"]),
        ([0.0, *(0.01 * 1.2**i for i in range(30))], ["0", "0.01", "0.03", "0.1", "0.3", "1"]),
        ([0.12 * 1.05**i for i in range(12)], ["0.12", "0.205"]),
        ([10.0**i for i in range(-20, 20)], ["1e-20", "1e+19"]),
        ([], []),
    ],
)
def test_the_bar_is_labelled_with_true_values_where_they_are_few_else_with_round_ones(
    values, ticks
):
    assert bar_of(values).get("ticktext", []) == ticks


@given(levels)
def test_values_and_ticks_lie_on_the_scale(values):
    scale = ColourScale(NOISE, values)
    marker = scale.marker()
    assert marker["cmin"] < marker["cmax"]
    for place in (*map(scale.place, values), *marker["colorbar"]["tickvals"]):
        assert marker["cmin"] <= place <= marker["cmax"]


@given(levels)
def test_a_larger_value_lies_higher_and_zero_lowest(values):
    scale = ColourScale(NOISE, values)
    for small in values:
        for large in values:
            if small * 1.0001 < large:
                assert scale.place(small) < scale.place(large)


@given(st.lists(st.floats(1e-4, 1e4), min_size=2, max_size=30, unique=True))
def test_no_two_labels_of_the_bar_touch(values):
    scale = ColourScale(NOISE, values)
    marker = scale.marker()
    bar = marker["colorbar"]
    pixels = [
        bar["len"] * (value - marker["cmin"]) / (marker["cmax"] - marker["cmin"])
        for value in bar["tickvals"]
    ]
    widths = [7 * len(text) for text in bar["ticktext"]]
    for i in range(len(pixels) - 1):
        assert pixels[i] + widths[i] / 2 < pixels[i + 1] - widths[i + 1] / 2


def test_places_are_logarithms_and_zero_lies_a_factor_of_ten_below():
    scale = ColourScale(NOISE, [0.0, 0.01, 1.0])
    assert scale.place(0.1) == pytest.approx(-1.0)
    assert scale.place(0.0) == pytest.approx(-3.0)
    assert (scale.marker()["cmin"], scale.marker()["cmax"]) == (-3.0, 0.0)


def test_a_quantity_within_a_decade_has_a_linear_scale_with_plotlys_ticks():
    accuracy = find_quantity("val_accuracy", ())
    scale = ColourScale(accuracy, [i / 20 for i in range(20)])
    assert scale.place(0.5) == 0.5
    assert "tickvals" not in scale.marker()["colorbar"]


def test_a_negative_value_keeps_the_scale_linear():
    assert ColourScale(NOISE, [-1.0, 1.0]).place(1.0) == 1.0


def test_a_single_value_takes_the_middle_of_the_scale():
    marker = ColourScale(NOISE, [1.0, 1.0]).marker()
    assert (marker["cmin"], marker["cmax"]) == (-0.5, 0.5)


def test_numbers_are_one_group_with_a_scale_and_what_has_none_is_grey():
    trials, none = map(plain, colour_groups(NOISE, [0.1, None, 1.0, math.nan, 0.0]))
    assert trials[:2] == ("trials", [0, 2, 4])
    assert trials[2]["color"] == pytest.approx([-1.0, 0.0, -2.0])
    assert trials[2]["showscale"] is True
    assert none == ("none", [1, 3], {"color": palette.GREY, "symbol": "circle-open"})


def test_names_are_a_group_each_and_the_rarest_are_others():
    values = ["e", "a", "b", "c", "d", "e", "f", "a", "b", "c", "d", "g", None]
    groups = [plain(group) for group in colour_groups(LAYER, values)]
    assert [(name, places) for name, places, _ in groups] == [
        ("a", [1, 7]),
        ("b", [2, 8]),
        ("c", [3, 9]),
        ("d", [4, 10]),
        ("e", [0, 5]),
        ("other", [6, 11]),
        ("none", [12]),
    ]
    looks = [(marker["color"], marker["symbol"]) for _, _, marker in groups]
    assert len({symbol for _, symbol in looks}) == len(looks)
    assert len({colour for colour, _ in looks[:5]}) == 5


def test_a_truth_value_is_named_with_what_is_true():
    groups = colour_groups(setting("grouped"), [True, False, True])
    assert [(g.name, g.places) for g in groups] == [
        ("grouped: False", [1]),
        ("grouped: True", [0, 2]),
    ]


def test_numbers_among_names_are_names():
    groups = colour_groups(setting("width"), [8, "auto", 8])
    assert [(g.name, g.places) for g in groups] == [("8", [0, 2]), ("auto", [1])]


def test_a_long_name_is_shortened_in_the_legend():
    (group,) = colour_groups(LAYER, ["x" * 200])
    assert group.name == "x" * 23 + "…"


def test_without_a_quantity_all_points_look_alike():
    (group,) = colour_groups(None, [None, None])
    assert plain(group) == ("trials", [0, 1], {"color": palette.BLUE, "symbol": "circle"})


@pytest.mark.parametrize("quantity", [None, NOISE, LAYER])
def test_no_points_are_no_groups(quantity):
    assert colour_groups(quantity, []) == ()


@given(
    st.lists(
        st.none()
        | st.booleans()
        | st.integers(-5, 5)
        | st.sampled_from(["a", "b", "c", "d", "e", "f", "g"])
        | st.just(math.inf),
        max_size=20,
    ),
    st.sampled_from([None, NOISE, LAYER]),
    st.sampled_from([FLAT_SYMBOLS, SPACE_SYMBOLS]),
)
def test_every_point_is_in_exactly_one_group(values, quantity, symbols):
    groups = colour_groups(quantity, values, symbols)
    assert sorted(i for group in groups for i in group.places) == list(range(len(values)))
    for group in groups:
        if not isinstance(group.marker["color"], str):
            assert len(group.marker["color"]) == len(group.places)


def test_neither_diamonds_nor_vermilion_are_used_as_they_are_the_fronts():
    groups = colour_groups(LAYER, list("abcdefg"))
    assert all("diamond" not in g.marker["symbol"] for g in groups)
    assert all(g.marker["color"] != palette.VERMILION for g in groups)
    assert not any("diamond" in symbol for symbol in SPACE_SYMBOLS)


def test_markup_in_a_settings_name_is_shown_as_text_at_the_bar():
    quantity = Quantity(name="<i>", label="<i>", is_metric=False)
    assert bar_of([1.0], quantity)["title"]["text"] == "&lt;i&gt;"


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.03, "0.03"), (0, "0"), (1, "1"), (999, "999"), (1000, "1k"), (2.5e6, "2.5M"), (3e9, "3G")],
)
def test_a_tick_is_short(value, text):
    assert tick_text(value) == text


def test_round_ticks_come_from_many_to_few_and_lie_within():
    assert list(round_ticks(0.9, 12.0)) == [[1, 2, 5, 10], [1, 3, 10], [1, 10]]
    assert list(round_ticks(0.12, 0.18)) == []
