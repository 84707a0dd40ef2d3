import math

import pytest

from dashboards.pictures.published_gap import (
    PUBLISHED_GAP,
    get_published_gap_figure,
    get_published_gap_info,
)
from pnn_core.config import ConfirmResult
from study.results.run_record import RunKey, RunRecord, RunState


def run(
    true,
    published,
    *,
    trial=0,
    layer="perturbation",
    seed=100,
    batch_size=10,
    state=RunState.COMPLETE,
):
    complete = state is RunState.COMPLETE
    return RunRecord(
        key=RunKey(trial, layer, seed),
        state=state,
        parameters={"batch_size": batch_size, "epochs": 12},
        size_difference=0.0,
        result=ConfirmResult(
            train_loss=0.1,
            test_accuracy=true,
            published_test_accuracy=published,
            train_seconds=60.0,
        )
        if complete
        else None,
    )


@pytest.fixture
def gap_of(confirmed_study):
    return lambda *runs: get_published_gap_info(confirmed_study(runs))


def markers(figure):
    return {trace.name: trace for trace in figure.data if trace.mode == "markers"}


def test_a_small_study_gives_exactly_this_info(gap_of):
    info = gap_of(
        run(0.75, 0.875),
        run(0.75, 0.8125, layer="conv1x1"),
        run(0.5, 0.4375, trial=3, batch_size=80),
        run(0, 0, seed=101, state=RunState.FAILED),
        run(0, 0, seed=102, state=RunState.RUNNING),
        run(math.nan, 0.5, seed=103),
    )
    assert info.title == "Test accuracy by the published protocol against the true one: masks"
    assert info.caption == (
        "cifar10, 12 epochs. "
        "Published minus true: +4.17 points in the mean of 3 runs (−6.25 to +12.50); by batch "
        "size 10: +9.38 (n = 2), 80: −6.25 (n = 1). "
        "3 confirmed runs of 2 trials. Not drawn: 1 running, 1 failed. "
        "1 complete run without finite accuracies not drawn. "
        "The published protocol smooths the accuracy over test batches and keeps the best epoch; "
        "the true one is correct over total after the last epoch. "
        "Runs of one trial are alike and all share the test images, so that the mean has no "
        "interval."
    )
    assert info.description == (
        "Scatter plot with the diagonal on which both are equal. Published minus true: +4.17 "
        "points in the mean of 3 runs (−6.25 to +12.50)."
    )
    assert [(*r[:4], r.points, r.true, r.published) for r in info.runs] == [
        (0, "perturbation", 100, 10, 12.5, 0.75, 0.875),
        (0, "conv1x1", 100, 10, 6.25, 0.75, 0.8125),
        (3, "perturbation", 100, 80, -6.25, 0.5, 0.4375),
    ]


def test_one_run_has_no_range_and_one_batch_size_no_list(gap_of):
    caption = gap_of(run(0.75, 0.875)).caption
    assert (
        " Published minus true: +12.50 points in the mean of 1 run. 1 confirmed run of 1 trial. "
        "The published protocol"
    ) in caption


def test_layers_differ_in_symbol_and_colour_and_unknown_ones_come_last(gap_of):
    layers = ("<b>new</b>", "local_binary", "conv3x3", "conv1x1", "perturbation")
    runs = [run(0.5 + i / 10, 0.6 + i / 10, layer=layer) for i, layer in enumerate(layers)]
    drawn = markers(get_published_gap_figure(gap_of(*runs)))
    assert list(drawn) == ["perturbation", "1×1", "3×3", "local binary", "&lt;b&gt;new&lt;/b&gt;"]
    assert len({trace.marker.symbol for trace in drawn.values()}) == 5
    assert len({trace.marker.color for trace in drawn.values()}) == 5
    assert (drawn["3×3"].x, drawn["3×3"].y) == ((0.7,), (0.8,))


def test_the_pointer_reads_which_run_it_is(gap_of):
    runs = (run(0.75, 0.875, trial=3, seed=7, layer="<i>", batch_size=40),)
    (trace,) = markers(get_published_gap_figure(gap_of(*runs))).values()
    assert trace.hovertext == (
        "<b>trial 3, &lt;i&gt;, seed 7</b><br>batch size 40<br>true 0.7500, published 0.8750"
        "<br>+12.50 points",
    )


@pytest.mark.parametrize("true", [[0.5], [0.5, 0.5], [0.2, 0.6, 0.9]])
def test_the_diagonal_passes_all_points(gap_of, true):
    runs = [run(accuracy, 0.9, seed=i) for i, accuracy in enumerate(true)]
    figure = get_published_gap_figure(gap_of(*runs))
    (diagonal,) = (trace for trace in figure.data if trace.mode == "lines")
    assert diagonal.x == diagonal.y
    assert diagonal.x[0] < min(true)
    assert max(true) < diagonal.x[1]
    assert figure.layout.xaxis.title.text == "True test accuracy (correct / total)"


@pytest.mark.parametrize("runs", [(), (run(0, 0, state=RunState.FAILED),)])
def test_without_a_complete_run_a_sentence_says_what_to_do(gap_of, runs):
    info = gap_of(*runs)
    assert info.runs == ()
    assert "--confirm" in info.instead
    figure = PUBLISHED_GAP.picture(info).figure
    assert not figure.data
    assert len(figure.layout.annotations) == 1


def test_the_data_holds_every_run(gap_of):
    info = gap_of(run(0.75, 0.875), run(0.5, 0.75, layer="conv1x1", batch_size=80))
    picture = PUBLISHED_GAP.picture(info)
    assert picture.name == "published-gap"
    assert picture.data == {
        "trial": [0, 0],
        "layer": ["perturbation", "conv1x1"],
        "seed": [100, 100],
        "batch_size": [10, 80],
        "test_accuracy": [0.75, 0.5],
        "published_test_accuracy": [0.875, 0.75],
        "inflation_points": [12.5, 25.0],
    }
