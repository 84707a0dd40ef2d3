import json
import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboards.pictures import look
from dashboards.pictures.front import (
    FADED,
    get_front_figure,
    get_front_info,
    get_front_picture,
)
from dashboards.pictures.quantity import find_quantity, setting
from pnn_core.config import ConfirmResult, Costs
from study.results.confirmed_run import ConfirmedRun
from study.results.intervals import mean_with_interval
from study.results.mlflow.loaded_study import LoadedStudy
from study.results.objective import OBJECTIVES, parse_objectives
from study.results.pareto import front
from study.results.record import TrialState
from study.results.study_info import StudyInfo

SETTINGS = settings(max_examples=40, deadline=None)  # a loaded machine is no failure
EVIL = '"><img src=x onerror=alert(1)><script>'

rows = st.lists(
    st.tuples(
        st.integers(0, 4),
        st.integers(1, 4),
        st.integers(1, 4),
        st.just(TrialState.COMPLETE) | st.sampled_from(TrialState),
        st.sampled_from([0.0, 0.01, 0.2, 5.0]),
    ),
    max_size=12,
)
objective_sets = st.sampled_from(
    [
        "val_accuracy,learnable_params",
        "learnable_params,val_accuracy",
        "val_loss,val_accuracy",
        "val_accuracy",
        "learnable_params",
        "val_accuracy,learnable_params,macs",
        ",".join(OBJECTIVES),
    ]
)


def study_of(records, objectives="val_accuracy,learnable_params", confirmed=(), **changes):
    info = StudyInfo(
        name="masks-1",
        study_id="0" * 32,
        space="masks",
        dataset="digits",
        seed=0,
        trials=len(records),
        epochs=4,
        replicates=1,
        confirm=0,
        sampler="tpe",
        scheduler="fifo",
        objectives=parse_objectives(objectives),
        git_commit="",
        versions={},
    )
    return LoadedStudy(
        info=replace(info, **changes),
        records=tuple(records),
        confirmed=tuple(confirmed),
        undecodable=(),
    )


def metric(name):
    return find_quantity(name, ())


@pytest.fixture(scope="session")
def make_trials(make_trial):
    def make(rows):
        return [
            make_trial(number, accuracy / 4, params, macs=macs, state=state, noise_level=noise)
            for number, (accuracy, params, macs, state, noise) in enumerate(rows)
        ]

    return make


@pytest.fixture
def small(make_trial):
    return study_of(
        [
            make_trial(0, 0.5, 1000, noise_level=0.5),
            make_trial(1, 0.4, 2000, noise_level=1.0),
            make_trial(2, 0.9, 3000, noise_level=0.2),
            make_trial(3, 0.99, 10, state=TrialState.PRUNED),
            make_trial(4, 0.99, 10, state=TrialState.FAILED),
        ]
    )


def runs(accuracies, *, trial=0, layer="perturbation", params=1000, mask_values=64):
    """A confirmation run for each seed; None is one that failed."""
    return [
        ConfirmedRun(
            trial=trial,
            layer=layer,
            seed=seed,
            state=TrialState.FAILED if accuracy is None else TrialState.COMPLETE,
            parameters={},
            size_difference=0.0,
            costs=Costs(learnable_params=params, mask_values=mask_values, macs=5000),
            result=None
            if accuracy is None
            else ConfirmResult(
                train_loss=0.1,
                test_accuracy=accuracy,
                published_test_accuracy=0.99,
                train_seconds=1.0,
            ),
        )
        for seed, accuracy in enumerate(accuracies)
    ]


def markers(figure):
    """Marker traces by name."""
    return {trace.name: trace for trace in figure.data if trace.mode == "markers"}


def line(figure):
    return next((trace for trace in figure.data if trace.mode == "lines"), None)


def numbers(trace):
    return [row[0] for row in trace.customdata]


def test_a_small_study_gives_exactly_this_info(small):
    info = get_front_info(small)
    assert info.title == "Validation accuracy against learnable parameters: masks-1"
    assert info.caption == (
        "digits, 5 trials (3 complete, 1 pruned, 1 failed), 4 epochs each, one seed per trial. "
        "The best of many validation accuracies is biased upwards. So few (3) tell little of the "
        "search space. Chosen on validation data; the test set was not read."
    )
    assert info.description == (
        "Scatter plot of 3 complete trials: learnable parameters 1,000 to 3,000, validation "
        "accuracy 0.4000 to 0.9000. 2 on the front: trial 0 (learnable parameters 1,000, "
        "validation accuracy 0.5000) to trial 2 (learnable parameters 3,000, validation accuracy "
        "0.9000)."
    )
    assert (info.x.name, info.y.name, info.colour.name) == (
        "learnable_params",
        "val_accuracy",
        "noise_level",
    )
    assert [p[:3] for p in info.points] == [(1, (2000, 0.4), 1.0)]
    assert [p[:3] for p in info.front] == [(0, (1000, 0.5), 0.5), (2, (3000, 0.9), 0.2)]
    assert (info.has_line, info.log_x, info.log_y) == (True, True, False)
    assert (info.message, info.confirmed, info.reported, info.selected) == ("", (), (), None)
    assert [row.trial for row in info.table.rows] == [0, 2]


@SETTINGS
@given(rows, objective_sets)
def test_every_complete_trial_is_drawn_once_and_the_front_is_the_records_front(
    make_trials, rows, objectives
):
    study = study_of(make_trials(rows), objectives)
    info = get_front_info(study)
    on_front = [p.number for p in info.front]
    expected = [r.number for r in front(study.records, study.info.objectives)]
    assert sorted(on_front) == sorted(expected)
    assert [row.trial for row in info.table.rows] == expected
    complete = [r.number for r in study.records if r.state is TrialState.COMPLETE]
    assert sorted(on_front + [p.number for p in info.points]) == complete
    figure = get_front_figure(info)
    groups = [t for t in figure.data if t.mode == "markers" and t.name != "front"]
    assert sorted(number for trace in groups for number in numbers(trace)) == complete
    figure.to_json()


@SETTINGS
@given(rows, objective_sets)
def test_points_stand_where_their_trials_metrics_say(make_trials, rows, objectives):
    records = make_trials(rows)
    info = get_front_info(study_of(records, objectives))
    for p in (*info.points, *info.front):
        metrics = records[p.number].metrics()
        assert p.place == (metrics[info.x.name], metrics[info.y.name])
        if info.colour:
            assert p.colour == records[p.number].parameters["noise_level"]


@SETTINGS
@given(rows, objective_sets)
def test_the_front_runs_from_the_best_x_to_the_worst(make_trials, rows, objectives):
    info = get_front_info(study_of(make_trials(rows), objectives))
    xs = [p.place[0] for p in info.front]
    assert xs == sorted(xs, reverse=info.x.direction == "maximize")


def test_a_front_over_an_x_to_maximise_starts_at_its_largest(make_trial):
    records = [make_trial(0, 0.2, 100), make_trial(1, 0.9, 300), make_trial(2, 0.5, 200)]
    info = get_front_info(study_of(records, "learnable_params,val_accuracy"))
    assert [p.place[0] for p in info.front] == [0.9, 0.5, 0.2]


@SETTINGS
@given(rows)
def test_the_caption_counts_every_state(make_trials, rows):
    records = make_trials(rows)
    caption = get_front_info(study_of(records)).caption
    for state in TrialState:
        count = sum(record.state is state for record in records)
        assert (f"{count} {state}" in caption) == (count > 0)


@SETTINGS
@given(rows, st.randoms())
def test_the_order_of_the_records_does_not_matter(make_trials, rows, random):
    records = make_trials(rows)
    expected = get_front_info(study_of(records))
    random.shuffle(records)
    assert get_front_info(study_of(records)) == expected


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
    make_trial, objectives, x, y, has_line
):
    info = get_front_info(study_of([make_trial(0)], objectives))
    assert (info.x.name, info.y.name, info.has_line) == (x, y, has_line)


def test_an_axis_left_open_takes_an_objective_that_the_other_axis_has_not(make_trial):
    study = study_of([make_trial(0)])
    assert get_front_info(study, x=metric("val_accuracy")).y.name == "learnable_params"
    assert get_front_info(study, y=metric("learnable_params")).x.name == "val_accuracy"
    assert get_front_info(study, y=metric("macs")).x.name == "val_accuracy"


def test_swapped_objectives_keep_the_line_and_other_axes_lose_it(small):
    swapped = get_front_info(small, x=metric("val_accuracy"), y=metric("learnable_params"))
    assert [p.number for p in swapped.front] == [2, 0]
    assert line(get_front_figure(swapped)) is not None
    other = get_front_info(small, x=metric("macs"))
    assert not other.has_line
    assert line(get_front_figure(other)) is None
    # The front is still that of the objectives.
    assert [p.number for p in other.front] == [0, 2]


def test_the_step_line_passes_through_the_front_and_keeps_the_last_value(small):
    steps = line(get_front_figure(get_front_info(small)))
    assert (list(steps.x), list(steps.y)) == ([1000, 3000], [0.5, 0.9])
    # Horizontal first: until the next trial fits the budget, the last one is the best.
    assert steps.line.shape == "hv"


def test_the_front_is_told_by_its_shape(small):
    traces = markers(get_front_figure(get_front_info(small)))
    ring = traces["front"].marker
    assert (ring.symbol, ring.color) == ("diamond-open", look.VERMILION)
    assert ring.size > traces["trials"].marker.size
    assert traces["trials"].marker.symbol == "circle"
    assert numbers(traces["front"]) == [0, 2]


def test_the_scale_is_explained_by_one_bar_of_true_values(small):
    figure = get_front_figure(get_front_info(small))
    (bar,) = [t.marker.colorbar for t in figure.data if t.marker.showscale]
    assert bar.ticktext == ("0.2", "0.5", "1")
    assert bar.title.text == "Noise level ℓ (half-range of the masks)"


def test_without_noise_levels_the_first_searched_setting_colours(make_trial):
    records = [make_trial(i, mask_count=8 * (i + 1), batch_size=i + 1) for i in range(2)]
    assert get_front_info(study_of(records)).colour.name == "mask_count"
    info = get_front_info(study_of(records[:1]))
    assert info.colour is None
    assert not any(t.marker.showscale for t in get_front_figure(info).data)


def test_names_take_an_entry_of_the_legend_each_and_are_escaped(make_trial):
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


def test_a_trial_without_a_finite_value_is_counted_but_not_drawn(make_trial):
    records = [make_trial(0, loss=math.nan), make_trial(1, loss=math.inf), make_trial(2)]
    info = get_front_info(study_of(records, "val_loss,learnable_params"))
    assert [p.number for p in (*info.points, *info.front)] == [2]
    assert "2 trials without finite values not drawn." in info.caption


def test_a_trial_without_costs_or_epochs_is_not_drawn_either(make_trial):
    records = [replace(make_trial(0), costs=None), replace(make_trial(1), replicates=())]
    info = get_front_info(study_of(records))
    assert (info.points, info.front, info.table.rows) == ((), (), ())
    assert info.message == "No trial has all these values: change an axis."


def test_the_hover_shows_metrics_and_searched_settings(small):
    trace = markers(get_front_figure(get_front_info(small)))["trials"]
    row = list(trace.customdata[numbers(trace).index(2)])
    assert row[:4] == [2, "", "0.9000", "3,000"]
    assert row[-1] == "0.2"
    assert trace.hovertemplate.endswith(
        f"noise_level: %{{customdata[{len(row) - 1}]}}<extra></extra>"
    )


def test_trials_in_the_same_place_name_each_other(make_trial):
    records = [make_trial(0), make_trial(3), make_trial(5, 0.9, 2000), make_trial(9)]
    words = {p.number: p.words[0] for p in get_front_info(study_of(records)).front}
    assert words == {
        0: "<br>in the same place: trial 3, 9",
        3: "<br>in the same place: trial 0, 9",
        9: "<br>in the same place: trial 0, 3",
        5: "",
    }


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


@pytest.mark.parametrize("name", OBJECTIVES)
@pytest.mark.parametrize("axis", ["x", "y"])
def test_positive_counts_and_seconds_are_logarithmic_and_nothing_else_is(make_trial, name, axis):
    records = [make_trial(0, 0.5, 10), make_trial(1, 0.7, 20)]
    other = {"x": "y", "y": "x"}[axis]
    axes = {axis: metric(name), other: metric("train_loss")}
    figure = get_front_figure(get_front_info(study_of(records), **axes))
    is_log = figure.layout[f"{axis}axis"].type == "log"
    assert is_log == (name in ("learnable_params", "mask_values", "macs", "train_seconds"))


def test_the_kind_of_an_axis_can_be_chosen(small):
    figure = get_front_figure(get_front_info(small, log_x=False, log_y=True))
    assert (figure.layout.xaxis.type, figure.layout.yaxis.type) == (None, "log")


def test_a_value_of_zero_keeps_the_axis_linear(make_trial):
    info = get_front_info(study_of([make_trial(0, params=0), make_trial(1)]), log_x=True)
    assert not info.log_x
    assert get_front_figure(info).layout.xaxis.type is None


def test_a_setting_with_names_makes_an_axis_of_escaped_names(make_trial):
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


def test_axes_carry_the_label_with_its_unit(small):
    figure = get_front_figure(get_front_info(small, x=metric("train_seconds")))
    assert figure.layout.xaxis.title.text == "Training time (s)"
    assert figure.layout.yaxis.title.text == "Validation accuracy (correct / total)"


@pytest.mark.parametrize(
    ("states", "text"),
    [
        ([], "No trials yet: they appear as they complete."),
        (["failed", "failed"], "No trial completed: Progress tells why."),
        (["running"], "No trial has completed its full budget yet."),
    ],
)
def test_a_study_without_complete_trials_says_so_in_the_picture(make_trial, states, text):
    records = [make_trial(i, state=TrialState(s)) for i, s in enumerate(states)]
    figure = get_front_figure(get_front_info(study_of(records)))
    assert [a.text.replace("<br>", " ") for a in figure.layout.annotations] == [text]
    assert not markers(figure)


def test_a_complete_trial_needs_no_such_note(make_trial):
    assert not get_front_figure(get_front_info(study_of([make_trial(0)]))).layout.annotations


def test_confirmed_accuracies_stand_beside_the_trials_with_their_intervals(small):
    confirmed = [*runs([0.5, 0.52, 0.54]), *runs([0.4, None, 0.44], layer="conv1x1", params=1010)]
    info = get_front_info(replace(small, confirmed=tuple(confirmed)))
    first, second = mean_with_interval([0.5, 0.52, 0.54]), mean_with_interval([0.4, 0.44])
    assert info.confirmed == (
        (0, "perturbation", 1000, first),
        (0, "conv1x1", 1010, second),
    )
    assert (
        "Chosen on validation data. “test”: test accuracy of confirmed trials and their controls, "
        "means over fresh seeds (n = 2 or 3) with 95% t intervals. Layers stand side by side"
    ) in info.caption
    figure = get_front_figure(info)
    traces = markers(figure)
    noise, control = traces["test: perturbation"], traces["test: 1×1"]
    assert (list(noise.y), list(noise.error_y.array)) == ([first.mean], [first.half_width])
    assert (list(control.y), list(control.error_y.array)) == ([second.mean], [second.half_width])
    assert noise.x[0] < 1000 < 1010 < control.x[0]
    assert noise.marker.symbol != control.marker.symbol
    assert numbers(control) == [0]
    assert "test accuracy</b><br>52.00 [" in noise.hovertext[0]
    assert "learnable_params: 1,010" in control.hovertext[0]
    assert figure.layout.yaxis.title.text == "Accuracy (correct / total)"


def test_on_a_linear_axis_every_layer_stands_at_its_size(small):
    confirmed = [*runs([0.5, 0.6]), *runs([0.4, 0.5], layer="conv1x1")]
    study = replace(small, confirmed=tuple(confirmed))
    info = get_front_info(study, log_x=False)
    assert "side by side" not in info.caption
    traces = markers(get_front_figure(info))
    assert list(traces["test: perturbation"].x) == list(traces["test: 1×1"].x) == [1000]


def test_one_seed_has_no_interval(small):
    info = get_front_info(replace(small, confirmed=tuple(runs([0.5]))))
    assert "One seed has no interval." in info.caption
    (width,) = markers(get_front_figure(info))["test: perturbation"].error_y.array
    assert math.isnan(width)


def test_a_control_without_masks_stands_at_zero_mask_values(small):
    confirmed = (*runs([0.5]), *runs([0.4], layer="conv1x1", mask_values=0))
    info = get_front_info(replace(small, confirmed=confirmed), x=metric("mask_values"))
    assert [point.x for point in info.confirmed] == [64, 0]
    assert not info.log_x


@pytest.mark.parametrize("axes", [{"x": "train_seconds"}, {"y": "val_loss"}])
def test_test_accuracy_is_drawn_against_costs_on_the_axis_of_accuracy_alone(small, axes):
    study = replace(small, confirmed=tuple(runs([0.5, 0.6])))
    info = get_front_info(study, **{axis: metric(name) for axis, name in axes.items()})
    assert info.confirmed == ()
    assert "the test set was not read" not in info.caption


def test_unselected_confirmed_points_fade(small):
    confirmed = (*runs([0.5]), *runs([0.6], trial=2))
    info = get_front_info(replace(small, confirmed=confirmed), selected=frozenset({2}))
    assert markers(get_front_figure(info))["test: perturbation"].selectedpoints == (1,)


def test_a_layers_name_from_elsewhere_is_escaped(small):
    info = get_front_info(replace(small, confirmed=tuple(runs([0.5], layer=EVIL))))
    figure = get_front_figure(info)
    (trace,) = [t for t in figure.data if t.name.startswith("test: ")]
    assert "<img" not in trace.name
    assert "<img" not in trace.hovertext[0]


def test_reported_figures_of_the_data_set_are_hollow_and_can_be_left_out(small):
    study = replace(small, info=replace(small.info, dataset="cifar10"))
    info = get_front_info(study)
    assert len(info.reported) > 6
    assert f"Hollow: {len(info.reported)} figures reported by others" in info.caption
    traces = [t for t in get_front_figure(info).data if t.name == "reported"]
    assert sum(len(t.x) for t in traces) == len(info.reported)
    assert all(t.marker.symbol.endswith("-open") for t in traces)
    assert [t.showlegend for t in traces] == [True, *[False] * (len(traces) - 1)]
    assert get_front_info(study, with_reported=False).reported == ()
    assert get_front_info(study, x=metric("macs")).reported == ()
    assert get_front_info(study, y=metric("val_loss")).reported == ()
    assert get_front_info(small).reported == ()


def test_reported_figures_are_drawn_before_the_first_trial_completes():
    info = get_front_info(study_of([], dataset="cifar10"))
    assert info.message == ""
    assert {t.name for t in get_front_figure(info).data if t.mode == "markers"} == {"reported"}


def test_the_picture_carries_what_is_drawn(small):
    study = replace(small, confirmed=tuple(runs([0.5, 0.6])))
    picture = get_front_picture(get_front_info(study))
    estimate = mean_with_interval([0.5, 0.6])
    assert picture.name == "front"
    assert dict(picture.data) == {
        "kind": ["trial", "front", "front", "test"],
        "trial": [1, 0, 2, 0],
        "noise_level": [1.0, 0.5, 0.2, None],
        "val_accuracy": [0.4, 0.5, 0.9, None],
        "learnable_params": [2000, 1000, 3000, 1000],
        "test_accuracy": [None, None, None, estimate.mean],
        "interval_half_width": [None, None, None, estimate.half_width],
        "seeds": [None, None, None, 2],
        "tested_layer": [None, None, None, "perturbation"],
    }


def test_ten_thousand_trials_are_drawn_by_the_graphics_card(make_trial):
    record = make_trial(0)
    records = [replace(record, number=i) for i in range(look.MANY_POINTS + 1)]
    figure = get_front_figure(get_front_info(study_of(records)))
    assert "scattergl" in {trace.type for trace in figure.data}
    small = get_front_figure(get_front_info(study_of(records[:10])))
    assert {trace.type for trace in small.data} == {"scatter"}


def test_no_trace_names_ink_or_paper(small):
    study = replace(small, confirmed=tuple(runs([0.5, 0.6])))
    study = replace(study, info=replace(study.info, dataset="cifar10"))
    traces = json.loads(get_front_figure(get_front_info(study)).to_json())["data"]
    for colour in ("#222", "#fff", "white", "black", "#161a1f", "#e8e8e8"):
        assert f'"{colour}' not in json.dumps(traces)
