import pytest

from dashboards.measures.protocol_inflation import inflation_means, inflation_points


def test_inflation_is_published_minus_correct_over_total_in_points(make_runs):
    runs = [
        *make_runs([0.8, 0.9, None], batch_size=10, inflation=0.05),
        *make_runs([0.8], layer="conv1x1", batch_size=80, inflation=0.02),
        *make_runs([0.7], trial=1, batch_size=10, inflation=-0.01),
    ]
    points = inflation_points(runs)
    assert [(run.trial, run.layer, run.seed, run.batch_size) for run in points] == [
        (0, "perturbation", 100, 10),
        (0, "perturbation", 101, 10),
        (0, "conv1x1", 100, 80),
        (1, "perturbation", 100, 10),
    ]
    assert [run.points for run in points] == pytest.approx([5, 5, 2, -1])


def test_means_are_those_of_a_batch_size_the_smallest_first(make_runs):
    runs = [
        *make_runs([0.8], batch_size=80, inflation=0.02),
        *make_runs([0.8, 0.9], batch_size=10, inflation=0.05),
        *make_runs([0.7], trial=1, batch_size=10, inflation=-0.01),
    ]
    means = inflation_means(inflation_points(runs))
    assert [(mean.batch_size, mean.n) for mean in means] == [(10, 3), (80, 1)]
    assert [mean.points for mean in means] == pytest.approx([3, 2])


def test_without_a_complete_run_there_is_nothing_to_mean(make_runs):
    assert inflation_points(make_runs([None])) == ()
    assert inflation_means(()) == ()
