import math

import pytest

from dashboards.elements.reported_points import reported_points
from dashboards.replication.confirmed_front import (
    get_confirmed_front_figure,
    get_confirmed_front_info,
)
from study.results.statistics.confidence_intervals import mean_accuracy


def test_points_are_means_with_intervals_at_their_size(make_runs, confirmed_study):
    study = confirmed_study(
        make_runs([0.80, 0.82, 0.81], trial=4, params=500),
        make_runs([0.70, 0.71], trial=2, params=900),
        make_runs([0.9], trial=4, layer="conv3x3", params=510),
    )
    points = get_confirmed_front_info(study).confirmed
    assert [(p.layer, p.trial, p.x) for p in points] == [
        ("perturbation", 4, 500),
        ("perturbation", 2, 900),
        ("conv3x3", 4, 510),
    ]
    assert points[0].accuracy == mean_accuracy([0.80, 0.82, 0.81])
    figure = get_confirmed_front_figure(get_confirmed_front_info(study))
    bars = {trace.name: trace.error_y.array for trace in figure.data if trace.error_y.array}
    assert bars["perturbation"][0] == pytest.approx(100 * points[0].accuracy.half_width)
    assert math.isnan(bars["3×3"][0])  # one seed has no bar


def test_reported_points_are_hollow_and_of_the_same_data_set(make_runs, confirmed_study):
    runs = make_runs([0.8, 0.81])
    info = get_confirmed_front_info(confirmed_study(runs))
    assert info.reported == reported_points("cifar10")
    assert "41 of 51 figures reported for cifar10" in info.caption
    assert "this project's count of that network for 34 of them" in info.caption
    assert "the reported ratio's for 7." in info.caption
    figure = get_confirmed_front_figure(info)
    assert [(trace.name, trace.marker.symbol, trace.showlegend) for trace in figure.data] == [
        ("reported", "diamond-open", True),
        ("reported", "square-open", False),
        ("reported", "circle-open", False),
        ("perturbation", "diamond", None),
    ]
    assert "counted by this project" in figure.data[0].hovertext[0]
    assert "from the reported ratio" in figure.data[0].hovertext[1]
    other = get_confirmed_front_info(confirmed_study(runs, dataset="fashion_mnist"))
    assert other.reported == ()
    assert "Nobody reported a figure for fashion_mnist." in other.caption


def test_reported_figures_of_unknown_size_are_lines_and_said_so(make_runs, confirmed_study):
    info = get_confirmed_front_info(confirmed_study(make_runs([0.8]), dataset="imagenet100"))
    assert info.reported == ()
    assert "reported by others, of networks whose size is not known here" in info.caption
    lines = [t for t in get_confirmed_front_figure(info).data if t.legendgroup == "reported"]
    assert [line.y[0] for line in lines] == [100 * level.value for level in info.levels]
    assert 80 < lines[-1].y[0] < 100


def test_the_caption_tells_budget_seeds_and_what_is_not_drawn(make_runs, confirmed_study):
    study = confirmed_study(make_runs([0.8]), make_runs([None], layer="conv1x1"))
    caption = get_confirmed_front_info(study).caption
    assert caption.startswith("cifar10, 12 epochs. Means over seeds (n = 1), bars")
    assert "Fewer than 3 seeds have no interval." in caption
    assert "1 without a complete run or a known size not drawn." in caption


def test_layers_have_shapes_of_their_own_and_stand_side_by_side(make_runs, confirmed_study):
    layers = ("perturbation", "conv1x1", "conv3x3", "local_binary")
    study = confirmed_study(
        *(make_runs([0.8, 0.81], layer=layer) for layer in layers), dataset="fashion_mnist"
    )
    info = get_confirmed_front_info(study)
    traces = get_confirmed_front_figure(info).data
    assert len({trace.marker.symbol for trace in traces}) == 4
    places = [trace.x[0] for trace in traces][::-1]
    assert places == sorted(set(places))
    share = max(abs(place / 1_400_000 - 1) for place in places)
    assert f"up to {share:.0%} beside their true size" in info.caption
    assert "1,400,000 learnable parameters" in traces[0].hovertext[0]
