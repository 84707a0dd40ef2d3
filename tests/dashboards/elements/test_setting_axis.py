import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboards.elements.quantity import find_quantity, setting
from dashboards.elements.setting_axis import SettingAxis

SETTINGS = settings(max_examples=40, deadline=None)  # a loaded machine is no failure
NOISE, MOMENTUM, ORDER = setting("noise_level"), setting("momentum"), setting("order")

numbers = st.sampled_from([0.0, 0.5, 1.0]) | st.floats(1e-6, 1e6) | st.integers(0, 1000)
values = (
    st.lists(st.none() | numbers, min_size=1, max_size=20)
    | st.lists(st.none() | st.sampled_from(["a", "b", "c"]), min_size=1, max_size=20)
    | st.lists(st.floats(-10, 10), min_size=1, max_size=20)
)


@SETTINGS
@given(values, st.sampled_from(["noise_level", "momentum"]))
def test_values_stand_in_their_order_between_the_ends_of_the_axis(values, name):
    axis = SettingAxis(setting(name), values)
    shares = {value: axis.share(value) for value in values}
    assert all(-1e-9 <= share <= 1 + 1e-9 for share in shares.values())
    present = sorted(value for value in shares if value is not None)
    places = [axis.stand(value) for value in present]
    assert places == sorted(places)
    assert [shares[value] for value in present] == sorted(shares[value] for value in present)
    if None in shares and present:
        assert axis.stand(None) < min(places)
    if len(shares) > 1:
        assert min(shares.values()) == pytest.approx(0, abs=1e-9)
        assert max(shares.values()) == pytest.approx(1)


@SETTINGS
@given(values, st.sampled_from(["noise_level", "momentum"]))
def test_ticks_stand_on_the_axis_from_below(values, name):
    axis = SettingAxis(setting(name), values)
    places = [axis.stand(value) for value, _ in axis.ticks()]
    assert places == sorted(places)
    assert places
    assert (axis.ticks()[0][1] == "none") is (None in values)


def test_a_positive_number_stands_at_itself_whatever_the_scale():
    axis = SettingAxis(NOISE, [0.01, 0.0, 5.0])
    assert axis.is_log
    assert (axis.stand(0.01), axis.stand(5.0)) == (0.01, 5.0)
    assert axis.stand(0.0) == pytest.approx(0.01 / 500**0.12)
    assert axis.stand(0.0) < axis.break_at() < 0.01
    assert axis.share(0.01) == pytest.approx(0.12 / 1.12)


def test_zero_and_what_is_missing_stand_apart_from_each_other():
    axis = SettingAxis(NOISE, [0.01, 0.0, None])
    assert axis.stand(None) < axis.stand(0.0) < 0.01
    assert [text for _, text in axis.ticks()] == ["none", "0", "0.01"]


def test_a_scale_is_linear_where_it_is_usual_or_a_value_is_negative():
    assert not SettingAxis(MOMENTUM, [0.1, 0.9]).is_log
    assert not SettingAxis(NOISE, [-0.1, 0.9]).is_log
    assert SettingAxis(MOMENTUM, [0.0, 0.9]).break_at() is None


def test_a_single_value_stands_in_the_middle():
    assert SettingAxis(NOISE, [0.1]).share(0.1) == 0.5
    assert SettingAxis(ORDER, ["a"]).share("a") == 0.5


def test_names_stand_at_equal_distances():
    axis = SettingAxis(ORDER, ["c", "a", "b", "a"])
    assert [axis.share(name) for name in "abc"] == [0, 0.5, 1]
    assert axis.ticks() == [("a", "a"), ("b", "b"), ("c", "c")]


def test_many_values_of_a_logarithmic_scale_have_round_ticks():
    axis = SettingAxis(NOISE, [0.01 * 1.3**i for i in range(24)])
    assert [text for _, text in axis.ticks()] == [
        "0.01", "0.02", "0.05", "0.1", "0.2", "0.5", "1", "2"
    ]  # fmt: skip


def test_many_values_of_a_linear_scale_have_ticks_at_its_ends_and_middle():
    axis = SettingAxis(MOMENTUM, [0.1 * i for i in range(11)])
    assert [text for _, text in axis.ticks()] == ["0", "0.5", "1"]


def test_sizes_have_short_ticks_and_settings_keep_every_digit():
    sizes = SettingAxis(find_quantity("learnable_params", []), [1234, 1_234_567])
    assert [text for _, text in sizes.ticks()] == ["1.23k", "1.23M"]
    masks = SettingAxis(setting("mask_count"), [1024, 2048])
    assert [text for _, text in masks.ticks()] == ["1024", "2048"]


def test_ticks_of_a_plotly_axis_do_not_run_into_each_other():
    layout = SettingAxis(setting("mask_count"), [8, 100, 101, 102, 800]).layout()
    assert layout["ticktext"] == ["8", "100", "800"]
    assert layout["tickvals"] == [8, 100, 800]
    assert layout["type"] == "log"
