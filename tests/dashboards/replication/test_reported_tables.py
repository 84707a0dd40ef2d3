import pytest

from dashboards.replication.reported_tables import DISPUTE, departures, get_reported_tables, matches
from pnn_core.config import PARAMETER_NAMES, DatasetShape
from pnn_core.recipes import update
from study.results.layer_result import layer_results
from study.results.published_results import reported_results

CIFAR = DatasetShape(channels=3, height=32, width=32, classes=10)
TABLE_5 = {"network": "resnet18", "mask_count": 64, "fan_out": 1}


def find(**facts):
    (row,) = (
        r
        for r in reported_results()
        if all(getattr(r, name) == value for name, value in facts.items())
    )
    return row


def table(studies, start):
    (found,) = (t for t in get_reported_tables(studies) if t.title.startswith(start))
    return found


def texts(cells):
    return [cell[0].text.replace("\N{NO-BREAK SPACE}", " ") for cell in cells]


def test_the_papers_tables_and_the_dispute_hold_every_figure_but_table_7(
    make_runs, confirmed_study
):
    tables = get_reported_tables([confirmed_study(make_runs([0.8]))])
    assert [len(t.rows) for t in tables] == [4, 4, 6, 11, 7, 12, 30]
    assert tables[-1].title == DISPUTE
    assert sum(len(t.rows) for t in tables) == 78 - 4


def test_a_matching_trial_stands_beside_its_figure_and_the_rest_is_not_run(
    make_runs, confirmed_study
):
    study = confirmed_study(make_runs([0.85, 0.85, 0.85, None], trial=3, inflation=0.04, **TABLE_5))
    rows = {row[1][0].text: row for row in table([study], "Table 5").rows}
    assert texts(rows["89.99"][2:]) == ["85.00 [85.00, 85.00]", "89.00 [89.00, 89.00]"]
    note = rows["89.99"][2][0].note
    assert note.startswith("n = 3, 12 epochs, a shorter budget than reported (more than 90)")
    assert "trial 3" in note
    assert note.endswith("1 seed without a result; no setting departs")
    for value, row in rows.items():
        if value != "89.99":
            assert texts(row[2:]) == ["not run", "not run"]


@pytest.mark.parametrize(
    "change",
    [
        {"mask_count": 32},
        {"network": "resnet34"},
        {"fan_out": 2},
        {"layer": "conv1x1"},
        {"trained_masks": True},
        {"unique_masks": False},
        {"noise_distribution": "normal"},
    ],
)
def test_one_other_setting_is_no_match(make_runs, change):
    row = find(where="Table 5", mask_count=64)
    (same,) = layer_results(make_runs([0.8], **TABLE_5))
    (other,) = layer_results(make_runs([0.8], **{**TABLE_5, **change}))
    assert matches(row, "cifar10", same)
    assert not matches(row, "cifar10", other)
    assert not matches(row, "fashion_mnist", same)


@pytest.mark.parametrize(("batch_size", "matched"), [(20, True), (40, False)])
def test_a_batch_size_must_match_where_it_was_reported(make_runs, batch_size, matched):
    row = find(where="Table 6", mask_count=64, batch_size=20)
    (result,) = layer_results(make_runs([0.8], network="resnet50", batch_size=batch_size))
    assert matches(row, "cifar10", result) is matched


def test_results_2_and_3_are_told_apart_by_their_first_layer(make_runs):
    settings = {"mask_count": 128, "noise_level": 0.5, "optimizer": "sgd", "learning_rate": 1e-4}
    (result,) = layer_results(make_runs([0.8], stem="conv7x7", **settings))
    assert matches(find(where="result 2"), "cifar10", result)
    assert not matches(find(where="result 3"), "cifar10", result)


def test_a_figure_reported_without_its_mask_count_says_so(make_runs, confirmed_study):
    rows = table([confirmed_study(make_runs([0.8]))], DISPUTE).rows
    (row,) = (row for row in rows if row[1][0].text == "90.53")
    assert row[2][0] == ("not run", "reported without its mask count")


@pytest.mark.parametrize(
    ("epochs", "words"),
    [
        (90, "90 epochs, a shorter budget than reported (more than 90)"),
        (91, "91 epochs (reported: more than 90)"),
        (1, "1 epoch, a shorter"),
    ],
)
def test_a_shorter_budget_is_called_shorter(make_runs, confirmed_study, epochs, words):
    study = confirmed_study(make_runs([0.8, 0.81], epochs=epochs, **TABLE_5))
    rows = {row[1][0].text: row for row in table([study], "Table 5").rows}
    assert words in rows["89.99"][2][0].note


def test_each_study_has_two_columns_and_its_budget_in_the_caption(make_runs, confirmed_study):
    first = confirmed_study(make_runs([0.8], **TABLE_5), name="first")
    second = confirmed_study(make_runs([0.9], **TABLE_5), name="second", dataset="mnist")
    found = table([first, second], "Table 5")
    assert len(found.header) == 6
    assert "first: cifar10, 12 epochs; second: mnist, 12 epochs" in found.caption
    rows = {row[1][0].text: row for row in found.rows}
    assert texts(rows["89.99"][2:]) == ["80.00", "83.00", "not run", "not run"]


def test_several_matching_trials_are_all_shown(make_runs, confirmed_study):
    study = confirmed_study(
        make_runs([0.8], trial=1, noise_level=0.1, **TABLE_5),
        make_runs([0.7], trial=2, noise_level=0.5, **TABLE_5),
    )
    rows = {row[1][0].text: row for row in table([study], "Table 5").rows}
    assert [line.text for line in rows["89.99"][2]] == ["80.00", "70.00"]
    assert rows["89.99"][2][0].note.endswith("no setting departs")
    assert rows["89.99"][2][1].note.endswith("departs in noise_level 0.5")


def test_one_mask_a_channel_is_needed_where_the_source_has_one(make_runs):
    paper, dispute = find(where="Table 6", mask_count=64, batch_size=10), find(where="result 3")
    theirs = {"mask_count": 128, "noise_level": 0.5, "optimizer": "sgd", "learning_rate": 1e-4}
    for row, settings in ((paper, {"network": "resnet50"}), (dispute, theirs)):
        for change, matched in (
            ({}, True),
            ({"fan_out": 4}, False),
            ({"unique_masks": False}, False),
        ):
            (result,) = layer_results(make_runs([0.8], **{**settings, **change}))
            assert matches(row, "cifar10", result) is matched


# One value other than the default for every setting that Table 6 leaves open; those that need
# another switch first come with it.
OPEN_SETTINGS = [
    {"order": "noise_relu_conv"},
    {"pooling": "average"},
    {"before_addition": "bn_relu"},
    {"dropout": 0.3},
    {"initialisation": "published"},
    {"noise_level": 0.5},
    {"stem": "conv7x7"},
    {
        "stem": "perturbation",
        "stem_noise_level": 0.2,
        "stem_fan_out": 5,
        "stem_activation": "sigmoid",
    },
    {"optimizer": "sgd", "momentum": 0.8},
    {"schedule": "constant"},
    {"weight_decay": 1e-4},
    {"normalisation": "published"},
    {"augment": "none"},
    {"mask_seed": 3},
]


@pytest.mark.parametrize("change", OPEN_SETTINGS, ids=lambda change: ",".join(change))
def test_every_setting_that_departs_is_listed_and_no_other(make_runs, change):
    row = find(where="Table 6", mask_count=64, batch_size=10)
    (result,) = layer_results(make_runs([0.8], network="resnet50", **change))
    assert matches(row, "cifar10", result)
    assert departures(row, result) == change


def test_every_setting_of_a_run_must_match_or_is_listed():
    listed = {name for change in OPEN_SETTINGS for name in change}
    listed |= {"initialisation_seed", "data_order_seed"}  # as mask_seed
    reported = {*find(where="Table 6", mask_count=64, batch_size=10).settings()}
    # Of another layer, or task.
    apart = {"epochs", "seed", "nonzero_share", "canvas", "padding", "initial_weights"}
    assert listed | reported | apart == set(PARAMETER_NAMES)


def test_departures_are_from_the_repositorys_code_where_the_row_is_silent(make_runs):
    row = find(where="Section 1")
    (same,) = layer_results(make_runs([0.8], **update(CIFAR).parameters()))
    assert matches(row, "cifar10", same)
    assert departures(row, same) == {}
    changed = {**update(CIFAR).parameters(), "weight_decay": 0.0, "schedule": "constant"}
    (other,) = layer_results(make_runs([0.8], **changed))
    assert departures(row, other) == {"weight_decay": 0.0, "schedule": "constant"}


def test_listed_settings_stand_in_the_cell(make_runs, confirmed_study):
    change = {"pooling": "average", "dropout": 0.3, "weight_decay": 1e-4}
    study = confirmed_study(make_runs([0.8], **TABLE_5, **change))
    rows = {row[1][0].text: row for row in table([study], "Table 5").rows}
    listed = rows["89.99"][2][0].note.split("; ")[-1]
    assert listed == "departs in pooling average, dropout 0.3, weight_decay 0.0001"
