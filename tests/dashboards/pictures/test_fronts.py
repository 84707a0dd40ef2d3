import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboards.elements.quantity import find_quantity
from dashboards.pictures.fronts import (
    FRONTS,
    get_fronts_figure,
    get_fronts_info,
)
from study.results.objective import parse_objectives
from study.results.pareto import front
from study.results.run_record import RunState

# A loaded machine is no failure.
SETTINGS = settings(max_examples=40, deadline=None)


@pytest.fixture
def first(make_trial, study_of):
    return study_of(
        [
            make_trial(0, 0.5, 100, noise_level=0.1),
            make_trial(1, 0.4, 200),
            make_trial(2, 0.9, 300, noise_level=0.2),
            make_trial(3, 0.99, 10, state=RunState.PRUNED),
            make_trial(4, 0.99, 10, state=RunState.FAILED),
        ]
    )


@pytest.fixture
def second(make_trial, study_of):
    return study_of([make_trial(7, 0.6, 150), make_trial(8, 0.6, 150)], name="noise-2", seed=1)


def test_two_studies_give_exactly_this_info(first, second):
    info = get_fronts_info([first, second])
    assert info.title == (
        "Validation accuracy against learnable parameters: front of noise-1, noise-2"
    )
    assert info.caption == (
        "digits, 1 epoch each, one seed per trial: noise-1 (3 of 5 trials complete), noise-2 "
        "(2 of 2 trials complete). Each line passes through the complete trials that no other one "
        "of their study beats in both validation accuracy and learnable parameters. Chosen on "
        "validation data; the test set was not read. One search each: which front lies higher may "
        "be the luck of its seed, and more trials alone lift a front."
    )
    assert info.description == (
        "Step lines of validation accuracy against learnable parameters. noise-1: 2 trials, "
        "validation accuracy 0.5000 to 0.9000, learnable parameters 100 to 300; noise-2: 2 trials, "
        "validation accuracy 0.6000 to 0.6000, learnable parameters 150 to 150."
    )
    assert [axis.name for axis in info.plane] == ["learnable_params", "val_accuracy"]
    assert info.instead == ""
    assert [front[:5] for front in info.fronts] == [
        ("noise-1", 0, (0, 2), (100, 300), (0.5, 0.9)),
        ("noise-2", 1, (7, 8), (150, 150), (0.6, 0.6)),
    ]
    assert info.fronts[0].hover[0] == (
        "<b>noise-1, trial 0</b><br>learnable parameters: 100<br>validation accuracy: 0.5000"
        "<br>noise level ℓ: 0.1"
    )


@SETTINGS
@given(
    st.lists(
        st.tuples(st.integers(0, 4), st.integers(1, 4), st.sampled_from(RunState)), max_size=12
    ),
    st.sampled_from(["val_accuracy,learnable_params", "learnable_params,val_accuracy"]),
)
def test_the_line_is_the_records_front_from_the_best_x_on(make_trial, study_of, rows, names):
    records = [make_trial(i, a / 4, p, state=state) for i, (a, p, state) in enumerate(rows)]
    info = get_fronts_info([study_of(records, objectives=names)])
    expected = front(records, parse_objectives(names))
    if not expected:
        assert (info.fronts, bool(info.instead)) == ((), True)
        return
    (line,) = info.fronts
    assert sorted(line.numbers) == sorted(record.number for record in expected)
    plane = info.plane
    assert list(line.x) == sorted(line.x, reverse=plane.x.direction == "maximize")
    for number, x, y in zip(line.numbers, line.x, line.y, strict=True):
        metrics = records[number].metrics()
        assert (x, y) == (metrics[plane.x.name], metrics[plane.y.name])


def test_other_axes_have_their_own_front(make_trial, study_of):
    records = [make_trial(0, 0.5, 100, macs=900), make_trial(1, 0.5, 200, macs=30)]
    x = find_quantity("macs", records)
    info = get_fronts_info([study_of(records)], x=x)
    assert (info.plane.x, info.fronts[0].numbers) == (x, (1,))


def test_a_metric_that_is_neither_to_be_large_nor_small_has_no_front(first):
    x = find_quantity("noise_level", first.records)
    info = get_fronts_info([first], x=x)
    assert info.fronts == ()
    assert info.instead == (
        "There is no best noise level ℓ: choose a metric that is better large or small."
    )


def test_a_study_that_cannot_be_compared_is_not_drawn_and_the_reason_is_said_first(first, second):
    other = replace(second, info=replace(second.info, dataset="mnist", epochs=3))
    info = get_fronts_info([first, other])
    assert [front.study for front in info.fronts] == ["noise-1"]
    assert info.sentences[0] == (
        "Not drawn: noise-2 (data set mnist instead of digits, 3 epochs instead of 1), which "
        "cannot be compared with noise-1."
    )
    assert "cannot be compared" not in get_fronts_info([first, second]).caption


def test_a_study_without_the_metrics_is_not_drawn_and_named(make_trial, study_of, first):
    without = study_of([replace(make_trial(0), costs=None)], name="b")
    third = study_of([make_trial(0)], name="c")
    info = get_fronts_info([first, without, third])
    assert [(front.study, front.position) for front in info.fronts] == [("noise-1", 0), ("c", 2)]
    assert "b is not drawn: no complete trial of it has both." in info.caption


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_values_that_are_not_finite_are_on_no_front(make_trial, study_of, bad):
    records = [make_trial(0, loss=bad), make_trial(1, loss=2.0)]
    study = study_of(records, objectives="val_loss,learnable_params")
    assert get_fronts_info([study]).fronts[0].numbers == (1,)


@pytest.mark.parametrize("states", [[], [RunState.FAILED], [RunState.RUNNING]])
def test_without_complete_trials_a_sentence_says_so(make_trial, study_of, states):
    records = [make_trial(i, state=state) for i, state in enumerate(states)]
    info = get_fronts_info([study_of(records)])
    (note,) = FRONTS.picture(info).figure.layout.annotations
    assert note.text.replace("<br>", " ") == info.instead != ""
    assert FRONTS.picture(info).data["trial"] == []


def test_studies_differ_in_colour_dash_and_symbol(first, second):
    figure = get_fronts_figure(get_fronts_info([first, second]))
    looks = [(t.line.color, t.line.dash, t.marker.symbol) for t in figure.data]
    assert all(one != other for one, other in zip(*looks, strict=True))
    assert [trace.line.shape for trace in figure.data] == ["hv", "hv"]
    assert [trace.name for trace in figure.data] == ["noise-1", "noise-2"]
    assert list(figure.data[0].customdata[0]) == [0]
    assert figure.data[1].customdata is None
    assert figure.layout.xaxis.type == "log"
    assert figure.layout.xaxis.title.text == "Learnable parameters"
    assert figure.layout.yaxis.title.text == "Validation accuracy (correct / total)"


def test_the_data_are_what_is_drawn(first, second):
    assert FRONTS.picture(get_fronts_info([first, second])).data == {
        "study": ["noise-1", "noise-1", "noise-2", "noise-2"],
        "trial": [0, 2, 7, 8],
        "learnable_params": [100, 300, 150, 150],
        "val_accuracy": [0.5, 0.9, 0.6, 0.6],
    }


def test_names_and_settings_are_text(make_trial, study_of):
    records = [make_trial(i, i / 4, 10 * i + 10, order=f"<b>{i}</b>") for i in range(2)]
    info = get_fronts_info([study_of(records, name='"><img onerror=x><script>')])
    (trace,) = get_fronts_figure(info).data
    assert "<" not in trace.name
    assert trace.hovertext[0].startswith('<b>"&gt;&lt;img onerror=x&gt;&lt;script&gt;, trial 0</b>')
    assert "order within the layer: &lt;b&gt;0&lt;/b&gt;" in trace.hovertext[0]


def test_long_names_are_shortened_in_the_legend_alone(make_trial, study_of):
    name = "a_name_" * 10
    info = get_fronts_info([study_of([make_trial(0)], name=name)])
    (trace,) = get_fronts_figure(info).data
    assert len(trace.name) <= 24
    assert name in info.title


def test_many_studies_are_counted_in_the_title(first):
    studies = [replace(first, info=replace(first.info, name=f"s{i}")) for i in range(4)]
    assert get_fronts_info(studies).title.endswith(": front of 4 studies")
