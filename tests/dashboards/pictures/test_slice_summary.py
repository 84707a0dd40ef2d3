import pytest

from dashboards.elements.quantity import find_quantity, setting
from dashboards.elements.setting_axis import SettingAxis
from dashboards.elements.setting_parts import divide
from dashboards.pictures.slice_summary import summarise, summary_trace

NOISE, MASKS, ORDER = setting("noise_level"), setting("mask_count"), setting("order")
ACCURACY = find_quantity("val_accuracy", ())


def summaries_of(quantity, points):
    return summarise(quantity, divide(quantity, [x for x, _ in points], bins=8), points)


def test_beside_bins_trials_at_zero_have_a_median_too():
    points = [(0.0, accuracy) for accuracy in (0, 0.1, 0.9)]
    points += [(0.01 * 1.5**i, 0.5) for i in range(20)]
    assert summaries_of(NOISE, points)[0] == (
        ("0", 0.0, 3, 0.1, pytest.approx(0.05), pytest.approx(0.5))
    )


def test_a_bin_without_a_trial_has_no_summary():
    points = [(0.01 * 1.01**i, 0.5) for i in range(12)] + [(5.0, 0.5)]
    assert [summary.trials for summary in summaries_of(NOISE, points)] == [12, 1]


def test_whiskers_reach_from_the_lowest_to_the_highest_beside_their_points():
    points = [(8 * (1 + i // 3), accuracy) for i, accuracy in enumerate((0, 0.3, 0.9) * 2)]
    axis = SettingAxis(MASKS, [x for x, _ in points])
    trace = summary_trace(summaries_of(MASKS, points), MASKS, ACCURACY, axis, is_binned=False)
    assert trace.y == pytest.approx((0.4, 0.4))
    assert trace.error_y.array == pytest.approx((0.5, 0.5))
    assert trace.error_y.arrayminus == pytest.approx((0.4, 0.4))
    assert all(8 * i < x < 8 * i * 1.1 for i, x in enumerate(trace.x, start=1))
    assert trace.marker.symbol == "square"
    assert trace.name == "mean and range"
    assert trace.hovertext[0] == (
        "noise masks m: 8<br>mean of 3 trials: 0.4000<br>range: 0.0000 to 0.9000"
    )


def test_bins_have_their_square_in_the_middle_and_names_have_no_line():
    points = [(0.01 * 1.2**i, i / 40) for i in range(40)]
    summaries = summaries_of(NOISE, points)
    axis = SettingAxis(NOISE, [x for x, _ in points])
    binned = summary_trace(summaries, NOISE, ACCURACY, axis, is_binned=True)
    assert list(binned.x) == [summary.x for summary in summaries]
    assert (binned.name, binned.mode) == ("median and middle half", "lines+markers")
    names = [("<b>", 0.1), ("<b>", 0.2), ("b", 0.2), ("b", 0.3)]
    axis = SettingAxis(ORDER, ["<b>", "b"])
    named = summary_trace(summaries_of(ORDER, names), ORDER, ACCURACY, axis, is_binned=False)
    assert named.mode == "markers"
    assert named.hovertext[0].startswith("order within the layer: &lt;b&gt;<br>")
