import pytest

from dashboards.elements.reported_levels import (
    describe_levels,
    level_columns,
    level_traces,
    reported_levels,
)
from dashboards.elements.reported_points import reported_points
from study.results.published_results import reported_results

EVIL = '"><img src=x onerror=alert(1)><script>'


@pytest.fixture
def levels():
    return reported_levels("voc2007")


def test_detectors_of_table_7_have_no_size_and_are_lines(levels):
    assert [(level.network, level.layer, round(level.value, 3)) for level in levels] == [
        ("faster-rcnn vgg16", "perturbation", 0.696),
        ("faster-rcnn vgg16", "conv3x3", 0.702),
        ("faster-rcnn resnet50", "perturbation", 0.728),
        ("faster-rcnn resnet101", "conv3x3", 0.752),
    ]
    assert {level.source for level in levels} == {"paper (CVPR 2018), Table 7: as published"}


@pytest.mark.parametrize("dataset", sorted({row.dataset for row in reported_results()}))
def test_every_figure_is_told_from_the_others_of_its_data_set(dataset):
    levels = reported_levels(dataset)
    assert len({(level.words, level.source) for level in levels}) == len(levels)
    for level in levels:
        assert not level.words.startswith((",", ":"))
    assert reported_points(dataset) or levels


def test_noise_levels_of_table_3_are_told():
    assert [level.words for level in reported_levels("imagenet100")][-1] == (
        "resnet50, 256 masks, level 0.5, perturbation: 82.0 %"
    )


def test_where_some_sizes_are_known_there_is_no_line():
    assert reported_levels("cifar10") == reported_levels("digits") == ()


def test_a_line_reaches_over_all_sizes_and_has_hollow_ends(levels):
    traces = level_traces(levels, [300.0, 100.0, 200.0])
    assert [trace.y for trace in traces] == [(level.value, level.value) for level in levels]
    ((left, right),) = {trace.x for trace in traces}
    assert 95 < left < 100
    assert 300 < right < 310
    assert [trace.marker.symbol for trace in traces] == ["diamond-open", "square-open"] * 2
    assert [trace.showlegend for trace in traces] == [True, False, False, False]
    assert level_traces(levels, []) == level_traces((), [1.0]) == []


def test_what_others_wrote_is_escaped(levels):
    (trace,) = level_traces([levels[0]._replace(network=EVIL, source=EVIL)], [1.0, 2.0])
    assert "<img" not in trace.hovertext
    assert trace.hovertext.count("<br>") == 2


def test_the_caption_says_what_they_are(levels):
    (sentence,) = describe_levels(levels)
    assert "4 figures reported by others, of networks whose size is not known" in sentence
    assert sentence.endswith(
        "protocol, detectors from weights of ImageNet: faster-rcnn resnet101, 3×3: 75.2 %; "
        "faster-rcnn resnet50, perturbation: 72.8 %; "
        "faster-rcnn vgg16, 3×3: 70.2 %; faster-rcnn vgg16, perturbation: 69.6 %."
    )
    assert describe_levels(()) == []


def test_columns_hold_every_figure(levels):
    columns = level_columns(levels, "test_map_50")
    assert columns["test_map_50"] == [level.value for level in levels]
    assert {len(column) for column in columns.values()} == {4}
