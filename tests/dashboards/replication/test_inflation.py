from dashboards.replication.inflation import get_inflation_figure, get_inflation_info


def test_the_caption_counts_the_runs_at_their_budget(make_runs, confirmed_study):
    info = get_inflation_info(confirmed_study(make_runs([0.8, None]), make_runs([0.7], trial=1)))
    assert info.caption.startswith("cifar10, 12 epochs. Each dot is one of 2 runs")
    assert [(mean.batch_size, mean.n) for mean in info.means] == [(10, 2)]


def test_every_run_is_a_dot_and_every_batch_size_a_bar(make_runs, confirmed_study):
    study = confirmed_study(make_runs([0.8, 0.9]), make_runs([0.8], layer="conv3x3"))
    figure = get_inflation_figure(get_inflation_info(study))
    assert {trace.name: len(trace.x) for trace in figure.data} == {
        "perturbation": 2,
        "3×3": 1,
        "mean of all runs": 1,
    }
