import csv
from collections import Counter
from pathlib import Path

import pytest

import study.results.published_results as module
from pnn_core.config import DatasetShape, ModelConfig, TrialConfig
from pnn_core.parts.networks import NETWORKS
from study.results.published_results import PAPER, reported_results

ROWS = reported_results()


def find(**facts):
    """Find a row; of a README, in its last state unless the source is named."""
    (row,) = (
        r
        for r in ROWS
        if all(getattr(r, name) == value for name, value in facts.items())
        and ("source" in facts or " at " not in r.source)
    )
    return row


def test_there_are_78_figures_by_table():
    assert len(ROWS) == 78
    counts = Counter(row.where for row in ROWS if row.source == PAPER)
    assert [counts[f"Table {n}"] for n in range(1, 8)] == [4, 4, 6, 11, 7, 12, 4]


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
    protocols = {"as published", "smoothed", "correct/total, best epoch on test"}
    for row in ROWS:
        assert row.source
        assert row.where
        assert row.layer
        assert row.protocol in protocols
        assert (row.metric == "mAP") == (row.dataset == "voc2007")


def test_one_run_was_reported_by_both_protocols():
    smoothed = find(where="README", value=0.9053)
    correct = find(where="README", value=0.8591)
    assert (smoothed.protocol, correct.protocol) == (
        "smoothed",
        "correct/total, best epoch on test",
    )


def test_table_5s_sizes_are_its_ratios():
    sizes = {r.mask_count: r.learnable_params for r in ROWS if r.where == "Table 5"}
    assert all(row.counted_params is None for row in ROWS if row.where == "Table 5")
    assert sizes[64] == 1_414_426  # 11,173,962 / 7.9
    assert sorted(sizes) == [8, 16, 32, 64, 96, 128, 160]
    assert sorted(sizes.values()) == [sizes[masks] for masks in sorted(sizes)]


def test_networks_without_a_ratio_are_counted_where_their_source_tells_enough():
    counted = Counter(row.where for row in ROWS if row.counted_params)
    assert counted == {
        "Table 4": 4,
        "Table 6": 12,
        "README": 1,
        "result 1": 2,
        "result 2": 1,
        "result 3": 1,
        "result 4": 2,
        "result 5": 2,
        "result 6": 2,
        "result 7": 1,
        "result 8": 2,
        "result 9": 1,
        "Section 1": 1,
        "issue 2": 1,
        "issue 3": 2,
    }
    assert all(row.learnable_params == row.counted_params for row in ROWS if row.counted_params)
    # Not the first layer of Section 3, no large images, no unknown network.
    unknown = [row for row in ROWS if row.learnable_params is None]
    assert {row.where for row in unknown} >= {"Table 1", "Table 2", "Table 3", "Section 3"}


KLACHKO = "michaelklachko/pnn.pytorch README"
EARLIER = "michaelklachko/pnn.pytorch README at 15ba083 (2018-09-06)"
UPDATE = "juefeix/pnn.pytorch.update README"
BIASES = 2 * 128 * (1 + 2 + 4 + 8)
"""Biases of the second layer of each block in the published codes."""
STEM_BIASES = 128


@pytest.mark.parametrize(
    ("source", "where", "params", "biases"),
    [
        (KLACHKO, "result 1", 5_284_982, 0),
        (KLACHKO, "result 2", 5_640_074, BIASES),
        (KLACHKO, "result 3", 5_624_714, BIASES),
        (KLACHKO, "result 4", 5_611_146, BIASES),
        (KLACHKO, "result 5", 5_608_202, BIASES + STEM_BIASES),
        (KLACHKO, "result 6", 6_813_834, 2 * BIASES),  # of the mixing 1×1s, too
        (KLACHKO, "result 7", 1_220_234, BIASES),
        (KLACHKO, "result 8", 1_632_906, BIASES),
        (EARLIER, "result 1", 44_662_922, 0),
        (EARLIER, "result 4", 5_608_202, BIASES + STEM_BIASES),
        (EARLIER, "result 5", 5_608_202, BIASES + STEM_BIASES),
        (EARLIER, "result 6", 5_611_146, BIASES),
        (EARLIER, "result 8", 1_220_234, BIASES),
        (EARLIER, "result 9", 1_220_234, BIASES),
        (UPDATE, "Section 1", 5_621_258, BIASES),
    ],
)
def test_a_run_has_the_parameters_of_the_published_network_but_biases_that_cancel(
    source: str, where: str, params: int, biases: int
) -> None:
    """Counted on what the published codes build, as of the commit that holds the row.

    A normalisation behind them cancels the biases.
    """
    assert find(source=source, where=where).counted_params == params - biases


def test_network_in_network_is_counted_as_its_authors_defined_it() -> None:
    row = find(where="Table 4", model="nin")
    assert row.counted_params == 966_986  # as `tests/pnn_core/models/test_nin.py` adds it up
    assert row.run_settings()["dropout"] == 0.5


def test_trained_masks_are_the_only_parameters_more_than_with_fixed_ones() -> None:
    fixed, trained = (find(where=f"result {n}").counted_params for n in (7, 8))
    # 64 masks in each layer: five of 32×32 pixels, then four each of 16×16 and 8×8, three of 4×4.
    assert trained - fixed == 64 * (5 * 32**2 + 4 * 16**2 + 4 * 8**2 + 3 * 4**2)


def test_noise_in_all_layers_is_klachkos_first_layer() -> None:
    settings = find(where="result 5").run_settings()
    assert settings["stem_noise_level"] == 0.5
    assert (settings["stem_fan_out"], settings["stem_activation"]) == (1, "none")
    earlier = "michaelklachko/pnn.pytorch README at 15ba083 (2018-09-06)"
    quiet = find(where="result 5", source=earlier).run_settings()
    assert (quiet["layer"], quiet["stem_noise_level"]) == ("conv1x1", 0.0)


def test_section_3_is_klachkos_network_with_a_louder_first_layer_of_more_masks() -> None:
    reproduction = "elisim/Perturbative-Neural-Networks-CVPR18"
    for row in (find(where="Section 3"), find(source=reproduction, dataset="cifar10")):
        settings = row.run_settings()
        assert settings["order"] == "noise_relu_conv_bn_relu"
        assert settings["before_addition"] == "bn_relu"
        assert (settings["stem_noise_level"], settings["stem_fan_out"]) == (2.0, 5 * 256)
        assert row.counted_params is None


def test_the_run_of_two_metrics_is_of_the_authors_code() -> None:
    settings = find(where="README", value=0.8591).run_settings()
    assert (settings["optimizer"], settings["order"]) == ("adam", "noise_relu_bn_conv")
    assert settings["stem"] == "conv7x7"


def test_counted_networks_have_the_data_sets_shape_and_the_stated_first_layer():
    # Of 32 channels, ResNet-50's first convolution sees 3 colours or 1: 2·9·32 weights fewer.
    coloured = find(where="Table 6", mask_count=32, batch_size=10).learnable_params
    grey = find(where="Table 4", dataset="mnist", mask_count=32).learnable_params
    assert coloured - grey == 2 * 9 * 32
    first = {n: find(where=f"result {n}").learnable_params for n in (2, 3)}
    assert first[2] - first[3] == (49 - 9) * 3 * 128
    frozen = find(where="Section 1").learnable_params
    assert first[3] - frozen == 9 * 3 * 128
    # His README says "about 5.5 M" of width 44.
    assert find(where="result 1").learnable_params == pytest.approx(5.5e6, rel=0.05)


def test_the_papers_networks_have_one_mask_a_channel_of_its_own():
    for row in ROWS:
        if row.layer == "perturbation" and (row.source == PAPER or row.fan_out == 1):
            settings = row.settings()
            assert (settings["fan_out"], settings["unique_masks"]) == (1, True)


def test_a_runs_settings_are_the_rows_then_the_sources_then_the_defaults():
    table_5 = find(where="Table 5", mask_count=8).run_settings()
    assert (table_5["learning_rate"], table_5["schedule"]) == (1e-3, "tenth_at_60_90")
    assert (table_5["optimizer"], table_5["weight_decay"]) == ("adam", 0.0)
    second, sixth = (find(where=f"result {n}").run_settings() for n in (2, 6))
    assert (second["order"], sixth["order"]) == ("noise_relu_bn_conv", "noise_relu_conv_bn_relu")
    assert (second["before_addition"], sixth["before_addition"]) == ("bn", "bn_relu")
    assert second["schedule"] == sixth["schedule"] == "klachko"
    assert (second["learning_rate"], sixth["learning_rate"]) == (1e-4, 1e-3)
    assert find(where="Section 3").run_settings()["weight_decay"] == 1e-4


def test_a_network_of_another_project_has_no_settings_of_a_run():
    with pytest.raises(ValueError, match="faster-rcnn resnet50"):
        find(model="faster-rcnn resnet50").run_settings()


def test_settings_of_buildable_rows_are_settings_of_a_training_run():
    shape = DatasetShape(channels=3, height=32, width=32, classes=10)
    built = 0
    for row in ROWS:
        settings = row.settings()
        if settings.get("network") in NETWORKS and "mask_count" in settings:
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


def test_a_plain_network_has_as_many_filters_as_its_width():
    assert find(where="result 1").settings()["mask_count"] == 44


def test_budgets_are_known_where_the_source_tells_them():
    assert find(where="Table 5", mask_count=8).epochs_at_least == 90
    assert find(where="Section 1").epochs_at_least == 450
    assert find(where="Table 1", mask_count=64).epochs_at_least is None
