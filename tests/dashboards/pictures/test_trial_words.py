import gc
import math
import weakref
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboards.pictures import trial_words
from dashboards.pictures.quantity import Quantity, find_quantity, setting
from dashboards.pictures.trial_words import (
    TrialPoint,
    TrialRow,
    as_column,
    complete_trials,
    configuration_lines,
    describe_colour,
    describe_complete,
    describe_points,
    describe_selection,
    hover_template,
    same_place_lines,
    tell_why_empty,
)
from study.results.mlflow.loaded_study import LoadedStudy
from study.results.objective import parse_objectives
from study.results.record import TrialState
from study.results.study_info import StudyInfo

PARAMS = find_quantity("learnable_params", ())
ACCURACY = find_quantity("val_accuracy", ())


def study_of(records, objectives="val_accuracy,learnable_params"):
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
    return LoadedStudy(info=info, records=tuple(records), confirmed=(), undecodable=())


def test_a_study_is_gone_through_once_while_it_is_alive(make_trial):
    study = study_of([make_trial(0)])
    assert complete_trials(study) is complete_trials(study)
    assert complete_trials(replace(study)) is not complete_trials(study)


def test_nothing_is_kept_of_a_study_that_is_gone(make_trial):
    before = len(trial_words._KEPT)
    study = study_of([make_trial(0)])
    gone = weakref.ref(complete_trials(study))
    assert len(trial_words._KEPT) == before + 1
    del study
    gc.collect()
    assert gone() is None
    assert len(trial_words._KEPT) == before


def test_only_complete_trials_take_part_by_number(make_trial):
    states = {3: TrialState.COMPLETE, 1: TrialState.PRUNED, 0: TrialState.COMPLETE}
    states |= {2: TrialState.FAILED, 4: TrialState.RUNNING}
    trials = complete_trials(study_of([make_trial(n, state=s) for n, s in states.items()]))
    assert trials.numbers == (0, 3)


def test_columns_hold_what_the_quantity_says_and_none_where_a_trial_has_nothing(make_trial):
    bare = replace(make_trial(1, 0.7, 20), replicates=(), costs=None, parameters={})
    trials = complete_trials(study_of([make_trial(0, 0.5, 10, noise_level=0.2), bare]))
    assert trials.column(ACCURACY) == (0.5, None)
    assert trials.column(PARAMS) == (10, None)
    assert trials.column(setting("noise_level")) == (0.2, None)
    assert trials.column(find_quantity("epoch_val_seconds", ())) == (0.1, None)


def test_an_axis_holds_finite_numbers_only(make_trial):
    trials = complete_trials(study_of([make_trial(i, x) for i, x in enumerate((math.nan, 1.0))]))
    assert trials.axis(ACCURACY) == (None, 1.0)


def test_an_axis_with_a_name_holds_names_only(make_trial):
    records = [make_trial(i, width=w) for i, w in enumerate((8, "auto", True))]
    assert complete_trials(study_of(records)).axis(setting("width")) == ("8", "auto", "True")


def test_a_point_carries_its_place_colour_and_words(make_trial):
    records = [make_trial(i, 0.5, 10 + i // 2, noise_level=0.1 * i) for i in range(3)]
    points = complete_trials(study_of(records)).points((PARAMS, ACCURACY), setting("noise_level"))
    assert [p[:3] for p in points] == [
        (0, (10, 0.5), 0.0),
        (1, (10, 0.5), 0.1),
        (2, (11, 0.5), 0.2),
    ]
    assert [p.words[0] for p in points] == [
        "<br>in the same place: trial 1",
        "<br>in the same place: trial 0",
        "",
    ]
    assert points[2].words[1:] == (
        "0.5000",
        "11",
        "1.0000",
        "1.5000",
        "64",
        "5,000",
        "2.0",
        "0.2",
    )


def test_the_hover_has_a_line_for_every_cell_in_its_order(make_trial):
    records = [make_trial(i, noise_level=0.1 * i, order="<b>a&b</b>") for i in range(2)]
    trials = complete_trials(study_of(records, "macs,val_loss"))
    assert [q.name for q in trials.metrics[:2]] == ["macs", "val_loss"]
    lines = hover_template(trials.metrics, trials.searched).split("<br>")
    assert lines[0] == "<b>trial %{customdata[0]}</b>%{customdata[1]}"
    assert lines[1:3] == ["macs: %{customdata[2]}", "val_loss: %{customdata[3]}"]
    assert lines[-2:] == ["", f"noise_level: %{{customdata[{len(lines) - 1}]}}<extra></extra>"]
    (point, _) = trials.points((ACCURACY, PARAMS), None)
    assert len(point.words) == len(lines) - 1  # one line is empty


def test_markup_and_variables_of_plotly_in_names_and_values_are_shown_as_text(make_trial):
    evil = Quantity(name="<i>%{x}", label="", is_metric=False)
    assert "&lt;i&gt;%&#123;x}: %{customdata[2]}" in hover_template((), (evil,))
    records = [make_trial(i, order=order) for i, order in enumerate(("<b>a&b</b>", "x"))]
    cells = complete_trials(study_of(records)).hover_cells[0]
    assert cells[-1] == "&lt;b&gt;a&amp;b&lt;/b&gt;"


def test_the_configuration_is_told_whole_and_escaped(make_trial):
    record = make_trial(0, order="<b>", **{"<i>": 1})
    lines = configuration_lines(record)
    assert len(lines) == len(record.parameters)
    assert "order: &lt;b&gt;" in lines
    assert "&lt;i&gt;: 1" in lines


def test_a_place_with_very_many_trials_names_a_few_and_counts_the_rest():
    lines = same_place_lines(range(1000), ["here"] * 1000)
    assert lines[0] == "<br>in the same place: trial 1, 2, 3, 4, 5, 6, 7, 8 and 991 more"
    assert lines[3] == "<br>in the same place: trial 0, 1, 2, 4, 5, 6, 7, 8 and 991 more"
    assert lines[999] == "<br>in the same place: trial 0, 1, 2, 3, 4, 5, 6, 7 and 991 more"


@settings(deadline=None)
@given(st.lists(st.integers(0, 4), max_size=12))
def test_trials_in_one_place_name_each_other_and_nobody_else(places):
    lines = same_place_lines(range(len(places)), places)
    for number, (place, line) in enumerate(zip(places, lines, strict=True)):
        others = [str(i) for i, other in enumerate(places) if other == place and i != number]
        named = line.removeprefix("<br>in the same place: trial ").split(" and ")[0].split(", ")
        assert named == (others[:8] or [""])


def test_a_table_holds_raw_values_in_the_order_asked_for(make_trial):
    records = [
        make_trial(0, 0.5, 10, noise_level=0.1),
        make_trial(1, math.nan, 20, noise_level=0.2, order="x"),
    ]
    trials = complete_trials(study_of(records))
    table = trials.table((1, 0))
    assert [q.name for q in table.settings] == ["noise_level", "order"]
    assert [q.name for q in table.metrics[:2]] == ["val_accuracy", "learnable_params"]
    assert table.rows[0][:2] == (1, (0.2, "x"))
    assert table.rows[0].metrics[:2] == (None, 20)
    assert table.rows[1] == TrialRow(
        trial=0,
        settings=(0.1, records[0].parameters["order"]),
        metrics=(0.5, 10, 1.0, 1.5, 64, 5000, 2.0),
    )


@pytest.mark.parametrize(
    ("values", "column"),
    [
        ([1, None, 2], [1, None, 2]),
        ([1, 2.5], [1.0, 2.5]),
        ([True, None], [True, None]),
        ([True, 1], ["True", "1"]),
        (["a", 1, None], ["a", "1", None]),
        ([], []),
    ],
)
def test_a_column_for_files_is_of_one_type(values, column):
    found = as_column(values)
    assert found == column
    assert list(map(type, found)) == list(map(type, column))


def test_the_words_count_what_is_not_drawn_and_warn_of_few(make_trial):
    study = study_of([make_trial(i) for i in range(3)])
    assert describe_complete(study, 2, (ACCURACY, PARAMS)) == [
        "digits, 3 trials (3 complete), 4 epochs each, one seed per trial.",
        "1 trial without finite values not drawn.",
        "The best of many validation accuracies is biased upwards.",
        "So few (2) tell little of the search space.",
    ]


def test_many_trials_over_costs_alone_need_no_warning(make_trial):
    study = study_of([make_trial(i) for i in range(10)])
    assert len(describe_complete(study, 10, (PARAMS,))) == 1


@pytest.mark.parametrize(
    ("states", "drawn", "text"),
    [
        ([], 0, "No trials yet: they appear as they complete."),
        (["failed", "pruned"], 0, "No trial completed: Progress tells why."),
        (["failed", "running"], 0, "No trial has completed its full budget yet."),
        (["complete"], 0, "No trial has all these values: change an axis."),
        (["complete"], 1, ""),
    ],
)
def test_an_empty_picture_says_what_to_do(make_trial, states, drawn, text):
    records = [make_trial(i, state=TrialState(state)) for i, state in enumerate(states)]
    assert tell_why_empty(study_of(records), drawn) == text


def test_the_selection_counts_the_trials_drawn():
    assert describe_selection([1, 2, 3], None) == []
    assert describe_selection([1, 2, 3], frozenset({2, 9})) == [
        "1 trial selected, the others faded."
    ]


@pytest.mark.parametrize(
    ("colours", "sentences"),
    [
        ([0.1, None], []),
        (["a", None], ["Colours and symbols: spatial layer."]),
        ([True], ["Colours and symbols: spatial layer."]),
        ([], []),
    ],
)
def test_colours_without_a_bar_are_explained_in_words(colours, sentences):
    points = [TrialPoint(i, (1.0, 1.0), colour, ()) for i, colour in enumerate(colours)]
    assert describe_colour(setting("layer"), points) == sentences


def test_the_picture_is_told_to_those_who_do_not_see_it():
    points = [TrialPoint(i, (1000.0 * i, 0.25 * i), None, ()) for i in range(1, 4)]
    assert describe_points("Scatter plot", points, (PARAMS, ACCURACY), points[:2]) == (
        "Scatter plot of 3 complete trials: learnable parameters 1,000 to 3,000, validation "
        "accuracy 0.2500 to 0.7500. 2 on the front: trial 1 (learnable parameters 1,000, "
        "validation accuracy 0.2500) to trial 2 (learnable parameters 2,000, validation accuracy "
        "0.5000)."
    )
    names = [TrialPoint(1, ("a", 0.5), None, ())]
    assert describe_points("Scatter plot", names, (setting("layer"), ACCURACY), names) == (
        "Scatter plot of 1 complete trial: spatial layer (1 name), validation accuracy 0.5000 to "
        "0.5000. 1 on the front: trial 1 (spatial layer a, validation accuracy 0.5000)."
    )
    assert describe_points("Scatter plot", [], (PARAMS, ACCURACY), []) == (
        "Scatter plot without a trial."
    )
