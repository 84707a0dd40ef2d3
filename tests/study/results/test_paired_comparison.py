from dataclasses import replace

import numpy as np
import pytest

from study.results.paired_comparison import Standing, added_seeds, compare
from study.results.statistics.confidence_intervals import paired_difference
from study.results.statistics.seeds_and_images import mean_over_seeds_and_images
from study.results.statistics.verdicts import Question, Verdict, decide

NOISE = (0.805, 0.801, 0.806, 0.803, 0.800)


def shifted(*points):
    return [accuracy - point / 100 for accuracy, point in zip(NOISE, points, strict=True)]


BETTER, WORSE = shifted(1, 1.2, 0.8, 1, 1), shifted(-3, -3.2, -2.8, -3, -3)
UNCLEAR = shifted(1, -0.2, 0.4, 0.8, 0)


def only(study):
    (comparison,) = compare(study)
    return comparison


@pytest.mark.parametrize(
    ("control", "verdict"),
    [(BETTER, Verdict.BETTER), (WORSE, Verdict.WORSE), (UNCLEAR, Verdict.UNDECIDED)],
)
def test_an_interval_on_one_side_of_zero_tells_the_better(runs, confirmed, control, verdict):
    comparison = only(confirmed(runs("perturbation", NOISE), runs("conv1x1", control)))
    assert comparison.verdict is verdict
    assert (comparison.standing, comparison.names) == (Standing.CONTROL, ("perturbation", "1×1"))


@pytest.mark.parametrize(("seeds", "verdict"), [(2, None), (3, Verdict.UNDECIDED)])
def test_too_few_seeds_and_seeds_that_agree_exactly_decide_nothing(runs, confirmed, seeds, verdict):
    control = [accuracy - 0.25 for accuracy in NOISE[:seeds]]
    comparison = only(confirmed(runs("perturbation", NOISE[:seeds]), runs("conv1x1", control)))
    assert comparison.difference.n == seeds
    assert comparison.verdict is verdict


def test_a_failed_seed_leaves_its_pair_out(runs, confirmed):
    control = [*BETTER]
    control[2], control[3] = None, ...
    comparison = only(confirmed(runs("perturbation", NOISE), runs("conv1x1", control)))
    assert comparison.difference.n == 3


def test_without_a_common_seed_nothing_is_told(runs, confirmed):
    comparison = only(confirmed(runs("perturbation", [0.9]), runs("conv1x1", [0.8], first_seed=1)))
    assert (comparison.difference, comparison.verdict) == (None, None)


def test_pairs_go_by_seed_and_not_by_order(runs, confirmed):
    noise, control = runs("perturbation", NOISE), runs("conv1x1", BETTER)
    expected = only(confirmed(noise, control)).difference
    assert only(confirmed(noise[::-1], control)).difference == expected


def test_every_control_of_every_trial_is_compared_and_other_trials_are_not(runs, confirmed):
    study = confirmed(
        runs("perturbation", NOISE, trial=3),
        runs("local_binary", NOISE, trial=3),
        runs("conv3x3", NOISE, trial=3),
        runs("conv1x1", NOISE, trial=3),
        runs("conv1x1", NOISE, trial=5),
    )
    compared = [(c.first.trial, c.second.layer) for c in compare(study)]
    assert compared == [(3, "conv1x1"), (3, "conv3x3"), (3, "local_binary")]


def test_verdicts_are_adjusted_for_all_comparisons_of_the_study(runs, confirmed):
    borderline = shifted(0.2, 0.8, 0.4, 0.9, 0.1)
    groups = [runs("perturbation", NOISE), runs("conv1x1", borderline)]
    assert only(confirmed(*groups)).verdict is Verdict.BETTER
    comparisons = compare(confirmed(*groups, runs("conv3x3", UNCLEAR)))
    assert [c.verdict for c in comparisons] == [Verdict.UNDECIDED] * 2
    questions = [Question(difference=c.difference, every_seed=c.difference) for c in comparisons]
    assert tuple(c.decision for c in comparisons) == decide(questions)


def test_a_collapse_widens_the_mean_and_leaves_the_verdict_to_the_other_seeds(runs, confirmed):
    noise = [*NOISE, 0.802]
    control = [*BETTER, 0.60]
    comparison = only(confirmed(runs("perturbation", noise), runs("conv1x1", control)))
    assert comparison.second.collapsed == {5}
    assert comparison.difference.n == 6
    low, high = comparison.difference.interval
    assert low < 0 < high
    assert comparison.without_collapses == paired_difference(
        dict(enumerate(NOISE)), dict(enumerate(BETTER))
    )
    assert comparison.verdict is Verdict.BETTER


def test_a_collapse_that_turns_the_mean_leaves_nothing_decided(runs, confirmed):
    noise, control = [*NOISE, 0.60], [*BETTER, 0.802]
    comparison = only(confirmed(runs("perturbation", noise), runs("conv1x1", control)))
    assert comparison.difference.mean < 0 < comparison.without_collapses.mean
    assert comparison.verdict is Verdict.UNDECIDED


def test_seeds_that_were_added_later_are_exploratory_and_change_no_verdict(runs, confirmed):
    noise, control = runs("perturbation", NOISE), runs("conv1x1", BETTER)
    fixed = {"confirm_beforehand": 3, "first_fresh_seed": 0}
    study = confirmed(noise, control, **fixed)
    comparison, before = only(study), only(confirmed(noise[:3], control[:3], **fixed))
    assert added_seeds(study) == 2
    assert (comparison.difference, comparison.decision) == (before.difference, before.decision)
    assert before.exploratory is None
    assert comparison.exploratory == paired_difference(
        dict(enumerate(NOISE)), dict(enumerate(BETTER))
    )


def with_images(runs, right):
    """The same runs, of which it is known which images were right. Shape: `[seeds, images]`."""
    return [
        replace(
            run,
            result=replace(
                run.result, test_images=len(row), correct_images=np.packbits(row).tobytes()
            ),
        )
        for run, row in zip(runs, right, strict=True)
    ]


def test_an_interval_for_other_images_is_that_of_the_differences_of_each_image(runs, confirmed):
    random = np.random.default_rng(0)
    ours, theirs = random.integers(0, 2, (2, 5, 20)).astype(np.int8)
    noise = with_images(runs("perturbation", ours.mean(1)), ours)
    control = with_images(runs("conv1x1", theirs.mean(1)), theirs)
    comparison = only(confirmed(noise, control))
    assert comparison.over_images == mean_over_seeds_and_images([*(ours - theirs)])
    assert comparison.over_images.mean == pytest.approx(comparison.difference.mean)
    few = only(confirmed([*noise[:2], *runs("perturbation", NOISE)[2:]], control))
    assert few.over_images is None


def moved(runs, losses):
    return [
        replace(
            run, result=replace(run.result, moved_test_accuracy=run.result.test_accuracy - lost)
        )
        for run, lost in zip(runs, losses, strict=True)
    ]


def test_what_the_first_loses_more_on_moved_images_is_paired(runs, confirmed):
    noise = moved(runs("perturbation", NOISE), (0.08, 0.07, 0.06, 0.07, 0.07))
    control = moved(runs("noise_off", NOISE), (0.04, 0.03, 0.04, 0.03, 0.03))
    expected = paired_difference(
        dict(enumerate((0.04, 0.04, 0.02, 0.04, 0.04))), dict.fromkeys(range(5), 0.0)
    )
    found = only(confirmed(noise, control)).moved_more
    assert found.mean == pytest.approx(expected.mean)
    assert found.half_width == pytest.approx(expected.half_width)
    assert only(confirmed(noise, runs("noise_off", NOISE))).moved_more is None
