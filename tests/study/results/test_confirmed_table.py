from dataclasses import replace

from study.results.confirmed_table import confirmed_table
from study.results.paired_comparison import compare


def rows(study):
    return confirmed_table(study, compare(study)).rows


def test_a_row_is_a_layer_of_a_trial_with_what_the_perturbation_adds(runs, confirmed):
    noise = runs("perturbation", [0.75, 0.75, 0.75, None], params=12_345)
    control = [
        replace(run, result=replace(run.result, moved_test_accuracy=0.61))
        for run in runs("conv1x1", [0.65, 0.66, 0.64], params=12_300)
    ]
    assert rows(confirmed(noise, control)) == (
        ("7", "perturbation", "12,345", "3 of 4", "75.00 [75.00, 75.00]", "77.00", "–", "–", "–"),
        (
            "7",
            "conv1x1",
            "12,300",
            "3",
            "65.00 [62.52, 67.48]",
            "67.00",
            "4.00",
            "+10.0 [+7.5, +12.5]",
            "better",
        ),
    )


def test_a_tuned_network_has_its_setting_beside_its_layer(runs, confirmed, tuned):
    (row,) = rows(confirmed(tuned(runs("conv1x1", [0.5]), r001=0.5, r003=0.7)))
    assert row[1] == "conv1x1, learning_rate 0.003"


def test_no_interval_leaves_what_accuracies_can_be(runs, confirmed):
    """By hand: mean 50, s/√3 = 25/√3 = 14.43, t = 4.303."""
    (row,) = rows(confirmed(runs("conv1x1", [0.25, 0.5, 0.75])))
    assert row[4] == "50.00 [0.00, 100.00]"


def test_two_seeds_have_no_interval_and_no_verdict(runs, confirmed):
    noise, control = rows(confirmed(runs("perturbation", [0.5, 0.7]), runs("conv1x1", [0.25, 0.5])))
    assert noise[4] == "60.00"
    assert control[4:] == ("37.50", "39.50", "–", "+22.5", "–")


def test_collapses_are_counted_and_seeds_added_later_left_out(runs, confirmed):
    found = runs("conv1x1", [0.9, 0.91, 0.7, 0.9])
    study = confirmed(found, confirm_beforehand=3, first_fresh_seed=0)
    assert rows(study)[0][3] == "3, 1 collapsed"


def test_what_is_not_known_is_a_dash(runs, confirmed):
    unknown = [replace(run, costs=None) for run in runs("conv1x1", [0.5])]
    one, none = rows(confirmed(unknown, runs("conv3x3", [None])))
    assert one[2:] == ("–", "1", "50.00", "52.00", "–", "–", "–")
    assert none[3:] == ("0 of 1", "–", "–", "–", "–", "–")
