import json
import math
import statistics
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboards.elements import theme
from dashboards.pictures.curves import CURVES, get_curves_figure, get_curves_info
from pnn_core.config import EpochResult
from pnn_core.parts import palette
from study.results.run_record import RunState

SETTINGS = settings(max_examples=40, deadline=None)


def epoch(number, accuracy, val_loss=1.0, train_loss=0.5):
    return EpochResult(
        epoch=number,
        train_loss=train_loss,
        val_loss=val_loss,
        val_accuracy=accuracy,
        train_seconds=1.0,
        val_seconds=0.1,
    )


def curve(*accuracies, **losses):
    return tuple(epoch(i, accuracy, **losses) for i, accuracy in enumerate(accuracies, start=1))


@pytest.fixture(scope="session")
def make_study(make_trial, study_of):
    """A study of trials given as replicates, or as replicates and a state."""

    def make(*trials, epochs=3, name="noise-1"):
        records = []
        for number, trial in enumerate(trials):
            replicates, state = trial if isinstance(trial, tuple) else (trial, RunState.COMPLETE)
            record = make_trial(number, state=state, params=1000 - number)
            records.append(replace(record, replicates=tuple(replicates)))
        return study_of(records, name, epochs=epochs)

    return make


def lines(figure):
    return [trace for trace in figure.data if trace.mode == "lines" and trace.fill is None]


def bands(figure):
    return [trace for trace in figure.data if trace.fill == "toself"]


def ends(figure):
    return {trace.name: trace for trace in figure.data if trace.mode == "markers+text"}


def test_a_small_study_gives_exactly_this_info(make_study):
    study = make_study(
        [curve(0.1, 0.4, 0.5)],
        [curve(0.2, 0.3, 0.9)],
        ([curve(0.1, 0.7)], RunState.RUNNING),
        ([curve(0.9)], RunState.PRUNED),
        ([], RunState.RUNNING),
    )
    info = get_curves_info(study)
    assert info.title == "Validation accuracy by epoch: noise-1"
    assert info.caption == (
        "digits, 5 trials (2 running, 2 complete, 1 stopped early), 3 epochs each, one seed per "
        "trial. Drawn: 2 trials of the front or running (1 running, 1 complete). "
        "1 trial without an epoch not drawn. "
        "One seed has no band: another seed's curve may lie elsewhere. "
        "The lighter a curve, the better its trial was last on validation images; the number at "
        "its end is the trial's. Grey, as far as they came: 1 trial stopped early. "
        "Dotted lines: the rungs, at which trials are compared. "
        "Trials are chosen by this figure, so that the best of many lies too high."
    )
    assert info.description == (
        "Line chart of validation accuracy over epochs. 2 curves; the last values lie between "
        "0.7000 (trial 2) and 0.9000 (trial 1)."
    )
    assert info.name == "val_accuracy"
    assert info.epochs == 3
    assert not info.instead
    best, running = info.curves
    assert best[:5] == (1, RunState.COMPLETE, 1, 0.9, 0)
    assert best[6:] == ((1, 2, 3), (0.2, 0.3, 0.9), (), ())
    assert running[:5] == (2, RunState.RUNNING, 1, 0.7, 1)
    assert running[6:] == ((1, 2), (0.1, 0.7), (), ())
    (stopped,) = info.stopped
    assert stopped[:5] == (3, RunState.PRUNED, 1, 0.9, 0)
    assert stopped[6:] == ((1,), (0.9,), (), ())
    assert info.rungs == (1,)


def test_a_selection_is_drawn_whatever_its_trials_state(make_study):
    study = make_study(
        [curve(0.9)], ([curve(0.5)], RunState.PRUNED), ([curve(0.4)], RunState.FAILED)
    )
    info = get_curves_info(study, selected=frozenset({1, 2, 77}))
    assert [(c.number, c.state) for c in info.curves] == [
        (1, RunState.PRUNED),
        (2, RunState.FAILED),
    ]
    assert (
        "Drawn: 2 trials selected (1 stopped early, 1 failed). 1 trial without an epoch"
        in info.caption
    )
    assert info.curves[0].hover.startswith("<b>trial 1</b> (stopped early)")
    assert info.stopped == ()


accuracies = st.lists(st.floats(0, 1), min_size=3, max_size=3)


@SETTINGS
@given(st.lists(accuracies, min_size=1, max_size=5))
def test_a_curve_is_the_mean_of_its_seeds_within_its_band(make_study, seeds):
    study = make_study([curve(*values) for values in seeds])
    (drawn,) = get_curves_info(study, selected=frozenset({0})).curves
    assert drawn.seeds == len(seeds)
    for i, values in enumerate(zip(*seeds, strict=True)):
        assert drawn.mean[i] == pytest.approx(statistics.fmean(values))
        if len(seeds) == 2:
            assert (drawn.low[i], drawn.high[i]) == (min(values), max(values))
        elif len(seeds) > 2:
            deviation = statistics.stdev(values)
            assert drawn.high[i] - drawn.mean[i] == pytest.approx(deviation, abs=1e-9)
            assert drawn.mean[i] - drawn.low[i] == pytest.approx(deviation, abs=1e-9)
    if len(seeds) == 1:
        assert drawn.low == drawn.high == ()


@pytest.mark.parametrize(
    ("seeds", "words"),
    [
        (1, "One seed has no band"),
        (2, "means of 2 seeds, bands reach from the lower to the higher."),
        (4, "means of 4 seeds, bands ±1 sample standard deviation"),
    ],
)
def test_the_caption_says_what_the_band_is(make_study, seeds, words):
    assert words in get_curves_info(make_study([curve(0.1, 0.2)] * seeds)).caption


@SETTINGS
@given(st.lists(st.floats(0, 1, allow_subnormal=False), min_size=1, max_size=30), st.integers(1, 8))
def test_of_too_many_trials_the_best_and_the_worst_and_some_between_are_drawn(
    make_study, final, limit
):
    study = make_study(*([curve(accuracy)] for accuracy in final))
    info = get_curves_info(study, selected=frozenset(range(len(final))), limit=limit)
    drawn = [c.final_accuracy for c in info.curves]
    assert len(drawn) == len({c.number for c in info.curves}) == min(limit, len(final))
    assert drawn == sorted(drawn, reverse=True)
    assert [c.rank for c in info.curves] == list(range(len(drawn)))
    assert drawn[0] == max(final)
    left_out = len(final) - len(drawn)
    if limit > 1:
        assert drawn[-1] == min(final)
    assert ("evenly spread by rank" in info.caption) == (left_out > 0)
    assert (f"; {left_out} left out." in info.caption) == (left_out > 0)


def test_all_trials_of_the_front_are_drawn_up_to_the_limit(make_study):
    # Each is larger and better than the next.
    study = make_study(*([curve(0.9 - i / 100)] for i in range(30)))
    info = get_curves_info(study)
    assert len(info.curves) == 24
    assert (info.curves[0].number, info.curves[-1].number) == (0, 29)


def test_epochs_without_finite_values_are_left_out_and_counted(make_study):
    study = make_study(
        [curve(0.1, math.nan, 0.5), curve(0.1, 0.2, 0.7)],
        [curve(math.inf, math.nan), curve(0.1, 0.2)],
    )
    info = get_curves_info(study, selected=frozenset({0, 1}))
    (drawn,) = info.curves
    assert drawn.epochs == (1, 3)
    assert drawn.mean == pytest.approx((0.1, 0.6))
    assert "3 epochs without finite values not drawn." in info.caption
    json.dumps(get_curves_figure(info).to_plotly_json(), default=str, allow_nan=False)


@pytest.mark.parametrize(
    ("trials", "selected", "instead"),
    [
        ((), None, "No trial has finished an epoch yet: its curve appears once it has."),
        (
            (([], RunState.RUNNING), ([], RunState.FAILED)),
            None,
            "No trial has finished an epoch yet: its curve appears once it has.",
        ),
        (
            (([curve(0.5)], RunState.FAILED),),
            None,
            "No trial is on the front or runs: choose trials to see their curves.",
        ),
        (([curve(0.5)],), frozenset(), "No trial is selected: choose trials to see their curves."),
        (([curve(0.5)],), frozenset({5}), "No selected trial has finished an epoch yet."),
        (
            ([curve(math.nan)],),
            frozenset({0}),
            "No epoch of these trials has a finite value.",
        ),
    ],
)
def test_without_a_curve_a_sentence_says_why(make_study, trials, selected, instead):
    info = get_curves_info(make_study(*trials), selected=selected)
    assert info.curves == ()
    assert info.instead == instead
    figure = CURVES.picture(info).figure
    assert not figure.data
    assert len(figure.layout.annotations) == 1
    assert {len(column) for column in CURVES.picture(info).data.values()} == {0}


@pytest.mark.parametrize("metric", ["val_loss", "train_loss"])
def test_losses_are_drawn_as_well(make_study, metric):
    study = make_study([curve(0.1, 0.2, val_loss=3.0, train_loss=2.0)])
    info = get_curves_info(study, metric=metric)
    assert info.curves[0].mean == {"val_loss": (3.0, 3.0), "train_loss": (2.0, 2.0)}[metric]
    assert get_curves_figure(info).layout.yaxis.title.text.endswith("loss (nats)")
    assert ("measured while the weights change" in info.caption) == (metric == "train_loss")
    assert "chosen by this figure" not in info.caption


@pytest.mark.parametrize(
    ("least", "is_log"), [(1.0, False), (0.1, False), (0.01, True), (0, False)]
)
def test_losses_over_two_decades_are_logarithmic(make_study, least, is_log):
    results = tuple(epoch(i, 0.5, val_loss=loss) for i, loss in ((1, 2.0), (2, least)))
    figure = get_curves_figure(get_curves_info(make_study([results]), metric="val_loss"))
    assert (figure.layout.yaxis.type == "log") == is_log


def test_accuracies_are_never_logarithmic(make_study):
    figure = get_curves_figure(get_curves_info(make_study([curve(0.001, 0.9)])))
    assert figure.layout.yaxis.type is None


def test_curves_differ_in_colour_and_in_dash(make_study):
    study = make_study(*([curve(0.1, 0.9 - i / 10)] for i in range(4)))
    drawn = {trace.name: trace.line for trace in lines(get_curves_figure(get_curves_info(study)))}
    assert [drawn[f"trial {i}"].dash for i in range(4)] == list(theme.DASHES[:4])
    # The best one is the lightest.
    greens = [int(drawn[f"trial {i}"].color[4:-1].split(",")[1]) for i in range(4)]
    assert greens == sorted(set(greens), reverse=True)


def test_bands_run_along_the_upper_and_back_along_the_lower_end(make_study):
    study = make_study([curve(0.1, 0.2), curve(0.3, 0.6)], [curve(0.1, 0.9)])
    figure = get_curves_figure(get_curves_info(study, selected=frozenset({0, 1})))
    (band,) = bands(figure)
    assert (band.x, band.y) == ((1, 2, 2, 1), (0.3, 0.6, 0.2, 0.1))
    assert band.hoverinfo == "skip"
    assert band.fillcolor.startswith("rgba(")


def test_the_band_of_a_single_epoch_is_seen(make_study):
    info = get_curves_info(make_study([curve(0.1), curve(0.3)], epochs=1))
    (band,) = bands(get_curves_figure(info))
    assert (band.x, band.y) == ((1, 1), (0.3, 0.1))
    assert band.line.width > 0
    assert band.line.color == band.fillcolor


def test_ends_tell_a_trials_state_by_symbol_and_its_number_by_text(make_study):
    study = make_study([curve(0.1, 0.2, 0.9)], ([curve(0.1, 0.5)], RunState.RUNNING))
    figure = get_curves_figure(get_curves_info(study))
    assert {name: (e.x, e.y, e.marker.symbol) for name, e in ends(figure).items()} == {
        "complete": ((3,), (0.9,), "circle"),
        "running": ((2,), (0.5,), "circle-open"),
    }
    assert [e.text[0].strip() for e in ends(figure).values()] == ["1", "0"]
    assert figure.layout.showlegend


def test_states_that_do_not_differ_need_no_legend(make_study):
    assert not get_curves_figure(get_curves_info(make_study([curve(0.1)]))).layout.showlegend


def test_numbers_that_would_cover_each_other_are_left_to_the_pointer(make_study):
    study = make_study([curve(0, 0.9)], [curve(0, 0.89)], [curve(0, 0.5)])
    figure = get_curves_figure(get_curves_info(study, selected=frozenset(range(3))))
    (end,) = ends(figure).values()
    assert [text.strip() for text in end.text] == ["2", "", "0"]


def test_the_pointer_reads_what_tells_a_trial_from_the_others(make_trial, make_study):
    study = make_study([curve(0.5)], [curve(0.6)])
    study.records[0].parameters["order"] = '<script>"%{x}'
    info = get_curves_info(study, selected=frozenset({0, 1}))
    worse = info.curves[1]
    assert worse.hover == '<b>trial 0</b><br>order: &lt;script&gt;"%{x}'
    line = next(t for t in lines(get_curves_figure(info)) if t.name == "trial 0")
    # As a value, in which Plotly looks for no variables.
    assert tuple(line.meta) == (worse.hover,)
    assert line.hovertemplate == (
        "%{meta[0]}<br>epoch %{x}: validation accuracy %{y:.4f}<extra></extra>"
    )


def test_the_axis_of_epochs_holds_the_budget_and_every_end(make_study):
    study = make_study([curve(0.1, 0.2)], epochs=50)
    low, high = get_curves_figure(get_curves_info(study)).layout.xaxis.range
    assert low < 1
    assert 50 < high < 60


def test_a_single_epoch_is_a_point(make_study):
    figure = get_curves_figure(get_curves_info(make_study([curve(0.5)], epochs=1)))
    assert [(e.x, e.y) for e in ends(figure).values()] == [((1,), (0.5,))]
    assert figure.layout.xaxis.dtick == 1


def test_the_data_holds_every_epoch_that_is_drawn(make_study):
    study = make_study([curve(0.1, 0.4), curve(0.3, 0.6)], [curve(0.2)])
    picture = CURVES.picture(get_curves_info(study, selected=frozenset({0, 1})))
    assert picture.name == "curves"
    data = {name: list(column) for name, column in picture.data.items()}
    assert data["trial"] == [0, 0, 1]
    assert data["state"] == ["complete"] * 3
    assert data["seeds"] == [2, 2, 1]
    assert data["epoch"] == [1, 2, 1]
    assert data["val_accuracy"] == pytest.approx([0.2, 0.5, 0.2])
    assert data["low"] == [0.1, 0.4, None]
    assert data["high"] == [0.3, 0.6, None]


def test_stopped_trials_are_grey_and_end_in_a_diamond_that_tells_why(make_study):
    study = make_study(
        [curve(0.1, 0.4, 0.5)],
        ([curve(0.9), curve(0.7)], RunState.PRUNED),
        ([curve(0.2, 0.3)], RunState.PRUNED),
        ([], RunState.PRUNED),
    )
    records = [
        replace(r, reason="stopped at epoch 1: <b>rank</b>" if r.number == 1 else "")
        for r in study.records
    ]
    info = get_curves_info(replace(study, records=tuple(records)))
    figure = get_curves_figure(info)
    grey, marks = figure.data[:2]
    assert (grey.x, grey.y) == ((1, None, 1, 2, None), (0.8, None, 0.2, 0.3, None))
    assert {grey.line.color, marks.marker.color} == {palette.GREY}
    assert (marks.name, marks.marker.symbol) == ("stopped early", "diamond")
    assert (marks.x, marks.y) == ((1, 2), (0.8, 0.3))
    first = marks.customdata[0][0]
    assert first.startswith(
        "<b>trial 1</b> (stopped early)<br>stopped at epoch 1: &lt;b&gt;rank&lt;/b&gt;"
    )
    assert figure.layout.showlegend
    assert CURVES.picture(info).data["trial"] == [0, 0, 0, 1, 2, 2]
    assert CURVES.picture(info).data["state"][3:] == ["pruned"] * 3


def test_a_faint_line_stands_at_each_rung(make_study):
    study = make_study([curve(0.1, 0.4, 0.5)], epochs=9)
    assert get_curves_info(study).rungs == ()
    assert not get_curves_figure(get_curves_info(study)).layout.shapes
    rungs = replace(study.info, scheduler="moasha", rungs=(1, 3), reduction_factor=3)
    info = get_curves_info(replace(study, info=rungs))
    assert "Dotted lines: the rungs" in info.caption
    assert [line.x0 for line in get_curves_figure(info).layout.shapes] == [1, 3]
    assert {line.layer for line in get_curves_figure(info).layout.shapes} == {"below"}


def test_of_too_many_stopped_trials_the_best_and_the_worst_are_drawn_and_all_counted(make_study):
    stopped = [([curve(n / 200)], RunState.PRUNED) for n in range(150)]
    info = get_curves_info(make_study([curve(0.5)], *stopped))
    assert len(info.stopped) == 100
    assert (info.stopped[0].number, info.stopped[-1].number) == (150, 1)
    assert "Grey, as far as they came: 100 of 150 trials stopped early." in info.caption
