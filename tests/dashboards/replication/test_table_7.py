"""Table 7 stands beside studies of its data set, and says what they begin with."""

import re
from dataclasses import replace
from html import unescape

import pytest

from dashboards.replication.report_page import get_report_info, write_report
from dashboards.replication.table_7 import TABLE_7, get_table_7
from pnn_core.config import ConfirmResult, Costs, DatasetShape


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


@pytest.fixture
def compared(make_runs, confirmed_study):
    """A study of detectors and their control, of equal backbones and other heads."""

    def detectors(layer, merits, params):
        runs = make_runs(merits, layer=layer, mask_count=64)
        results = [
            ConfirmResult(train_loss=0.1, test_map_50=m, test_map_50_area=m, train_seconds=60.0)
            for m in merits
        ]
        costs = Costs(learnable_params=params, mask_values=0, macs=1, backbone_params=5_000)
        return [
            replace(run, result=r, costs=costs, parameters={**run.parameters, "canvas": 608})
            for run, r in zip(runs, results, strict=True)
        ]

    return confirmed_study(
        detectors("perturbation", [0.41, 0.42, 0.43], 9_000),
        detectors("conv3x3", [0.31, 0.32, 0.34], 7_000),
        dataset="voc2007",
        images=DatasetShape(channels=3, height=608, width=608, classes=20, task="detection"),
    )


def rows(study):
    return {row[0][0].text: row for row in get_table_7([study]).rows}


def test_a_resnet_50_of_convolutions_stands_in_the_place_of_the_resnet_101(detectors):
    (line,) = rows(detectors("resnet50", {}, "conv3x3"))[
        "faster-rcnn resnet101, 3\N{MULTIPLICATION SIGN}3"
    ][2]
    assert line.text.startswith("41.00")
    assert "resnet50, as no resnet101 is built here" in line.note


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


def test_the_page_tells_nothing_of_classification_and_both_sizes(compared, tmp_path):
    info = get_report_info([compared])
    write_report(tmp_path / "report.html", info)
    page = unescape((tmp_path / "report.html").read_text()).split("<main>")[1]
    page = re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
    assert not re.findall(r"\bnan\b|NaN|accurac\w+ of the first|are classified after", page)
    for word in ("published protocol", "correct over total", "if moved", "For other images"):
        assert word.lower() not in page.lower()
    assert "mAP at IoU 0.5 of the first minus that of the second" in page
    (section,) = info.sections
    assert section.confirmed.header[2:4] == ("Backbone parameters", "Learnable parameters")
    assert [[cell[0].text for cell in row[2:4]] for row in section.confirmed.rows] == [
        ["5,000", "9,000"],
        ["5,000", "7,000"],
    ]
    assert "4 figures reported by others" in " ".join(section.front.sentences)
