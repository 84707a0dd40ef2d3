from dataclasses import replace

import pytest

from study.results.layer_result import describe_missing, layer_results


def test_means_are_of_complete_seeds_and_both_protocols(runs):
    (result,) = layer_results(runs("perturbation", [0.8, 0.9, None]))
    assert result.test_accuracy.mean == pytest.approx(0.85)
    assert result.published_test_accuracy.mean == pytest.approx(0.87)


def test_a_layer_without_a_complete_seed_has_no_mean(runs):
    (result,) = layer_results(runs("conv1x1", [None]))
    assert (result.test_accuracy, result.published_test_accuracy) == (None, None)


def test_an_interval_stays_within_what_accuracies_can_be(runs):
    (result,) = layer_results(runs("conv1x1", [1.0, 0.9, 1.0]))
    assert result.test_accuracy.interval[1] == 1


def test_seeds_without_a_result_are_named_with_their_reason(runs):
    (result,) = layer_results(runs("conv1x1", [0.9, None, ...]))
    assert [run.seed for run in result.missing] == [1, 2]
    assert describe_missing(result.missing) == "seed 1 failed (out of memory); seed 2 has not ended"


def test_failed_seeds_count_as_collapsed_and_those_that_run_do_not(runs):
    (result,) = layer_results(runs("conv1x1", [0.9, 0.91, 0.7, None, ...]))
    assert (result.collapsed, result.collapses, result.ended) == ({2}, 2, 4)


def test_trials_and_layers_are_in_order_and_so_are_seeds(runs):
    results = layer_results(
        [
            *runs("conv3x3", [0.5], trial=5),
            *runs("unknown", [0.5], trial=3),
            *runs("conv1x1", [0.5], trial=3),
            *runs("perturbation", [0.5, 0.6], trial=3)[::-1],
        ]
    )
    assert [(r.trial, r.layer) for r in results] == [
        (3, "perturbation"),
        (3, "conv1x1"),
        (3, "unknown"),
        (5, "conv3x3"),
    ]
    assert [*results[0].test_accuracies] == [0, 1]
    assert [result.name for result in results[1:3]] == ["1×1", "unknown"]


def test_some_seeds_can_be_taken(runs):
    (result,) = layer_results(runs("conv1x1", [0.5, 0.6, 0.7]))
    assert result.of_seeds(lambda seed: seed < 2).test_accuracies == {0: 0.5, 1: 0.6}
    assert result.of_seeds(lambda seed: seed > 2) is None


def test_what_is_lost_on_moved_images_is_a_mean_over_the_seeds_that_recorded_it(runs):
    found = runs("perturbation", [0.9, 0.8, 0.7, 0.6])
    found[:3] = [
        replace(run, result=replace(run.result, moved_test_accuracy=0.5)) for run in found[:3]
    ]
    (result,) = layer_results(found)
    assert result.moved_drops == pytest.approx({0: 0.4, 1: 0.3, 2: 0.2})
    assert result.moved_drop.mean == pytest.approx(0.3)
    (unrecorded,) = layer_results(found[3:])
    assert unrecorded.moved_drop is None
