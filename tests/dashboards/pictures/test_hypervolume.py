import math
from dataclasses import replace

import pytest

from dashboards.elements import theme
from dashboards.pictures.hypervolume import (
    HYPERVOLUME,
    get_hypervolume_figure,
    get_hypervolume_info,
)
from study.results.run_record import RunState

START = 1_790_000_000_000


def at(record, start, end):
    """The record with times in seconds after the study's start."""
    ended = None if end is None else START + 1000 * end
    return replace(record, started_ms=START + 1000 * start, ended_ms=ended)


@pytest.fixture
def three(make_trial):
    """Over accuracy 0.2 to 0.8 and 10 to 1000 parameters: trial 1 ended first, then 0, then 2."""
    return [
        at(make_trial(0, 0.8, 1000), 0, 20),
        at(make_trial(1, 0.2, 10), 5, 10),
        at(make_trial(2, 0.5, 100), 10, 50),
    ]


def test_a_small_study_gives_exactly_this_info(study_of, three):
    info = get_hypervolume_info([study_of(three)], over="trials")
    # From a tenth of the range beyond the worst, so in elevenths: (11, 1), (1, 11) and (6, 6).
    (line,) = info.lines
    assert (line.study, line.position) == ("noise-1", 0)
    assert line.trials == (1, 0, 2)
    assert line.x == (1.0, 2.0, 3.0)
    assert line.y == pytest.approx([11 / 121, 21 / 121, 46 / 121])
    assert [(s.objective.name, s.worst, s.best, s.log) for s in info.scales] == [
        ("val_accuracy", 0.2, 0.8, False),
        ("learnable_params", 1000, 10, True),
    ]
    assert info.title == "Hypervolume against trials ended: noise-1"
    assert info.caption == (
        "digits, 3 trials (3 complete), 1 epoch each, one seed per trial. Hypervolume that the "
        "complete trials reached so far: the higher, the better the front. It is a share of the "
        "box between a reference point and the best values. Scales from worst to best of all "
        "complete trials: validation accuracy 0.2000 to 0.8000, learnable parameters 1,000 to 10 "
        "(by logarithm); the reference lies 10% of that beyond the worst. They move as trials "
        "complete, so only lines of one picture compare."
    )
    assert info.description == "A step line for each study: noise-1 reaches 0.380."
    assert info.instead == ""


def test_against_wall_time_trials_stand_at_their_ends(study_of, three):
    info = get_hypervolume_info([study_of(three)], over="seconds")
    assert info.lines[0].x == (10.0, 20.0, 50.0)
    assert "Wall time counts interruptions, too." in info.caption


def test_trials_that_did_not_complete_count_as_ended_and_add_nothing(make_trial, study_of, three):
    extra = [
        at(make_trial(3, 0.99, 10, state=RunState.PRUNED), 0, 1),
        at(make_trial(4, 0.99, 10, state=RunState.FAILED), 0, 60),
        at(make_trial(5, 0.99, 10, state=RunState.RUNNING), 0, None),
    ]
    line = get_hypervolume_info([study_of([*three, *extra])], over="trials").lines[0]
    assert line.x == (2.0, 3.0, 4.0, 5.0)
    assert line.y == pytest.approx([11 / 121, 21 / 121, 46 / 121, 46 / 121])


def test_only_growth_and_the_end_are_kept(make_trial, study_of, three):
    worse = [at(make_trial(3 + i, 0.3, 900), 0, 60 + i) for i in range(5)]
    line = get_hypervolume_info([study_of([*three, *worse])], over="trials").lines[0]
    assert line.trials == (1, 0, 2, 7)
    assert line.x == (1.0, 2.0, 3.0, 8.0)


def test_studies_share_one_scale(make_trial, study_of, three):
    other = study_of([at(make_trial(0, 0.1, 100_000), 0, 5)], name="poor", seed=1)
    alone = get_hypervolume_info([study_of(three)], over="trials")
    both = get_hypervolume_info([study_of(three), other], over="trials")
    assert [line.study for line in both.lines] == ["noise-1", "poor"]
    assert [(s.worst, s.best) for s in both.scales] == [(0.1, 0.8), (100_000, 10)]
    assert both.lines[0].y[-1] > alone.lines[0].y[-1]
    assert "the luck of their seeds" in both.caption
    assert "the luck of their seeds" not in alone.caption


def test_a_study_that_cannot_be_compared_is_left_out_and_named(study_of, three):
    other = study_of(three, name="other", epochs=9)
    info = get_hypervolume_info([study_of(three), other], over="trials")
    assert [line.study for line in info.lines] == ["noise-1"]
    assert info.sentences[0] == (
        "Not drawn: other (9 epochs instead of 1), which cannot be compared with noise-1."
    )


def test_looks_follow_the_place_asked_for_also_behind_a_study_left_out(study_of, three):
    studies = [study_of(three), study_of(three, name="b", epochs=2), study_of(three, name="c")]
    info = get_hypervolume_info(studies, over="trials")
    assert [(line.study, line.position) for line in info.lines] == [("noise-1", 0), ("c", 2)]


def test_trials_without_times_are_counted_last_and_have_no_wall_time(make_trial, study_of, three):
    records = [*three, make_trial(3, 0.8, 10)]
    by_trials = get_hypervolume_info([study_of(records)], over="trials")
    assert by_trials.lines[0].trials == (1, 0, 2, 3)
    assert "noise-1: 1 trial without a known time counted last." in by_trials.caption
    by_seconds = get_hypervolume_info([study_of(records)], over="seconds")
    assert by_seconds.lines[0].trials == (1, 0, 2)
    assert "noise-1: 1 trial without a known time left out." in by_seconds.caption
    untimed = get_hypervolume_info([study_of([make_trial(0)])], over="seconds")
    assert untimed.instead == "No trial has a known end: look at trials ended."


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_values_that_are_not_finite_count_nothing(make_trial, study_of, bad):
    objectives = "val_loss,learnable_params"
    records = [
        make_trial(0, loss=1.0, params=10),
        make_trial(1, loss=2.0, params=5),
        make_trial(2, loss=bad, params=1),
        replace(make_trial(3), costs=None),
    ]
    info = get_hypervolume_info([study_of(records, objectives=objectives)], over="trials")
    assert [(s.worst, s.best) for s in info.scales] == [(2.0, 1.0), (10, 5)]
    assert info.lines[0].trials == (0, 1, 3)


@pytest.mark.parametrize("objectives", ["val_accuracy", "val_accuracy,learnable_params,macs"])
def test_any_number_of_objectives_is_measured(make_trial, study_of, objectives):
    records = [make_trial(i, 0.2 * i, 100 * (i + 1), macs=10 + i) for i in range(4)]
    info = get_hypervolume_info([study_of(records, objectives=objectives)], over="trials")
    y = info.lines[0].y
    assert all(0 < value <= 1 for value in y)
    assert list(y) == sorted(y)


@pytest.mark.parametrize("states", [[], [RunState.FAILED] * 2, [RunState.COMPLETE] * 3])
@pytest.mark.parametrize("over", ["trials", "seconds"])
def test_without_different_values_a_sentence_says_so(make_trial, study_of, states, over):
    records = [at(make_trial(i, state=state), 0, 5) for i, state in enumerate(states)]
    info = get_hypervolume_info([study_of(records)], over=over)
    assert (info.lines, info.scales) == ((), ())
    (note,) = HYPERVOLUME.picture(info).figure.layout.annotations
    assert (
        note.text.replace("<br>", " ")
        == info.instead
        == "Wait for complete trials of different values."
    )


def test_the_picture_has_a_step_line_and_a_symbol_at_its_end_for_each_study(study_of, three):
    studies = [study_of(three), study_of(three, name="b")]
    picture = HYPERVOLUME.picture(get_hypervolume_info(studies, over="seconds"))
    lines = [trace for trace in picture.figure.data if trace.mode == "lines"]
    ends = [trace for trace in picture.figure.data if trace.mode == "lines+markers"]
    assert [trace.line.shape for trace in lines] == ["hv", "hv"]
    assert len({trace.line.dash for trace in lines}) == 2
    assert len({trace.line.color for trace in lines}) == 2
    assert [trace.marker.symbol for trace in ends] == list(theme.SYMBOLS[:2])
    assert [tuple(trace.x) for trace in ends] == [lines[0].x[-1:]] * 2
    assert picture.figure.layout.xaxis.title.text == "Wall time since the study began (s)"
    assert picture.data["trial"] == [1, 0, 2] * 2
    assert picture.data["seconds"] == [10.0, 20.0, 50.0] * 2


def test_studies_over_each_other_are_named_with_their_samplers(study_of, three):
    studies = [study_of(three, "n" * 30), study_of(three, "b", sampler="<b>nsga2</b>")]
    info = get_hypervolume_info(studies, over="trials")
    assert [line.sampler for line in info.lines] == ["tpe", "<b>nsga2</b>"]
    assert info.description == (
        f"A step line for each study: {'n' * 30} (tpe) reaches 0.380; b (<b>nsga2</b>) reaches "
        "0.380."
    )
    names = [trace.name for trace in get_hypervolume_figure(info).data if trace.mode != "lines"]
    assert names == [f"{'n' * 12}…{'n' * 11} (tpe)", "b (&lt;b&gt;nsga2&lt;/b&gt;)"]


def test_a_study_alone_needs_no_sampler_to_be_told_from_others(study_of, three):
    other = study_of(three, name="b", sampler="nsga2", epochs=2)
    figure = get_hypervolume_figure(get_hypervolume_info([study_of(three), other], over="trials"))
    assert {trace.name for trace in figure.data} == {"noise-1"}


def test_long_studies_are_told_in_hours(make_trial, study_of):
    records = [at(make_trial(i, 0.1 * i), 0, 3600 * (i + 1)) for i in range(3)]
    figure = get_hypervolume_figure(get_hypervolume_info([study_of(records)], over="seconds"))
    assert figure.layout.xaxis.title.text.endswith("(h)")
    assert figure.data[0].x == (1.0, 2.0, 3.0)


def test_names_are_text(study_of, three):
    name = '"><img src=x onerror=alert(1)><script>%{y}'
    figure = get_hypervolume_figure(
        get_hypervolume_info([study_of(three, name=name)], over="trials")
    )
    for trace in figure.data:
        assert "<" not in trace.name
        assert "<img" not in "".join(trace.hovertext)
        assert trace.hovertemplate is None
    assert figure.data[0].hovertext[0].startswith('<b>"&gt;&lt;img src=x')
    assert [tuple(place) for place in figure.data[0].customdata] == [(1,), (0,), (2,)]


def test_another_order_of_the_objectives_measures_the_same(study_of, three):
    reversed_ = study_of(three, name="b", objectives="learnable_params,val_accuracy")
    info = get_hypervolume_info([study_of(three), reversed_], over="trials")
    assert info.lines[0].y == info.lines[1].y
