import math
from dataclasses import replace

import pytest

from search_spaces.experiment import PlannedComparison
from study.results.comparison_words import (
    cautions,
    describe_choice,
    describe_comparison,
    describe_trials,
    describe_verdict,
    describe_with_trial,
    format_size,
)
from study.results.forest import headline
from study.results.paired_comparison import compare
from study.results.planned_experiment import PlannedExperiment

NOISE = (0.805, 0.801, 0.806, 0.803, 0.800)


def shifted(*points):
    return [accuracy - point / 100 for accuracy, point in zip(NOISE, points, strict=True)]


BETTER, UNCLEAR = shifted(1, 1.2, 0.8, 1, 1), shifted(1, -0.2, 0.4, 0.8, 0)


@pytest.fixture
def said(runs, confirmed):
    """The only comparison of five seeds of the perturbation layer with a control, in words."""

    def describe(control, accuracies=UNCLEAR, *, noise=NOISE, params=360_000, **settings):
        groups = runs("perturbation", noise, **settings), runs(control, accuracies, params=params)
        (comparison,) = compare(confirmed(*groups))
        return describe_comparison(comparison)

    return describe


def test_a_difference_has_its_interval_size_seeds_and_verdict(said):
    assert said("conv1x1") == (
        "the layer adds +0.4 [−0.2, +1.0] points over 1×1 at 0.36 M parameters (n = 5): undecided."
    )
    assert said("conv3x3", BETTER) == (
        "the layer adds +1.0 [+0.8, +1.2] points over 3×3 at 0.36 M parameters (n = 5): better."
    )
    assert said("conv3x3", shifted(-3, -3.2, -2.8, -3, -3)).endswith("(n = 5): worse.")


def test_beside_a_network_without_noise_it_is_the_noise_itself_that_adds(said):
    assert said("noise_off", BETTER).startswith("the noise itself adds +1.0 [+0.8, +1.2] points")
    assert said("conv1x1", level=0).startswith("a perturbation layer of level 0 adds")


def test_few_seeds_have_a_difference_and_no_verdict(said):
    assert said("conv1x1", [0.5, 0.5], noise=[0.9, 0.9]).endswith(
        "+40.0 points over 1×1 at 0.36 M parameters (n = 2): no verdict from fewer than 3 seeds."
    )
    agreeing = said("conv1x1", [0.5, 0.5, 0.5], noise=[0.9, 0.9, 0.9])
    assert "undecided, as the seeds show no spread to take an interval from" in agreeing
    assert "not told, as no seed is complete in both" in said("conv1x1", [None], noise=[0.9])


def test_a_control_of_another_size_is_said_to_be_one(said):
    assert "The control has" not in said("conv3x3", params=367_000)
    assert said("conv3x3", params=369_000).endswith("The control has 2.5% more parameters.")
    assert said("conv3x3", params=349_200).endswith("The control has 3.0% fewer parameters.")


def test_seeds_that_failed_or_run_are_named(said):
    control = [*NOISE]
    control[2], control[3] = None, ...
    assert said("conv1x1", control).endswith(
        "Left out of 1×1: seed 2 failed (out of memory); seed 3 has not ended."
    )


def test_collapses_are_counted_and_the_difference_without_them_told(said):
    text = said("conv1x1", [*BETTER, 0.6], noise=[*NOISE, 0.802])
    assert text.endswith(
        "(n = 6): better. Collapsed: 1 of 6 seeds of 1×1; without them +1.0 [+0.8, +1.2] (n = 5)."
    )


def test_seeds_that_were_added_later_are_told_to_be_exploratory(runs, confirmed):
    groups = runs("perturbation", NOISE), runs("conv1x1", BETTER)
    (comparison,) = compare(confirmed(*groups, confirm_beforehand=3, first_fresh_seed=0))
    assert describe_comparison(comparison).endswith(
        "With the seeds added later, which are exploratory: +1.0 [+0.8, +1.2] (n = 5)."
    )


def test_a_control_that_was_added_later_is_exploratory_and_changes_no_other_verdict(
    runs, confirmed
):
    noise, fixed = runs("perturbation", NOISE), runs("conv1x1", BETTER)
    added = runs("conv3x3", UNCLEAR), runs("noise_off", BETTER)
    before = {"controls_beforehand": "perturbation,conv1x1"}
    (alone,) = compare(confirmed(noise, fixed, **before))
    every = compare(confirmed(noise, fixed, *added, **before))
    assert {c.second.layer: c.is_added for c in every} == {
        "conv1x1": False,
        "conv3x3": True,
        "noise_off": True,
    }
    assert next(c for c in every if not c.is_added) == alone
    for comparison in every:
        exploratory = "exploratory: a control added later" in describe_comparison(comparison)
        assert exploratory == comparison.is_added
    assert headline(every, ()).startswith("trial 7 over 1×1: ")
    told = " ".join(cautions(every))
    assert "3×3, noise off are no control that was fixed beforehand" in told
    assert "no control that was fixed" not in " ".join(cautions([alone]))


def test_noise_in_both_first_layers_is_a_reservation(runs, confirmed):
    def described(**stem):
        groups = runs("perturbation", NOISE, **stem), runs("conv1x1", NOISE, **stem)
        (comparison,) = compare(confirmed(*groups))
        return describe_comparison(comparison)

    said = "Both networks have noise in the first layer."
    assert described(stem="perturbation", stem_noise_level=0.1).endswith(said)
    assert said not in described(stem="perturbation", stem_noise_level=0.0)
    assert said not in described(stem="conv3x3")


@pytest.mark.parametrize(("layer", "name"), [("perturbation", "perturbation"), ("conv3x3", "3×3")])
def test_whom_the_settings_favour_is_said(runs, confirmed, layer, name):
    groups = runs("perturbation", NOISE), runs("conv3x3", NOISE)
    choice = describe_choice(compare(confirmed(*groups, layer=layer)))
    assert f"chosen for the {name} network" in choice
    assert "favours" in choice


def test_the_number_of_the_trial_stands_before_the_sentence(runs, confirmed):
    (comparison,) = compare(confirmed(runs("perturbation", NOISE), runs("conv1x1", UNCLEAR)))
    assert describe_with_trial(comparison) == f"Trial 7: {describe_comparison(comparison)}"


def test_a_trial_is_told_by_what_its_layer_adds_and_of_that_the_noise(runs, confirmed):
    groups = [
        runs("perturbation", NOISE),
        runs("conv3x3", NOISE),
        runs("conv1x1", BETTER),
        runs("noise_off", UNCLEAR),
    ]
    assert describe_trials(compare(confirmed(*groups))) == (
        "Trial 7: the layer adds +1.0 [+0.8, +1.2] points over 1×1 (better, n = 5), of which the "
        "noise itself +0.4 [−0.2, +1.0] points (undecided, n = 5).",
    )
    assert describe_trials(compare(confirmed(groups[0], groups[3]))) == (
        "Trial 7: the noise itself adds +0.4 [−0.2, +1.0] points over noise off "
        "(undecided, n = 5).",
    )
    assert describe_trials(compare(confirmed(groups[0], runs("conv1x1", [None])))) == (
        "Trial 7: the layer adds an unknown number of points over 1×1 (no result).",
    )


def moved(runs, lost):
    return [
        replace(
            run, result=replace(run.result, moved_test_accuracy=run.result.test_accuracy - loss)
        )
        for run, loss in zip(runs, lost, strict=True)
    ]


def test_what_moved_images_cost_is_told_beside_what_they_cost_without_noise(runs, confirmed):
    noise = moved(runs("perturbation", NOISE), (0.08, 0.07, 0.06, 0.07, 0.07))
    off = moved(runs("noise_off", UNCLEAR), (0.04, 0.03, 0.04, 0.03, 0.03))
    comparisons = compare(confirmed(noise, runs("conv1x1", BETTER), off))
    (trial,) = describe_trials(comparisons)
    assert trial.endswith(
        "; on images moved by one pixel it loses 7.0 [6.1, 7.9] points, +3.6 [+2.5, +4.7] "
        "beyond what it loses without noise."
    )
    assert describe_comparison(comparisons[1]).endswith(
        "On images moved by one pixel the first loses +3.6 [+2.5, +4.7] more than the other."
    )
    assert cautions(comparisons)[-1].startswith("Fixed masks tell a network where it is")
    (without,) = describe_trials(compare(confirmed(noise, runs("conv1x1", BETTER))))
    assert without.endswith("it loses 7.0 [6.1, 7.9] points.")


def test_a_planned_comparison_names_its_arms_and_what_would_matter(runs, confirmed):
    plan = PlannedExperiment(
        arms=("with", "without"),
        comparisons=(PlannedComparison(first="with", second="without", matters=0.02),),
        seeds=5,
        digest="",
    )
    groups = runs("perturbation", NOISE, trial=0), runs("noise_off", UNCLEAR, trial=1)
    study = confirmed(*groups, experiment=plan)
    layers = {"with": "perturbation", "without": "noise_off"}
    records = tuple(
        replace(record, parameters={"variant": arm, "layer": layer})
        for record, (arm, layer) in zip(study.records, layers.items(), strict=True)
    )
    comparisons = compare(replace(study, records=records))
    assert describe_trials(comparisons) == (
        "with +0.4 [−0.2, +1.0] points over without at 0.36 M parameters "
        "(n = 5; 2 would matter; named beforehand): equivalent.",
    )
    assert cautions(comparisons)[0].startswith("The first planned comparison was named beforehand")
    some = tuple(run for run in study.confirmed if run.seed != 4)
    (waiting,) = compare(replace(study, records=records, confirmed=some))
    assert describe_comparison(waiting).endswith("no verdict before all 5 seeds have ended.")


def test_each_trial_has_a_sentence(runs, confirmed):
    groups = [
        runs(layer, accuracies, trial=trial)
        for trial in (2, 5)
        for layer, accuracies in (("perturbation", NOISE), ("conv1x1", UNCLEAR))
    ]
    said = describe_trials(compare(confirmed(*groups)))
    assert [sentence[:8] for sentence in said] == ["Trial 2:", "Trial 5:"]


def test_an_interval_beside_zero_that_the_adjustment_leaves_undecided_says_so(runs, confirmed):
    borderline = runs("conv1x1", shifted(0.2, 0.8, 0.4, 0.9, 0.1))
    groups = runs("perturbation", NOISE), borderline, runs("conv3x3", UNCLEAR)
    first, second = compare(confirmed(*groups))
    assert describe_verdict(first) == "undecided among 2 comparisons"
    assert describe_verdict(second) == "undecided"


def test_cautions_tell_what_else_differs_whom_it_favours_of_how_many_and_what_is_estimated(
    runs, confirmed
):
    noise, control = runs("perturbation", NOISE), runs("conv1x1", [*UNCLEAR[:4], None])
    comparisons = compare(confirmed(noise, control, runs("conv3x3", UNCLEAR)))
    whole, choice, number, estimand = cautions(comparisons)
    assert "a 1×1 also lacks its ReLU and, in the default order, its batch normalisation" in whole
    assert whole.endswith("The noise alone is told by --controls noise_off.")
    assert choice == describe_choice(comparisons)
    assert number == (
        "Verdicts are adjusted (Holm) for 2 comparisons. 2 intervals of 95% are not adjusted: "
        "where no difference is real, about 0.1 would miss zero by chance."
    )
    assert estimand.startswith("Differences are means over seeds, collapsed ones included")
    assert "1 of 15 did (a seed has collapsed if it failed, or" in estimand
    assert estimand.endswith("none of 5 would still leave a rate of up to 52%.")
    assert cautions([]) == ()


def test_a_tuned_network_is_named_with_its_setting_and_the_choice_is_told(runs, confirmed, tuned):
    noise = tuned(runs("perturbation", NOISE), r001=0.5, r003=0.7, r009=0.6)
    control = tuned(runs("conv1x1", UNCLEAR), r001=0.5, r003=0.7, r009=0.8)
    comparisons = compare(confirmed(noise, control))
    assert describe_comparison(comparisons[0]).startswith(
        "the layer adds +0.4 [−0.2, +1.0] points over 1×1 (learning_rate 0.009) at"
    )
    _, choice, edges, *_ = cautions(comparisons)
    assert choice == (
        "Each network has its own learning_rate, chosen by validation images from 3 grid points "
        "with 2 seeds each, which no other run uses. All other settings were chosen for the "
        "perturbation network, and that favours it."
    )
    assert edges == (
        "1 of 2 tuned networks took the smallest or largest value of its grid, beyond which a "
        "better one may lie: trial 7 1×1 (learning_rate 0.009)."
    )


def test_a_network_of_which_no_grid_point_trained_says_whose_settings_it_has(
    runs, confirmed, tuned
):
    noise = tuned(runs("perturbation", NOISE), r001=0.5, r003=0.7, r009=0.6)
    control = tuned(runs("conv1x1", UNCLEAR), r001=math.nan, r003=math.nan)
    (comparison,) = compare(confirmed(noise, control))
    assert describe_comparison(comparison).endswith(
        "No grid point of 1×1 (learning_rate 0.01) trained to its end: its settings are the "
        "trial's."
    )


def test_where_noise_was_taken_off_nobody_is_told_to_take_it_off(runs, confirmed):
    comparisons = compare(confirmed(runs("perturbation", NOISE), runs("noise_off", NOISE)))
    assert not any("--controls" in sentence for sentence in cautions(comparisons))


def test_no_interval_is_counted_where_few_seeds_give_none(runs, confirmed):
    comparisons = compare(confirmed(runs("perturbation", [0.8]), runs("conv1x1", [0.7])))
    assert not any("interval" in sentence for sentence in cautions(comparisons))


@pytest.mark.parametrize(
    ("params", "text"),
    [
        (363_456, "0.363 M"),
        (11_173_962, "11.2 M"),
        (1906, "1.91 k"),
        (None, "an unknown number of"),
    ],
)
def test_sizes_have_three_digits(params, text):
    assert format_size(params) == text
