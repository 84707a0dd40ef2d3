from dataclasses import replace

import pytest
from scipy import stats

from dashboards.pictures.paired import get_paired_columns, get_paired_info
from dashboards.pictures.paired_row import PairedRow
from pnn_core.config import ConfirmResult, Costs
from study.results.comparison_words import cautions, describe_with_trial
from study.results.paired_comparison import compare
from study.results.run_record import RunKey, RunRecord, RunState
from study.results.statistics.confidence_intervals import paired_difference


def runs(values, *, trial=0, layer="perturbation", params=1000, first_seed=100):
    """A run for each accuracy; None for one that failed."""
    return [
        RunRecord(
            key=RunKey(trial, layer, seed),
            state=RunState.FAILED if value is None else RunState.COMPLETE,
            parameters={"noise_level": 0.1},
            size_difference=0.0,
            costs=None if params is None else Costs(learnable_params=params, mask_values=1, macs=1),
            result=None
            if value is None
            else ConfirmResult(
                train_loss=0.1,
                test_accuracy=value,
                published_test_accuracy=value,
                train_seconds=1.0,
            ),
            reason="out of memory" if value is None else "",
        )
        for seed, value in enumerate(values, start=first_seed)
    ]


@pytest.fixture(scope="session")
def study(study_of):
    """A study of the given confirmed runs."""

    def make(*groups, name="one", **changes):
        loaded = study_of([], name, **{"epochs": 4, "confirm": 3, **changes})
        return replace(loaded, confirmed=tuple(run for group in groups for run in group))

    return make


def test_a_comparison_with_a_control_gives_exactly_this_row(study):
    loaded = study(runs([0.90, 0.92, 0.94]), runs([0.80, 0.83, 0.83], layer="conv1x1", params=1010))
    info = get_paired_info([loaded])
    (comparison,) = compare(loaded)
    difference = paired_difference({1: 0.90, 2: 0.92, 3: 0.94}, {1: 0.80, 2: 0.83, 3: 0.83})
    assert info.rows == (
        PairedRow(
            first="one, trial 0: perturbation",
            second="one, trial 0: 1×1",
            difference=pytest.approx(10),
            low=pytest.approx(100 * difference.interval[0]),
            high=pytest.approx(100 * difference.interval[1]),
            low_over_images=None,
            high_over_images=None,
            moved_more=None,
            n=3,
            n_second=3,
            is_paired=True,
            size_difference=pytest.approx(0.01),
            standing="control",
            adjusted_p=comparison.decision.adjusted_p,
            verdict="better",
            sentence=f"one: {describe_with_trial(comparison)}",
        ),
    )
    assert info.title == "Test accuracy of confirmed runs, compared: one"
    assert info.caption == " ".join(
        (
            "one: digits, 4 epochs each. Differences of test accuracy in points, of confirmed "
            "runs, first minus second, means over n seeds with 95% t intervals.",
            *cautions([comparison]),
        )
    )
    assert (info.description, info.instead) == ("A table of 1 difference with intervals.", "")


@pytest.mark.parametrize(
    ("control", "verdict"),
    [
        ([0.99, 0.98, 0.99], "worse"),
        ([0.9, 0.99, 0.9], "undecided"),
    ],
)
def test_the_verdict_follows_the_interval(study, control, verdict):
    loaded = study(runs([0.90, 0.91, 0.92]), runs(control, layer="conv3x3"))
    assert [row.verdict for row in get_paired_info([loaded]).rows] == [verdict]


def test_a_comparison_without_a_common_seed_is_a_row_without_a_difference(study):
    loaded = study(runs([0.9, None]), runs([None, 0.8], layer="conv3x3"))
    (row,) = get_paired_info([loaded]).rows
    assert (row.difference, row.low, row.high, row.n, row.n_second) == (None, None, None, 0, 0)
    assert "no seed is complete in both" in row.sentence


def test_studies_with_common_seeds_are_compared_seed_by_seed(study):
    first = study(runs([0.90, 0.92, 0.91], trial=3))
    second = study(runs([0.80, 0.83, 0.80, 0.99], trial=7, params=1100), name="two")
    info = get_paired_info([first, second])
    (row,) = info.rows
    difference = paired_difference({1: 0.90, 2: 0.92, 3: 0.91}, {1: 0.80, 2: 0.83, 3: 0.80})
    assert (row.first, row.second) == ("one, trial 3", "two, trial 7")
    assert row.difference == pytest.approx(10)
    assert (row.low, row.high) == pytest.approx(tuple(100 * end for end in difference.interval))
    assert (row.n, row.n_second, row.is_paired) == (3, 3, True)
    assert row.size_difference == pytest.approx(0.1)
    assert row.verdict == "one, trial 3 is better"
    assert row.sentence == (
        "one, trial 3 (1 k parameters) against two, trial 7 (1.1 k parameters): "
        "+10.0 [+7.5, +12.5] points (n = 3 pairs): one, trial 3 is better. "
        "The second has 10.0% more parameters."
    )
    assert (
        "1 row of perturbation networks that two searches chose, nearest to each other in size:"
    ) in info.caption


def test_studies_without_common_seeds_are_compared_by_welch_and_it_says_so(study):
    first, second = [0.90, 0.92, 0.95], [0.70, 0.81, 0.97]
    studies = [study(runs(first)), study(runs(second, first_seed=200), name="two", seed=1)]
    (row,) = get_paired_info(studies).rows
    expected = stats.ttest_ind(first, second, equal_var=False).confidence_interval(0.95)
    assert (row.low, row.high) == pytest.approx((100 * expected.low, 100 * expected.high))
    assert (row.n, row.n_second, row.is_paired) == (3, 3, False)
    assert row.verdict == "undecided"
    assert "(n = 3 and 3, unpaired, as they do not share 3 seeds)" in row.sentence


def test_a_single_common_seed_is_no_pair_to_take_an_interval_from(study):
    first, second = (
        study(runs([0.9, 0.8, 0.9])),
        study(runs([0.8, 0.7, 0.8], first_seed=102), name="two"),
    )
    (row,) = get_paired_info([first, second]).rows
    assert (row.is_paired, row.n, row.n_second) == (False, 3, 3)
    assert row.low is not None


def test_one_seed_each_has_no_interval_and_decides_nothing(study):
    first, second = study(runs([0.9])), study(runs([0.5], first_seed=200), name="two")
    (row,) = get_paired_info([first, second]).rows
    assert (row.difference, row.low, row.high) == (pytest.approx(40), None, None)
    assert row.verdict == "no verdict from fewer than 3 seeds"


@pytest.mark.parametrize(
    ("params", "pairs"),
    [
        (900, [("one, trial 0", "two, trial 7"), ("one, trial 1", "two, trial 6")]),
        # Nearer to trial 1, which has a nearer one: left alone, as trial 0 is.
        (3000, [("one, trial 1", "two, trial 6")]),
    ],
)
def test_networks_are_compared_that_are_nearest_in_size_to_each_other(study, params, pairs):
    first = study(runs([0.9, 0.8], trial=1, params=5000), runs([0.9, 0.8], params=1000))
    second = study(
        runs([0.9, 0.8], trial=5, params=4000),
        runs([0.9, 0.8], trial=6, params=5100),
        runs([0.9, 0.8], trial=7, params=params),
        name="two",
    )
    rows = get_paired_info([first, second]).rows
    assert [(row.first, row.second) for row in rows] == pairs


def test_controls_and_networks_of_unknown_size_or_without_a_result_are_no_front(study):
    first = study(runs([0.9, 0.8]))
    second = study(
        runs([0.9, 0.8], layer="conv3x3"),
        runs([0.9, 0.8], trial=1, params=None),
        runs([None, None], trial=2),
        name="two",
    )
    assert get_paired_info([first, second]).rows == ()


def test_seeds_that_failed_are_named(study):
    first = study(runs([0.9, 0.8, None]))
    second = study(runs([0.7, 0.7, 0.9]), name="two")
    (row,) = get_paired_info([first, second]).rows
    assert row.n == 2
    assert row.sentence.endswith("Left out of one, trial 0: seed 102 failed (out of memory).")


def test_studies_that_cannot_be_compared_are_named_instead(study):
    first = study(runs([0.9, 0.8]))
    second = study(runs([0.9, 0.8]), name="two", dataset="mnist")
    info = get_paired_info([first, second])
    assert info.rows == ()
    assert "two is not compared with one: data set mnist instead of digits." in info.caption


def test_each_two_of_three_studies_are_compared(study):
    studies = [study(runs([0.9, 0.8]), name=name) for name in "abc"]
    assert [(row.first[0], row.second[0]) for row in get_paired_info(studies).rows] == [
        ("a", "b"),
        ("a", "c"),
        ("b", "c"),
    ]


def test_controls_come_first_and_are_told_with_their_cautions(study):
    groups = runs([0.90, 0.89, 0.91]), runs([0.70, 0.68, 0.69], layer="conv1x1")
    first, second = study(*groups), study(*groups, name="two")
    info = get_paired_info([first, second])
    assert [row.first.partition(",")[0] for row in info.rows] == ["one", "two", "one"]
    assert "2 intervals of 95% are not adjusted" in info.caption


def test_columns_hold_every_field_of_every_row(study):
    first = study(runs([0.9, 0.8]), runs([0.7, 0.6], layer="conv1x1"))
    columns = get_paired_columns(get_paired_info([first]))
    assert [*columns] == [*PairedRow._fields]
    assert {len(column) for column in columns.values()} == {1}
    assert columns["second"] == ["one, trial 0: 1×1"]


@pytest.mark.parametrize(
    ("groups", "confirm", "text"),
    [
        (
            [],
            0,
            "No confirmed runs. Run a study of another name with them: python -m study.run --space "
            "'my space.py' --dataset digits --trials 24 --epochs 4 --confirm 8",
        ),
        ([], 3, "No confirmation run has started yet: they follow when all trials have ended."),
        (
            [runs([0.9])],
            3,
            "No two confirmed runs can be compared yet: wait for more of them to complete.",
        ),
    ],
)
def test_without_anything_to_compare_it_says_what_to_do(study, groups, confirm, text):
    info = get_paired_info([study(*groups, confirm=confirm, space="my space.py")])
    assert (info.rows, info.instead) == ((), text)
    assert get_paired_columns(info)["sentence"] == []
