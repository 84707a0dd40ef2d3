import csv
from collections import Counter
from pathlib import Path
from typing import get_args

import pytest

import study.results.reported as module
from pnn_core.config import DatasetShape, ModelConfig, TrialConfig
from pnn_core.config.model import Network
from study.results.reported import PAPER, reported_results

ROWS = reported_results()


def find(**facts):
    (row,) = (r for r in ROWS if all(getattr(r, name) == value for name, value in facts.items()))
    return row


def test_there_are_67_figures_by_table():
    assert len(ROWS) == 67
    counts = Counter(row.where for row in ROWS if row.source == PAPER)
    assert [counts[f"Table {n}"] for n in range(1, 8)] == [3, 4, 6, 11, 7, 12, 4]


def test_every_row_holds_what_the_file_holds():
    path = Path(module.__file__).with_name("reported_results.csv")
    with path.open(newline="", encoding="utf-8") as file:
        raw = list(csv.DictReader(file))
    for row, cells in zip(ROWS, raw, strict=True):
        for name, text in cells.items():
            value = getattr(row, name)
            if name == "value":
                assert value * 100 == pytest.approx(float(text))
            elif text == "":
                assert value in (None, "")
            else:
                assert value == type(value)(text)


def test_values_are_fractions():
    assert all(0.4 < row.value < 1 for row in ROWS)
    assert find(where="Table 5", mask_count=32).value == pytest.approx(0.9308)


def test_every_row_names_its_source_data_set_metric_and_protocol():
    protocols = {"as published", "smoothed", "correct/total", "correct/total, best epoch on test"}
    for row in ROWS:
        assert row.source
        assert row.where
        assert row.layer
        assert row.protocol in protocols
        assert (row.metric == "mAP") == (row.dataset == "voc2007")


def test_one_run_was_reported_by_both_protocols():
    smoothed = find(where="README", value=0.9053)
    correct = find(where="README", value=0.8591)
    assert (smoothed.protocol, correct.protocol) == ("smoothed", "correct/total")


def test_table_5s_ratios_give_sizes_and_no_other_row_has_one():
    sizes = {row.mask_count: row.learnable_params for row in ROWS if row.learnable_params}
    assert {row.where for row in ROWS if row.learnable_params} == {"Table 5"}
    assert sizes[64] == 1_414_426  # 11,173,962 / 7.9
    assert sorted(sizes) == [8, 16, 32, 64, 96, 128, 160]
    assert sorted(sizes.values()) == [sizes[masks] for masks in sorted(sizes)]


def test_settings_of_buildable_rows_are_settings_of_a_training_run():
    shape = DatasetShape(channels=3, height=32, width=32, classes=10)
    built = 0
    for row in ROWS:
        settings = row.settings()
        if settings.get("network") in get_args(Network) and "mask_count" in settings:
            config = TrialConfig(model=ModelConfig(dataset=shape)).with_parameters(settings)
            built += 1
            assert settings.items() <= config.parameters().items()
    assert built > 40


def test_results_6_to_8_differ_in_their_switches():
    results = [find(where=f"result {n}").settings() for n in (6, 7, 8)]
    assert [r["unique_masks"] for r in results] == [True, False, False]
    assert [r["trained_masks"] for r in results] == [False, False, True]
    assert results[0]["grouped"]
    assert results[0]["mix_maps"]


def test_64_masks_for_each_of_128_filters_are_8192():
    assert find(where="result 6").settings()["mask_count"] == 8192
    assert find(where="result 3").settings()["mask_count"] == 128


def test_a_plain_networks_width_stands_in_its_note():
    assert find(where="result 1").settings()["mask_count"] == 44


def test_budgets_are_known_where_the_source_tells_them():
    assert find(where="Table 5", mask_count=8).epochs_at_least == 90
    assert find(where="Section 1").epochs_at_least == 450
    assert find(where="Table 1", mask_count=64).epochs_at_least is None
