"""Table 7 stands beside studies of its data set, and says what they begin with."""

from dataclasses import replace

import pytest

from dashboards.replication.report_page import get_report_info
from dashboards.replication.table_7 import TABLE_7, get_table_7
from pnn_core.config import ConfirmResult


@pytest.fixture
def detectors(make_runs, confirmed_study):
    """Return a study of detectors: a network's confirmed runs, begun as a setting says."""

    def make(network, begins, layer="perturbation", dataset="voc2007"):
        runs = [
            replace(
                run,
                result=ConfirmResult(
                    train_loss=0.1, test_map_50=0.41, test_map_50_area=0.4, train_seconds=600.0
                ),
                parameters={**run.parameters, "canvas": 608, **begins},
            )
            for run in make_runs([0.0, 0.0], network=network, layer=layer, mask_count=64)
        ]
        return confirmed_study(runs, dataset=dataset)

    return make


def rows(study):
    return {row[0][0].text: row for row in get_table_7([study]).rows}


def test_there_is_no_such_table_of_other_images(make_runs, confirmed_study):
    assert get_table_7([confirmed_study(make_runs([0.8]))]) is None
    info = get_report_info([confirmed_study(make_runs([0.8]))])
    assert TABLE_7 not in info.unmatched


def test_every_reported_figure_is_there_and_only_the_own_network_beside_it(detectors):
    found = rows(detectors("vgg16", {}))
    assert [row[1][0].text for row in found.values()] == ["69.6", "70.2", "72.8", "75.2"]
    beside = [row[2][0].text for row in found.values()]
    assert beside[0].startswith("41.00") and beside[1:] == ["not run"] * 3


@pytest.mark.parametrize(
    ("begins", "said"),
    [
        ({}, "begins with drawn weights, which is not Table 7"),
        ({"initial_weights": "own:3@abc"}, "begins with the weights of own:3@abc, which is not"),
        ({"initial_weights": "imagenet"}, "begins with weights of ImageNet, 64 maps"),
    ],
)
def test_it_says_what_a_network_begins_with(detectors, begins, said):
    study = detectors("vgg16", begins, "conv3x3")
    (line,) = rows(study)["faster-rcnn vgg16, 3\N{MULTIPLICATION SIGN}3"][2]
    assert said in line.note and "canvas 608" in line.note and line.note.startswith("n = 2")
