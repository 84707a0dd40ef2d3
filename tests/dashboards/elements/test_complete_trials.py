import gc
import math
import weakref
from dataclasses import replace

from dashboards.elements.complete_trials import _KEPT, complete_trials
from dashboards.elements.quantity import find_quantity, setting
from study.results.run_record import RunState

PARAMS = find_quantity("learnable_params", ())
ACCURACY = find_quantity("val_accuracy", ())


def test_a_study_is_gone_through_once_while_it_is_alive(make_trial, study_of):
    study = study_of([make_trial(0)])
    assert complete_trials(study) is complete_trials(study)
    assert complete_trials(replace(study)) is not complete_trials(study)


def test_nothing_is_kept_of_a_study_that_is_gone(make_trial, study_of):
    gc.collect()  # studies of earlier tests
    before = len(_KEPT)
    study = study_of([make_trial(0)])
    gone = weakref.ref(complete_trials(study))
    assert len(_KEPT) == before + 1
    del study
    gc.collect()
    assert gone() is None
    assert len(_KEPT) == before


def test_only_complete_trials_take_part_by_number(make_trial, study_of):
    states = {3: RunState.COMPLETE, 1: RunState.PRUNED, 0: RunState.COMPLETE}
    states |= {2: RunState.FAILED, 4: RunState.RUNNING}
    trials = complete_trials(study_of([make_trial(n, state=s) for n, s in states.items()]))
    assert trials.numbers == (0, 3)


def test_columns_hold_what_the_quantity_says_and_none_where_a_trial_has_nothing(
    make_trial, study_of
):
    bare = replace(make_trial(1, 0.7, 20), replicates=(), costs=None, parameters={})
    trials = complete_trials(study_of([make_trial(0, 0.5, 10, noise_level=0.2), bare]))
    assert trials.column(ACCURACY) == (0.5, None)
    assert trials.column(PARAMS) == (10, None)
    assert trials.column(setting("noise_level")) == (0.2, None)
    assert trials.column(find_quantity("epoch_val_seconds", ())) == (0.1, None)


def test_an_axis_holds_finite_numbers_only(make_trial, study_of):
    trials = complete_trials(study_of([make_trial(i, x) for i, x in enumerate((math.nan, 1.0))]))
    assert trials.axis(ACCURACY) == (None, 1.0)


def test_an_axis_with_a_name_holds_names_only(make_trial, study_of):
    records = [make_trial(i, width=w) for i, w in enumerate((8, "auto", True))]
    assert complete_trials(study_of(records)).axis(setting("width")) == ("8", "auto", "True")


def test_a_point_carries_its_place_colour_and_words(make_trial, study_of):
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
    assert points[2].words[1:] == ("0.5000", "11", "0.2")
