from dataclasses import replace

import pytest

from dashboards.elements.several_studies import clicks, describe_studies, named, what_differs
from study.results.run_record import RunState


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"dataset": "mnist"}, "data set mnist instead of digits"),
        ({"epochs": 9}, "9 epochs instead of 1"),
        (
            {"dataset": "mnist", "epochs": 9},
            "data set mnist instead of digits, 9 epochs instead of 1",
        ),
        (
            {"objectives": "val_accuracy,macs"},
            "objectives val_accuracy and macs instead of val_accuracy and learnable_params",
        ),
        ({"objectives": "learnable_params,val_accuracy"}, ""),
        ({"name": "b", "seed": 7, "sampler": "random", "trials": 99, "space": "other"}, ""),
    ],
)
def test_studies_differ_in_data_set_budget_and_objectives_alone(study_of, change, said):
    assert what_differs(study_of([], **change).info, study_of([]).info) == said


def test_few_studies_are_named_and_many_are_counted(study_of):
    studies = [study_of([], name) for name in "abcd"]
    assert named(studies[:3]) == "a, b, c"
    assert named(studies) == "4 studies"


def test_studies_of_one_data_set_and_budget_share_a_sentence(make_trial, study_of):
    trials = [make_trial(0), make_trial(1, state=RunState.FAILED)]
    curves = trials[0].replicates * 3
    studies = [
        study_of(trials, "a"),
        study_of([], "b", epochs=9),
        study_of([replace(trials[0], replicates=curves)], "c"),
        study_of(trials[:1], "d"),
    ]
    assert describe_studies(studies) == [
        "digits, 1 epoch each, one seed per trial: a (1 of 2 trials complete), d (1 of 1 trial "
        "complete).",
        "digits, 9 epochs each, one seed per trial: b (0 of 0 trials complete).",
        "digits, 1 epoch each, the mean of 3 seeds per trial: c (1 of 1 trial complete).",
    ]
    assert describe_studies(studies[1:2]) == [
        "digits, no trials yet, 9 epochs each, one seed per trial."
    ]


def test_clicks_open_trials_of_the_first_study_alone():
    assert clicks(0, (3, 5)) == [[3], [5]]
    assert clicks(1, (3, 5)) is None
