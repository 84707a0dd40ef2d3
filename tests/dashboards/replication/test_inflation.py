import pytest

from dashboards.replication.axes import batch_size_axis
from dashboards.replication.inflation import get_inflation_figure, get_inflation_info


def test_inflation_is_published_minus_correct_over_total_in_points(make_runs, make_study):
    study = make_study(
        make_runs([0.8, 0.9, None], batch_size=10, inflation=0.05),
        make_runs([0.8], layer="conv1x1", batch_size=10, inflation=0.02),
        make_runs([0.7], trial=1, batch_size=80, inflation=-0.01),
    )
    info = get_inflation_info(study)
    assert [(run.batch_size, run.layer) for run in info.runs] == [
        (10, "perturbation"),
        (10, "perturbation"),
        (10, "conv1x1"),
        (80, "perturbation"),
    ]
    assert [run.points for run in info.runs] == pytest.approx([5, 5, 2, -1])
    assert [(mean.batch_size, mean.n) for mean in info.means] == [(10, 3), (80, 1)]
    assert [mean.points for mean in info.means] == pytest.approx([4, -1])
    assert info.caption.startswith("cifar10, 12 epochs. Each dot is one of 4 runs")


def test_every_run_is_a_dot_and_every_batch_size_a_bar(make_runs, make_study):
    study = make_study(make_runs([0.8, 0.9]), make_runs([0.8], layer="conv3x3"))
    figure = get_inflation_figure(get_inflation_info(study))
    assert {trace.name: len(trace.x) for trace in figure.data} == {
        "perturbation": 2,
        "3×3": 1,
        "mean of all runs": 1,
    }


def test_ticks_are_batch_sizes_that_were_run_and_keep_their_distance():
    axis = batch_size_axis("", [10, 11, 40, 80, 640, 660])
    assert axis["tickvals"] == [10, 40, 80, 640]
