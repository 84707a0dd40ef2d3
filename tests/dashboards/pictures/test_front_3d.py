import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboards.elements.quantity import find_quantity, setting
from dashboards.elements.selection import FADED
from dashboards.pictures.front import FRONT
from dashboards.pictures.front_3d import (
    get_front_3d_figure,
    get_front_3d_info,
)
from pnn_core.parts import palette
from study.results.pareto import front
from study.results.run_record import RunState

THREE = "val_accuracy,learnable_params,macs"

rows = st.lists(
    st.tuples(
        st.integers(0, 4),
        st.integers(1, 4),
        st.integers(1, 4),
        st.just(RunState.COMPLETE) | st.sampled_from(RunState),
        st.sampled_from([0.0, 0.01, None, "odd"]),
    ),
    max_size=12,
)


def metric(name):
    return find_quantity(name, ())


@pytest.fixture
def small(make_trial, study_of):
    records = [
        make_trial(0, 0.5, 1000, macs=70, noise_level=0.5),
        make_trial(1, 0.4, 2000, macs=80, noise_level=1.0),
        make_trial(2, 0.9, 3000, macs=90, noise_level=0.2),
        make_trial(3, 0.3, 4000, macs=60, noise_level=0.1),
        make_trial(4, 0.99, 10, state=RunState.FAILED),
    ]
    return study_of(records, objectives=THREE, epochs=4)


def places(trace):
    return list(zip(trace.x, trace.y, trace.z, strict=True))


def numbers(traces):
    return [row[0] for trace in traces for row in trace.customdata]


def groups(figure):
    return [trace for trace in figure.data if trace.name != "front"]


def test_a_small_study_gives_exactly_this_info(small):
    info = get_front_3d_info(small)
    assert info.title == (
        "Validation accuracy over learnable parameters and multiply-accumulates per image: noise-1"
    )
    assert info.caption == (
        "digits, 5 trials (4 complete, 1 failed), 4 epochs each, one seed per trial. The best of "
        "many validation accuracies is biased upwards. So few (4) tell little of the search space. "
        "Chosen on validation data."
    )
    assert info.description.startswith("Scatter plot in space of 4 complete trials: learnable ")
    trials = info.trials
    assert [axis.name for axis in trials.axes] == ["learnable_params", "macs", "val_accuracy"]
    assert info.logs == (True, True, False)
    assert [p[:3] for p in trials.off_front] == [(1, (2000, 80, 0.4), 1.0)]
    assert [(p.number, p.place) for p in trials.front] == [
        (0, (1000, 70, 0.5)),
        (2, (3000, 90, 0.9)),
        (3, (4000, 60, 0.3)),
    ]
    assert (info.instead, trials.selected) == ("", None)


@settings(max_examples=40, deadline=None)
@given(rows, st.sampled_from([THREE, "val_accuracy", "macs,val_loss"]), st.none() | st.just({1, 3}))
def test_every_complete_trial_is_drawn_once_where_its_metrics_say(
    make_trial, study_of, rows, objectives, selected
):
    records = [
        make_trial(i, accuracy / 4, params, macs=macs, state=state)
        for i, (accuracy, params, macs, state, _) in enumerate(rows)
    ]
    for record, (*_, noise) in zip(records, rows, strict=True):
        if noise is not None:
            record.parameters["noise_level"] = noise
    study = study_of(records, objectives=objectives)
    info = get_front_3d_info(study, selected=None if selected is None else frozenset(selected))
    assert sorted(p.number for p in info.trials.front) == sorted(
        r.number for r in front(records, study.info.objectives)
    )
    figure = get_front_3d_figure(info)
    complete = [r.number for r in records if r.state is RunState.COMPLETE]
    assert sorted(numbers(groups(figure))) == complete
    for trace in groups(figure):
        for row, place in zip(trace.customdata, places(trace), strict=True):
            metrics = records[row[0]].metrics()
            assert place == tuple(metrics[axis.name] for axis in info.trials.axes)
    assert sum(trace.marker.showscale is True for trace in figure.data) <= 1
    figure.to_json()


def test_the_front_is_told_by_its_shape(small):
    figure = get_front_3d_figure(get_front_3d_info(small))
    (ring,) = [trace for trace in figure.data if trace.name == "front"]
    assert (ring.marker.symbol, ring.marker.color) == ("diamond-open", palette.VERMILION)
    assert numbers([ring]) == [0, 2, 3]
    assert all(trace.marker.symbol != ring.marker.symbol for trace in groups(figure))


def test_axes_are_named_and_logarithmic_where_their_quantity_spans_decades(small):
    scene = get_front_3d_figure(get_front_3d_info(small, log_y=False)).layout.scene
    assert (scene.xaxis.type, scene.yaxis.type, scene.zaxis.type) == ("log", None, None)
    assert scene.xaxis.title.text == "Learnable<br>parameters"
    assert scene.zaxis.title.text == "Validation<br>accuracy"


def test_the_box_is_as_wide_as_a_page_and_a_cube_on_a_phone(small):
    layout = get_front_3d_figure(get_front_3d_info(small)).layout
    wide, narrow = layout.scene.aspectratio, layout.meta["narrow"]["scene.aspectratio"]
    assert wide.x > 2 * wide.z
    assert narrow["x"] == narrow["y"] == narrow["z"]


def test_axes_can_be_chosen_and_those_left_open_differ_from_them(small):
    info = get_front_3d_info(small, z=metric("macs"), y=setting("noise_level"))
    assert [axis.name for axis in info.trials.axes] == ["val_accuracy", "noise_level", "macs"]
    assert info.logs == (False, True, True)


def test_a_setting_with_names_makes_an_axis_of_escaped_names(make_trial, study_of):
    records = [make_trial(i, layer=name) for i, name in enumerate(("conv3x3", "<b>"))]
    info = get_front_3d_info(study_of(records), x=setting("layer"))
    figure = get_front_3d_figure(info)
    assert figure.layout.scene.xaxis.type == "category"
    assert sorted(x for trace in groups(figure) for x in trace.x) == ["&lt;b&gt;", "conv3x3"]
    assert {trace.name for trace in groups(figure)} == {"&lt;b&gt;", "conv3x3"}


def test_unselected_trials_are_traces_of_their_own_with_one_bar_and_entry(small):
    info = get_front_3d_info(small, selected=frozenset({1, 2}))
    assert info.caption.endswith(" 2 trials selected, the others faded.")
    figure = get_front_3d_figure(info)
    full, faded = groups(figure)
    assert (sorted(numbers([full])), full.marker.opacity) == ([1, 2], 1.0)
    assert (sorted(numbers([faded])), faded.marker.opacity) == ([0, 3], FADED)
    assert (full.marker.showscale, faded.marker.showscale) == (True, False)
    assert (full.showlegend, faded.showlegend) == (True, False)
    assert list(full.marker.color) == pytest.approx([0.0, math.log10(0.2)])
    assert (full.marker.cmin, full.marker.cmax) == (faded.marker.cmin, faded.marker.cmax)


def test_with_nothing_selected_the_faded_trials_keep_bar_and_entry(small):
    (trace,) = groups(get_front_3d_figure(get_front_3d_info(small, selected=frozenset())))
    assert trace.marker.showscale
    assert trace.showlegend
    assert trace.marker.opacity == FADED


def test_a_trial_without_a_finite_value_is_counted_but_not_drawn(make_trial, study_of):
    records = [make_trial(0, loss=math.nan), replace(make_trial(1), costs=None), make_trial(2)]
    info = get_front_3d_info(study_of(records), z=metric("val_loss"))
    assert [p.number for p in info.trials.points] == [2]
    assert "2 trials without finite values not drawn." in info.caption


@pytest.mark.parametrize("states", [[], ["failed"], ["running"]])
def test_a_study_without_complete_trials_says_so_in_the_picture(make_trial, study_of, states):
    records = [make_trial(i, state=RunState(s)) for i, s in enumerate(states)]
    figure = FRONT.picture(get_front_3d_info(study_of(records))).figure
    assert len(figure.layout.annotations) == 1
    assert not figure.data


def test_the_picture_carries_what_is_drawn(small):
    picture = FRONT.picture(get_front_3d_info(small))
    assert picture.name == "front"
    assert dict(picture.data) == {
        "kind": ["trial", "front", "front", "front"],
        "trial": [1, 0, 2, 3],
        "noise_level": [1.0, 0.5, 0.2, 0.1],
        "learnable_params": [2000, 1000, 3000, 4000],
        "macs": [80, 70, 90, 60],
        "val_accuracy": [0.4, 0.5, 0.9, 0.3],
    }
