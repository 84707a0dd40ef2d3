import math
from dataclasses import replace

import pytest

from dashboards.elements.confirmed_points import (
    confirmed_columns,
    confirmed_points,
    confirmed_traces,
    describe_confirmed,
    layer_steps,
    means_trace,
)
from dashboards.elements.quantity import find_quantity
from dashboards.elements.selection import FADED
from study.results.statistics.confidence_intervals import mean_accuracy

PARAMS = find_quantity("learnable_params", ())
EVIL = '"><img src=x onerror=alert(1)><script>'


def points_of(*groups, x="learnable_params"):
    return confirmed_points([run for group in groups for run in group], x)


def traces_of(points, selected=None):
    return confirmed_traces(points, PARAMS, selected)


def test_points_are_means_over_complete_seeds_by_trial_then_layer(make_runs):
    points = points_of(
        make_runs([0.4, None, 0.44], trial=4, layer="conv1x1", params=1010),
        make_runs([0.5, 0.52, 0.54], trial=4, params=1000),
        make_runs([0.9], trial=2, layer="conv3x3", params=500),
    )
    assert points == (
        (2, "conv3x3", 500, mean_accuracy([0.9]), "3×3", "accuracy"),
        (4, "perturbation", 1000, mean_accuracy([0.5, 0.52, 0.54]), "perturbation", "accuracy"),
        (4, "conv1x1", 1010, mean_accuracy([0.4, 0.44]), "1×1", "accuracy"),
    )


def test_what_has_no_complete_run_or_no_known_cost_is_no_point(make_runs):
    assert points_of(make_runs([None]), make_runs([0.5], trial=1, params=None)) == ()


@pytest.mark.parametrize(
    ("x", "places"),
    [("learnable_params", [7]), ("mask_values", [0]), ("macs", [1]), ("train_seconds", [])],
)
def test_points_stand_at_costs_alone(make_runs, x, places):
    points = points_of(make_runs([0.5], params=7, mask_values=0), x=x)
    assert [point.x for point in points] == places


def test_layers_of_one_size_stand_side_by_side_on_a_logarithmic_axis_alone(make_runs):
    points = points_of(make_runs([0.5]), make_runs([0.4], layer="conv1x1"))
    steps = layer_steps(points, [1000, 2000])
    assert [*steps] == ["perturbation", "conv1x1"]
    assert steps["perturbation"] < 1 < steps["conv1x1"]
    assert layer_steps(points, []) == {"perturbation": 1, "conv1x1": 1}
    assert means_trace(points[:1], steps["perturbation"]).x[0] < 1_400_000
    assert [trace.x[0] for trace in traces_of(points)] == [1_400_000, 1_400_000]


def test_what_the_test_set_was_read_for_is_said(make_runs):
    two, one = make_runs([0.5, 0.6]), make_runs([0.4], layer="conv1x1")
    points = points_of(two, one)
    assert describe_confirmed((), ()) == ["Chosen on validation data; the test set was not read."]
    assert describe_confirmed(two, ()) == ["Chosen on validation data."]
    assert describe_confirmed([*two, *one], points) == [
        "Above, trials as chosen on validation data; below, test accuracy of those confirmed and "
        "of their controls, means over fresh seeds (n = 1 or 2) with 95% t intervals.",
        "Fewer than 3 seeds have no interval.",
    ]
    three = points_of(make_runs([0.5, 0.6, 0.5]))
    assert len(describe_confirmed(two, three)) == 1


def test_each_layer_is_a_trace_of_means_with_intervals(make_runs):
    points = points_of(
        make_runs([0.5, 0.52, 0.51], trial=3), make_runs([0.4], layer="conv1x1", trial=4)
    )
    noise, control = traces_of(points)
    first = mean_accuracy([0.5, 0.52, 0.51])
    assert list(noise.y) == [first.mean]
    assert list(noise.error_y.array) == [pytest.approx(first.half_width)]
    assert list(noise.error_y.arrayminus) == [pytest.approx(first.half_width)]
    assert math.isnan(control.error_y.array[0])  # one seed has no interval
    assert (noise.name, control.name) == ("test: perturbation", "test: 1×1")
    assert noise.marker.symbol != control.marker.symbol
    assert [row[0] for row in control.customdata] == [4]
    assert "trial 3, perturbation: test accuracy</b><br>51.00 [" in noise.hovertext[0]
    assert control.hovertext[0].endswith("<br>n = 1<br>learnable_params: 1,400,000")


def test_accuracies_can_be_drawn_in_percent(make_runs):
    trace = means_trace(points_of(make_runs([0.5, 0.52, 0.51])), 1, unit=100)
    expected = mean_accuracy([0.5, 0.52, 0.51])
    assert trace.y[0] == pytest.approx(51)
    assert trace.error_y.array[0] == pytest.approx(100 * expected.half_width)


def test_a_bar_ends_where_accuracies_do(make_runs):
    trace = means_trace(points_of(make_runs([1.0, 0.9, 1.0])), 1, unit=100)
    assert trace.y[0] + trace.error_y.array[0] == pytest.approx(100)
    assert trace.error_y.arrayminus[0] == pytest.approx(14.34, abs=0.01)  # 4.303 · 10 / 3


def test_unselected_points_fade(make_runs):
    points = points_of(make_runs([0.5]), make_runs([0.6], trial=2))
    full, faded = traces_of(points, selected=frozenset({2}))
    assert ([*full.x], full.opacity, full.showlegend) == ([1_400_000], 1, True)
    assert (faded.customdata[0][0], faded.opacity, faded.showlegend) == (0, FADED, False)
    (whole,) = traces_of(points)
    assert whole.opacity == 1


def test_a_layers_name_from_elsewhere_is_escaped(make_runs):
    (trace,) = traces_of(
        points_of([replace(run, key=run.key._replace(layer=EVIL)) for run in make_runs([0.5])])
    )
    assert "<img" not in trace.name
    assert "<img" not in trace.hovertext[0]


def test_columns_hold_every_point(make_runs):
    points = points_of(make_runs([0.5, 0.6, 0.5]), make_runs([0.4], layer="conv1x1", params=9))
    three, one = (point.accuracy for point in points)
    assert confirmed_columns(points, PARAMS, "test_accuracy") == {
        "kind": ["test", "test"],
        "trial": [0, 0],
        "learnable_params": [1_400_000, 9],
        "test_accuracy": [three.mean, one.mean],
        "interval_low": [three.interval[0], None],
        "interval_high": [three.interval[1], None],
        "seeds": [3, 1],
        "tested_layer": ["perturbation", "conv1x1"],
    }
