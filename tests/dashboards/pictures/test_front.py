import json
import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboards.elements import theme
from dashboards.elements.quantity import find_quantity, setting
from dashboards.elements.selection import FADED
from dashboards.pictures.front import FRONT, get_front_figure, get_front_info
from pnn_core.parts import palette
from study.results.run_record import RunKey, RunState
from study.results.statistics.confidence_intervals import mean_accuracy

EVIL = '"><img src=x onerror=alert(1)><script>'


def metric(name):
    return find_quantity(name, ())


@pytest.fixture
def small(make_trial, study_of):
    records = [
        make_trial(0, 0.5, 1000, noise_level=0.5),
        make_trial(1, 0.4, 2000, noise_level=1.0),
        make_trial(2, 0.9, 3000, noise_level=0.2),
        make_trial(3, 0.99, 10, state=RunState.PRUNED),
        make_trial(4, 0.99, 10, state=RunState.FAILED),
    ]
    return study_of(records, epochs=4)


@pytest.fixture
def confirmed(small, make_runs):
    """The same with two confirmed trials, one of them beside a control."""
    runs = [
        *make_runs([0.5, 0.52, 0.54], params=1000, mask_values=64),
        *make_runs([0.4, None, 0.44], params=1010, mask_values=0, layer="conv1x1"),
        *make_runs([0.6], trial=2, params=3000),
    ]
    return replace(small, confirmed=tuple(runs))


@pytest.fixture
def reported(small):
    """The same of a data set that others have reported of."""
    return replace(small, info=replace(small.info, dataset="cifar10"))


def markers(figure):
    """Marker traces by name."""
    return {trace.name: trace for trace in figure.data if trace.mode == "markers"}


def line(figure):
    return next((trace for trace in figure.data if trace.mode == "lines"), None)


def numbers(trace):
    return [row[0] for row in trace.customdata]


def test_a_small_study_gives_exactly_this_info(small):
    info = get_front_info(small)
    assert info.title == "Validation accuracy against learnable parameters: noise-1"
    assert info.caption == (
        "digits, 5 trials (3 complete, 1 stopped early, 1 failed), 4 epochs each, one seed per "
        "trial. The best of many validation accuracies is biased upwards. So few (3) tell little "
        "of the search space. Chosen on validation data; the test set was not read."
    )
    assert info.description == (
        "Scatter plot of 3 complete trials: learnable parameters 1,000 to 3,000, validation "
        "accuracy 0.4000 to 0.9000. 2 on the front: trial 0 (learnable parameters 1,000, "
        "validation accuracy 0.5000) to trial 2 (learnable parameters 3,000, validation accuracy "
        "0.9000)."
    )
    trials = info.trials
    assert (info.x.name, info.y.name) == ("learnable_params", "val_accuracy")
    assert trials.colour.name == "noise_level"
    assert [p[:3] for p in trials.off_front] == [(1, (2000, 0.4), 1.0)]
    assert [p[:3] for p in trials.front] == [(0, (1000, 0.5), 0.5), (2, (3000, 0.9), 0.2)]
    assert (info.has_line, info.log_x, info.log_y) == (True, True, False)
    assert (info.note, info.confirmed, info.reported, trials.selected) == ("", (), (), None)


@settings(max_examples=40, deadline=None)  # a loaded machine is no failure
@given(
    st.lists(
        st.tuples(
            st.integers(0, 4),
            st.integers(1, 4),
            st.just(RunState.COMPLETE) | st.sampled_from(RunState),
            st.sampled_from([0.0, 0.01, 0.2, None, "odd"]),
        ),
        max_size=12,
    ),
    st.sampled_from(["val_accuracy,learnable_params", "val_loss,macs", "learnable_params"]),
)
def test_every_complete_trial_is_drawn_once(make_trial, study_of, rows, objectives):
    records = [
        make_trial(number, accuracy / 4, params, state=state, noise_level=noise)
        for number, (accuracy, params, state, noise) in enumerate(rows)
    ]
    figure = get_front_figure(get_front_info(study_of(records, objectives=objectives)))
    groups = [t for t in figure.data if t.mode == "markers" and t.name != "front"]
    drawn = sorted(number for trace in groups for number in numbers(trace))
    assert drawn == [r.number for r in records if r.state is RunState.COMPLETE]
    figure.to_json()


@pytest.mark.parametrize(
    ("objectives", "x", "y", "has_line"),
    [
        ("val_accuracy,macs", "macs", "val_accuracy", True),
        ("val_accuracy", "learnable_params", "val_accuracy", False),
        ("learnable_params", "val_accuracy", "learnable_params", False),
        ("val_accuracy,macs,val_loss", "macs", "val_accuracy", False),
    ],
)
def test_two_metrics_are_drawn_whatever_the_number_of_objectives(
    make_trial, study_of, objectives, x, y, has_line
):
    info = get_front_info(study_of([make_trial(0)], objectives=objectives))
    assert (info.x.name, info.y.name, info.has_line) == (x, y, has_line)


def test_swapped_objectives_keep_the_line_and_other_axes_lose_it(small):
    swapped = get_front_info(small, x=metric("val_accuracy"), y=metric("learnable_params"))
    assert [p.number for p in swapped.trials.front] == [2, 0]
    assert line(get_front_figure(swapped)) is not None
    other = get_front_info(small, x=metric("macs"))
    assert not other.has_line
    assert line(get_front_figure(other)) is None
    # The front is still that of the objectives.
    assert [p.number for p in other.trials.front] == [0, 2]


def test_the_step_line_passes_through_the_front_and_keeps_the_last_value(small):
    steps = line(get_front_figure(get_front_info(small)))
    assert (list(steps.x), list(steps.y)) == ([1000, 3000], [0.5, 0.9])
    # Horizontal first: until the next trial fits the budget, the last one is the best.
    assert steps.line.shape == "hv"


def test_the_front_is_told_by_its_shape(small):
    traces = markers(get_front_figure(get_front_info(small)))
    ring = traces["front"].marker
    assert (ring.symbol, ring.color) == ("diamond-open", palette.VERMILION)
    assert ring.size > traces["trials"].marker.size
    assert traces["trials"].marker.symbol == "circle"
    assert numbers(traces["front"]) == [0, 2]


def test_the_scale_is_explained_by_one_bar_of_true_values(small):
    figure = get_front_figure(get_front_info(small))
    (bar,) = [t.marker.colorbar for t in figure.data if t.marker.showscale]
    assert bar.ticktext == ("0.2", "0.5", "1")
    assert bar.title.text == "Noise level ℓ (half-range of the masks)"


def test_names_take_an_entry_of_the_legend_each_and_are_escaped(make_trial, study_of):
    names = ("conv1x1", EVIL, "conv1x1")
    records = [make_trial(i, 0.1 * i, layer=n) for i, n in enumerate(names)]
    records.append(make_trial(3, 0.4))
    del records[3].parameters["layer"]
    info = get_front_info(study_of(records), colour=setting("layer"))
    assert info.caption.endswith(" Colours and symbols: spatial layer.")
    traces = markers(get_front_figure(info))
    assert list(traces) == ['"&gt;&lt;img src=x onerror=al…', "conv1x1", "none", "front"]
    assert numbers(traces["conv1x1"]) == [0, 2]
    assert numbers(traces["none"]) == [3]


def test_selected_trials_are_full_and_the_others_faded(small):
    info = get_front_info(small, selected=frozenset({1, 2}))
    assert info.caption.endswith(" 2 trials selected, the others faded.")
    traces = markers(get_front_figure(info))
    for name, expected in (("trials", {1, 2}), ("front", {2})):
        trace = traces[name]
        assert {numbers(trace)[i] for i in trace.selectedpoints} == expected
        assert trace.unselected.marker.opacity == FADED


def test_nothing_selected_fades_all_and_no_selection_none(small):
    nothing = markers(get_front_figure(get_front_info(small, selected=frozenset())))
    assert all(trace.selectedpoints == () for trace in nothing.values())
    everything = markers(get_front_figure(get_front_info(small)))
    assert all(trace.selectedpoints is None for trace in everything.values())


def test_the_kind_of_an_axis_can_be_chosen(small):
    layout = get_front_figure(get_front_info(small, log_x=False, log_y=True)).layout
    assert (layout.xaxis.type, layout.yaxis.type) == (None, "log")
    assert layout.yaxis.title.text == "Validation accuracy (correct / total)"


def test_a_value_of_zero_keeps_the_axis_linear(make_trial, study_of):
    info = get_front_info(study_of([make_trial(0, params=0), make_trial(1)]), log_x=True)
    assert not info.log_x
    assert get_front_figure(info).layout.xaxis.type is None


def test_a_setting_with_names_makes_an_axis_of_escaped_names(make_trial, study_of):
    records = [make_trial(i, 0.1 * i, layer=n) for i, n in enumerate(("conv3x3", "<b>", "conv3x3"))]
    info = get_front_info(study_of(records), x=setting("layer"), colour=metric("val_accuracy"))
    figure = get_front_figure(info)
    assert figure.layout.xaxis.type == "category"
    trace = markers(figure)["trials"]
    assert dict(zip(numbers(trace), trace.x, strict=True)) == {
        0: "conv3x3",
        1: "&lt;b&gt;",
        2: "conv3x3",
    }


@pytest.mark.parametrize(
    ("states", "text"),
    [
        ([], "No trials yet: they appear as they complete."),
        (["failed", "failed"], "No trial completed: Progress tells why."),
        (["running"], "No trial has completed its full budget yet."),
    ],
)
def test_a_study_without_complete_trials_says_so_in_the_picture(make_trial, study_of, states, text):
    records = [make_trial(i, state=RunState(s)) for i, s in enumerate(states)]
    figure = get_front_figure(get_front_info(study_of(records)))
    assert [a.text.replace("<br>", " ") for a in figure.layout.annotations] == [text]
    assert not markers(figure)


def test_a_complete_trial_needs_no_such_note(make_trial, study_of):
    assert not get_front_figure(get_front_info(study_of([make_trial(0)]))).layout.annotations


def test_confirmed_accuracies_stand_beside_the_trials_with_their_intervals(confirmed):
    info = get_front_info(confirmed)
    first, second = mean_accuracy([0.5, 0.52, 0.54]), mean_accuracy([0.4, 0.44])
    assert info.confirmed[:2] == (
        (0, "perturbation", 1000, first, "perturbation", "accuracy"),
        (0, "conv1x1", 1010, second, "1×1", "accuracy"),
    )
    assert (
        "Above, trials as chosen on validation data; below, test accuracy of those confirmed and "
        "of their controls, means over fresh seeds (n = 1 or 2 or 3) with 95% t intervals. Fewer "
        "than 3 seeds have no interval."
    ) in info.caption
    figure = get_front_figure(info)
    traces = markers(figure)
    noise, control = traces["test: perturbation"], traces["test: 1×1"]
    assert (list(noise.y), numbers(noise)) == ([first.mean, 0.6], [0, 2])
    assert noise.error_y.array[0] == pytest.approx(first.half_width)
    assert (list(control.y), math.isnan(control.error_y.array[0])) == ([second.mean], True)
    assert {noise.yaxis, control.yaxis} == {"y2"}
    assert figure.layout.yaxis.title.text == "Validation accuracy (correct / total)"
    assert figure.layout.yaxis2.title.text == "Test accuracy (correct / total)"


@pytest.mark.parametrize("log_x", [True, False])
def test_every_layer_stands_at_its_size(confirmed, log_x):
    traces = markers(get_front_figure(get_front_info(confirmed, log_x=log_x)))
    assert list(traces["test: perturbation"].x) == [1000, 3000]
    assert list(traces["test: 1×1"].x) == [1010]


def test_the_scale_is_that_of_the_points_whatever_their_bars_reach(small, make_runs):
    study = replace(small, confirmed=tuple(make_runs([0.90, 0.92, 0.97], params=1000)))
    low, high = get_front_figure(get_front_info(study)).layout.yaxis2.range
    assert 0.9 < low < 0.93 < high < 0.95


def test_a_control_without_masks_stands_at_zero_mask_values(confirmed):
    info = get_front_info(confirmed, x=metric("mask_values"))
    assert [point.x for point in info.confirmed] == [64, 0, 1]
    assert not info.log_x


@pytest.mark.parametrize("axes", [{"x": "train_seconds"}, {"y": "val_loss"}])
def test_test_accuracy_is_drawn_against_costs_on_the_axis_of_accuracy_alone(confirmed, axes):
    info = get_front_info(confirmed, **{axis: metric(name) for axis, name in axes.items()})
    assert info.confirmed == ()
    assert "the test set was not read" not in info.caption


def test_unselected_confirmed_points_fade(confirmed):
    info = get_front_info(confirmed, selected=frozenset({2}))
    full, faded = (t for t in get_front_figure(info).data if t.name == "test: perturbation")
    assert (numbers(full), full.opacity) == ([2], 1)
    assert (numbers(faded), faded.opacity) == ([0], FADED)


def test_reported_figures_of_the_data_set_stand_beside_and_can_be_left_out(small, reported):
    info = get_front_info(reported)
    assert len(info.reported) > 6
    assert f"Hollow: {len(info.reported)} figures reported by others" in info.caption
    traces = [t for t in get_front_figure(info).data if t.name == "reported"]
    assert sum(len(t.x) for t in traces) == len(info.reported)
    assert get_front_info(reported, x=metric("macs")).reported == ()
    assert get_front_info(reported, y=metric("val_loss")).reported == ()
    assert get_front_info(small).reported == ()


def test_reported_figures_of_no_known_size_are_lines_along_the_sizes_of_the_study(small, study_of):
    study = replace(small, info=replace(small.info, dataset="imagenet100"))
    info = get_front_info(study)
    assert (len(info.levels), info.reported) == (6, ())
    assert "6 figures reported by others, of networks whose size is not known here" in info.caption
    lines = [trace for trace in get_front_figure(info).data if trace.name == "reported"]
    assert [trace.y[0] for trace in lines] == [level.value for level in info.levels]
    assert {trace.yaxis for trace in lines} == {"y2"}
    picture = FRONT.picture(info).data
    assert picture["test_accuracy"][3:] == [level.value for level in info.levels]
    assert picture["learnable_params"][3:] == [None] * 6
    assert get_front_info(study, x=metric("macs")).levels == ()
    assert get_front_info(study, y=metric("val_loss")).levels == ()
    none = get_front_info(study_of([], dataset="imagenet100"))
    assert none.levels == ()
    assert none.note
    assert [trace for trace in get_front_figure(none).data if trace.name == "reported"] == []


def test_reported_figures_are_drawn_before_the_first_trial_completes(study_of):
    info = get_front_info(study_of([], dataset="cifar10"))
    assert info.note == ""
    assert {t.name for t in get_front_figure(info).data if t.mode == "markers"} == {"reported"}


def test_the_picture_carries_what_is_drawn(small, make_runs):
    study = replace(small, confirmed=tuple(make_runs([0.5, 0.6, 0.5], params=1000)))
    picture = FRONT.picture(get_front_info(study))
    estimate = mean_accuracy([0.5, 0.6, 0.5])
    assert picture.name == "front"
    assert dict(picture.data) == {
        "kind": ["trial", "front", "front", "test"],
        "trial": [1, 0, 2, 0],
        "noise_level": [1.0, 0.5, 0.2, None],
        "val_accuracy": [0.4, 0.5, 0.9, None],
        "learnable_params": [2000, 1000, 3000, 1000],
        "test_accuracy": [None, None, None, estimate.mean],
        "interval_low": [None, None, None, estimate.interval[0]],
        "interval_high": [None, None, None, estimate.interval[1]],
        "seeds": [None, None, None, 3],
        "tested_layer": [None, None, None, "perturbation"],
    }


def test_the_columns_of_the_picture_are_alike_with_and_without_points_beside(small, reported):
    without, beside = (FRONT.picture(get_front_info(study)).data for study in (small, reported))
    figures = get_front_info(reported).reported
    assert [*without] == [*beside]
    assert without["test_accuracy"] == [None] * 3
    assert beside["trial"] == [1, 0, 2, *[None] * len(figures)]
    assert beside["test_accuracy"][3:] == [figure.accuracy for figure in figures]
    assert beside["learnable_params"][3:] == [figure.learnable_params for figure in figures]
    assert {len(column) for column in beside.values()} == {3 + len(figures)}
    other = FRONT.picture(get_front_info(reported, x=metric("macs"))).data
    assert "learnable_params" not in other


def test_ten_thousand_trials_are_drawn_by_the_graphics_card(make_trial, study_of):
    record = make_trial(0)
    records = [replace(record, key=RunKey(i)) for i in range(theme.MANY_POINTS + 1)]
    figure = get_front_figure(get_front_info(study_of(records)))
    assert "scattergl" in {trace.type for trace in figure.data}
    small = get_front_figure(get_front_info(study_of(records[:10])))
    assert {trace.type for trace in small.data} == {"scatter"}


def test_no_trace_names_ink_or_paper(confirmed, reported):
    study = replace(reported, confirmed=confirmed.confirmed)
    traces = json.loads(get_front_figure(get_front_info(study)).to_json())["data"]
    for colour in ("#222", "#fff", "white", "black", "#161a1f", "#e8e8e8"):
        assert f'"{colour}' not in json.dumps(traces)
