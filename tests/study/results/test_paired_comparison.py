import pytest

from pnn_core.config import ConfirmResult, Costs
from study.results.paired_comparison import (
    Verdict,
    cautions,
    compare_with_controls,
    describe_choice,
    describe_comparison,
    describe_with_trial,
    format_size,
    layer_results,
)
from study.results.run_record import RunKey, RunRecord, RunState


def run(
    layer,
    seed,
    accuracy,
    *,
    trial=7,
    params=360_000,
    state=RunState.COMPLETE,
    reason="",
    level=0.1,
    **settings,
):
    complete = state is RunState.COMPLETE
    return RunRecord(
        key=RunKey(trial, layer, seed),
        state=state,
        parameters={"layer": layer, "noise_level": level, "seed": seed, **settings},
        size_difference=params / 360_000 - 1,
        costs=Costs(learnable_params=params, mask_values=1, macs=1),
        result=ConfirmResult(
            train_loss=0.1,
            test_accuracy=accuracy,
            published_test_accuracy=accuracy + 0.02,
            train_seconds=1.0,
        )
        if complete
        else None,
        reason=reason,
    )


def runs(layer, accuracies, **changes):
    return [run(layer, seed, accuracy, **changes) for seed, accuracy in enumerate(accuracies)]


def only(*groups, layer="perturbation"):
    """The single comparison of runs that confirm trial 7, a trial of the given layer."""
    record = RunRecord(key=RunKey(7), state=RunState.COMPLETE, parameters={"layer": layer})
    (comparison,) = compare_with_controls([record], [r for group in groups for r in group])
    return comparison


NOISE = (0.805, 0.801, 0.806, 0.803, 0.800)


def shifted(*points):
    return [accuracy - point / 100 for accuracy, point in zip(NOISE, points, strict=True)]


def test_an_interval_that_holds_zero_names_no_winner():
    comparison = only(runs("perturbation", NOISE), runs("conv1x1", shifted(1, -0.2, 0.4, 0.8, 0)))
    assert comparison.verdict is Verdict.UNDECIDED
    assert describe_comparison(comparison) == (
        "noise adds +0.4 [−0.2, +1.0] points over 1×1 at 0.36 M parameters (n = 5): "
        "no difference can be told."
    )


def test_an_interval_above_zero_adds_and_one_below_costs():
    noise = runs("perturbation", NOISE)
    above = only(noise, runs("conv1x1", shifted(1, 1.2, 0.8, 1, 1)))
    below = only(noise, runs("conv3x3", shifted(-3, -3.2, -2.8, -3, -3)))
    assert (above.verdict, below.verdict) == (Verdict.ADDS, Verdict.COSTS)
    assert describe_comparison(above) == (
        "noise adds +1.0 [+0.8, +1.2] points over 1×1 at 0.36 M parameters (n = 5)."
    )
    assert describe_comparison(below).endswith(
        "over 3×3 at 0.36 M parameters (n = 5): it costs accuracy."
    )


def test_a_control_of_another_size_is_said_to_be_one():
    noise = runs("perturbation", NOISE)
    within = only(noise, runs("conv3x3", NOISE, params=367_000))
    beyond = only(noise, runs("conv3x3", NOISE, params=369_000))
    smaller = only(noise, runs("conv3x3", NOISE, params=349_200))
    assert "The control has" not in describe_comparison(within)
    assert describe_comparison(beyond).endswith("The control has 2.5% more parameters.")
    assert describe_comparison(smaller).endswith("The control has 3.0% fewer parameters.")


def test_seeds_that_agree_exactly_decide_nothing():
    comparison = only(
        runs("perturbation", NOISE[:3]), runs("conv1x1", [a - 0.25 for a in NOISE[:3]])
    )
    assert (comparison.difference.n, comparison.difference.half_width) == (3, 0)
    assert comparison.verdict is Verdict.UNDECIDED
    assert "no spread to take an interval from" in describe_comparison(comparison)


def test_one_seed_decides_nothing():
    comparison = only(runs("perturbation", [0.9]), runs("conv1x1", [0.5]))
    assert comparison.verdict is Verdict.UNDECIDED
    assert describe_comparison(comparison).endswith(
        "+40.0 points over 1×1 at 0.36 M parameters (n = 1): "
        "no difference can be told from fewer than 3 seeds."
    )


def test_a_failed_seed_leaves_its_pair_out_and_is_named():
    control = runs("conv1x1", NOISE)
    control[2] = run("conv1x1", 2, 0, state=RunState.FAILED, reason="out of memory")
    control[3] = run("conv1x1", 3, 0, state=RunState.RUNNING)
    comparison = only(runs("perturbation", NOISE), control)
    assert comparison.difference.n == 3
    assert describe_comparison(comparison).endswith(
        "Left out of 1×1: seed 2 failed (out of memory); seed 3 has not ended."
    )
    (_, result) = layer_results([*runs("perturbation", NOISE), *control])
    assert (result.test_accuracy.n, [r.seed for r in result.missing]) == (3, [2, 3])


def test_without_a_common_seed_nothing_is_told():
    comparison = only([run("perturbation", 0, 0.9)], [run("conv1x1", 1, 0.8)])
    assert (comparison.difference, comparison.verdict) == (None, Verdict.UNDECIDED)
    assert "not told, as no seed is complete in both" in describe_comparison(comparison)


def test_pairs_go_by_seed_and_not_by_order():
    noise = runs("perturbation", NOISE)
    control = runs("conv1x1", shifted(1, 1.2, 0.8, 1, 1))
    assert only(noise, control).difference == only(noise[::-1], control).difference


def test_every_control_of_every_trial_is_compared_and_other_trials_are_not():
    confirmed = [
        *runs("perturbation", NOISE, trial=3),
        *runs("local_binary", NOISE, trial=3),
        *runs("conv3x3", NOISE, trial=3),
        *runs("conv1x1", NOISE, trial=3),
        *runs("conv1x1", NOISE, trial=5),
    ]
    compared = [
        (c.perturbation.trial, c.control.layer) for c in compare_with_controls((), confirmed)
    ]
    assert compared == [(3, "conv1x1"), (3, "conv3x3"), (3, "local_binary")]


def test_masks_without_noise_are_not_called_noise():
    comparison = only(runs("perturbation", NOISE, level=0), runs("conv1x1", NOISE))
    assert describe_comparison(comparison).startswith("a perturbation layer of level 0 adds")


@pytest.mark.parametrize(("layer", "name"), [("perturbation", "perturbation"), ("conv3x3", "3×3")])
def test_whom_the_settings_favour_is_said(layer, name):
    comparison = only(runs("perturbation", NOISE), runs("conv3x3", NOISE), layer=layer)
    assert f"chosen for the {name} network" in describe_choice([comparison])
    assert "favours" in describe_choice([comparison])


def test_the_number_of_the_trial_stands_before_the_sentence():
    comparison = only(runs("perturbation", NOISE), runs("conv1x1", shifted(1, -0.2, 0.4, 0.8, 0)))
    assert describe_with_trial(comparison) == f"Trial 7: {describe_comparison(comparison)}"


def test_noise_in_both_first_layers_is_a_reservation():
    def described(**stem):
        return describe_comparison(
            only(runs("perturbation", NOISE, **stem), runs("conv1x1", NOISE, **stem))
        )

    said = "Both networks have noise in the first layer."
    assert described(stem="perturbation", stem_noise_level=0.1).endswith(said)
    assert said not in described(stem="perturbation", stem_noise_level=0.0)
    assert said not in described(stem="conv3x3")


def test_cautions_tell_what_else_differs_whom_it_favours_and_of_how_many_intervals():
    comparison = only(runs("perturbation", NOISE), runs("conv1x1", NOISE), layer="conv3x3")
    beyond_noise, choice, number = cautions([comparison] * 4)
    assert "a 1×1 has no ReLU" in beyond_noise
    assert "no batch normalisation" in beyond_noise
    assert "A trial with noise_level 0 keeps both" in beyond_noise
    assert choice == describe_choice([comparison])
    assert number.startswith("4 intervals of 95% each, not adjusted for their number")
    assert "about 0.2 of them would miss zero by chance" in number
    assert cautions([comparison])[2].startswith("1 interval of 95%")
    assert cautions([]) == ()


def test_means_are_of_complete_seeds_and_both_protocols():
    (result,) = layer_results(runs("perturbation", [0.8, 0.9]))
    assert result.test_accuracy.mean == pytest.approx(0.85)
    assert result.published_test_accuracy.mean == pytest.approx(0.87)


def test_a_layer_without_a_complete_seed_has_no_mean():
    (result,) = layer_results([run("conv1x1", 0, 0, state=RunState.FAILED)])
    assert (result.test_accuracy, result.published_test_accuracy) == (None, None)


@pytest.mark.parametrize(
    ("params", "text"), [(363_456, "0.363 M"), (11_173_962, "11.2 M"), (1906, "1.91 k")]
)
def test_sizes_have_three_digits(params, text):
    assert format_size(params) == text


def test_no_interval_is_counted_where_one_seed_gives_none():
    single = only(runs("perturbation", [0.8]), runs("conv1x1", [0.7]))
    assert not any("interval" in sentence for sentence in cautions([single]))
