import pytest

from dashboards.elements.complete_trials import TrialPoint
from dashboards.elements.quantity import find_quantity, setting
from dashboards.elements.trial_words import (
    describe_colour,
    describe_complete,
    describe_points,
    describe_selection,
    describe_undrawn,
    tell_why_empty,
)
from study.results.run_record import RunState

PARAMS = find_quantity("learnable_params", ())
ACCURACY = find_quantity("val_accuracy", ())


def test_the_words_count_what_is_not_drawn_and_warn_of_few(make_trial, study_of):
    study = study_of([make_trial(i) for i in range(3)])
    assert describe_complete(study, 2, (ACCURACY, PARAMS)) == [
        "digits, 3 trials (3 complete), 1 epoch each, one seed per trial.",
        "The best of many validation accuracies is biased upwards.",
        "So few (2) tell little of the search space.",
    ]
    assert describe_undrawn(study, 2) == ["1 trial without finite values not drawn."]
    assert describe_undrawn(study, 3) == []


def test_many_trials_over_costs_alone_need_no_warning(make_trial, study_of):
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
def test_an_empty_picture_says_what_to_do(make_trial, study_of, states, drawn, text):
    records = [make_trial(i, state=RunState(state)) for i, state in enumerate(states)]
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
