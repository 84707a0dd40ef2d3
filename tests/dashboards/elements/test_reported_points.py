import pytest

from dashboards.elements.reported_points import (
    describe_reported,
    reported_columns,
    reported_points,
    reported_traces,
)

EVIL = '"><img src=x onerror=alert(1)><script>'


@pytest.fixture
def points():
    return reported_points("cifar10")


def test_points_are_the_figures_of_a_data_set_whose_size_is_known(points):
    assert {point.learnable_params for point in points} >= {1_414_426, 360_450}
    # Table 5, PNN-ResNet-50, ResNet-110 and NIN of Table 4, Table 6, and the dispute: the authors'
    # code, both READMEs of the reproduction, and the authors' answer.
    assert len(points) == 7 + 3 + 12 + 1 + 8 + 6 + 4
    assert sum(point.is_counted for point in points) == len(points) - 7
    (deep,) = [point for point in points if "resnet110" in point.label]
    assert deep.learnable_params == 1_727_962
    assert reported_points("imagenet100") == reported_points("digits") == ()


def test_a_point_tells_where_it_was_reported_of_which_masks_and_by_which_protocol(points):
    masks = next(point for point in points if point.layer == "perturbation")
    assert masks.label.startswith("paper (CVPR 2018), Table 4: ")
    assert " masks, " in masks.label
    control = next(point for point in points if point.layer == "conv3x3")
    assert ", width " in control.label


def test_each_layer_is_a_trace_of_hollow_markers_under_one_entry(points):
    traces = reported_traces(points)
    assert [(trace.marker.symbol, trace.showlegend) for trace in traces] == [
        ("diamond-open", True),
        ("square-open", False),
        ("circle-open", False),
    ]
    assert {trace.name for trace in traces} == {"reported"}
    drawn = sorted((x, y) for trace in traces for x, y in zip(trace.x, trace.y, strict=True))
    assert drawn == sorted((point.learnable_params, point.accuracy) for point in points)
    assert reported_traces(()) == []


def test_accuracies_can_be_drawn_in_percent(points):
    (trace,) = reported_traces(points[:1], unit=100)
    assert trace.y == (100 * points[0].accuracy,)


def test_the_pointer_reads_what_the_size_was_taken_from(points):
    counted = points[0]._replace(is_counted=True, label=EVIL, accuracy=0.5, learnable_params=1000)
    other = counted._replace(is_counted=False)
    (trace,) = reported_traces((counted, other), ratio="that ratio")
    assert trace.hovertext[0] == (
        '<b>reported, perturbation</b><br>"&gt;&lt;img src=x onerror=alert(1)&gt;&lt;script&gt;'
        "<br>50.00 %<br>about 1,000 learnable parameters (counted by this project)"
    )
    assert trace.hovertext[1].endswith("(from that ratio)")


def test_the_caption_says_what_they_are(points):
    (sentence,) = describe_reported(points)
    assert sentence.startswith("Hollow: 41 figures reported by others, those of known size; ")
    assert describe_reported(()) == []


def test_columns_hold_every_point(points):
    columns = reported_columns(points)
    assert columns["kind"] == ["reported"] * 41
    assert list(zip(*[columns[name] for name in columns if name != "kind"], strict=True)) == [
        (point.learnable_params, point.accuracy, point.layer) for point in points
    ]
