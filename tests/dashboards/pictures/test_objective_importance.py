import gc
import threading
import time
import weakref

import pytest

from dashboards.elements.complete_trials import complete_trials
from dashboards.pictures import objective_importance
from dashboards.pictures.objective_importance import MOST_KEPT, evaluate_importance
from study.results.objective import parse_objectives
from study.results.run_record import RunState

OBJECTIVES = parse_objectives("val_accuracy,learnable_params")


@pytest.fixture
def evaluated(monkeypatch):
    """Evaluations, in the order in which they were made; none is known before."""
    made = []
    importances = objective_importance.importances

    def note(trials, evaluator, **arguments):
        made.append(evaluator)
        return importances(trials, evaluator, **arguments)

    monkeypatch.setattr(objective_importance, "importances", note)
    monkeypatch.setattr(objective_importance, "_KEPT", {})
    return made


@pytest.fixture
def evaluate(study_of):
    def evaluate(records, evaluator="ped_anova", limit=None, objectives=OBJECTIVES):
        study = study_of(records)
        return evaluate_importance(complete_trials(study), objectives, evaluator, limit=limit)

    return evaluate


@pytest.fixture
def make_trials(make_trial):
    def make(n=12):
        return [
            make_trial(i, i / n, 10 * (i + 1), noise_level=0.1 + i, mask_count=8 + i % 3)
            for i in range(n)
        ]

    return make


def test_the_same_complete_trials_are_evaluated_once_whatever_study_holds_them(
    make_trials, make_trial, evaluate, evaluated
):
    first = evaluate(make_trials())
    assert evaluated == ["ped_anova"] * len(OBJECTIVES)
    running = make_trial(12, noise_level=0.1, mask_count=8, state=RunState.RUNNING)
    assert evaluate([*make_trials(), running]) is first
    assert len(evaluated) == len(OBJECTIVES)


def test_one_more_trial_or_another_value_or_question_is_evaluated_anew(
    make_trials, make_trial, evaluate, evaluated
):
    changed = make_trials()
    changed[3].parameters["noise_level"] = 7.5
    evaluate(make_trials())
    for arguments in (
        ([*make_trials(), make_trial(12, 0.1, 5, noise_level=0.1, mask_count=8)],),
        (changed,),
        (make_trials(), "fanova"),
        (make_trials(), "ped_anova", 11),
        (make_trials(), "ped_anova", None, OBJECTIVES[::-1]),
    ):
        before = len(evaluated)
        evaluate(*arguments)
        assert len(evaluated) == before + len(OBJECTIVES)


def test_truth_values_are_not_the_numbers_that_equal_them(make_trials, evaluate, evaluated):
    for kind in (bool, int, float):
        records = make_trials()
        for i, record in enumerate(records):
            record.parameters["momentum"] = kind(i % 2)
        evaluate(records)
    assert len(evaluated) == 3 * len(OBJECTIVES)


def test_no_more_evaluations_are_kept_than_are_looked_at_and_the_oldest_goes(
    make_trials, evaluate, evaluated
):
    sizes = range(4, 4 + MOST_KEPT)
    for n in (*sizes, sizes[0], 30):
        evaluate(make_trials(n))
    assert len(objective_importance._KEPT) == MOST_KEPT
    before = len(evaluated)
    evaluate(make_trials(sizes[0]))  # asked for again just before
    assert len(evaluated) == before
    evaluate(make_trials(sizes[1]))
    assert len(evaluated) == before + len(OBJECTIVES)


def test_nothing_of_the_study_is_kept(make_trials, study_of, evaluated, monkeypatch):
    importances, given = objective_importance.importances, []

    def note(trials, *arguments, **named):
        given.append(weakref.ref(trials.study))
        return importances(trials, *arguments, **named)

    monkeypatch.setattr(objective_importance, "importances", note)
    study = study_of(make_trials())
    given.append(weakref.ref(complete_trials(study)))
    evaluate_importance(complete_trials(study), OBJECTIVES, "ped_anova", limit=None)
    assert len(given) == 1 + len(OBJECTIVES)
    del study
    gc.collect()
    assert [reference() for reference in given] == [None] * len(given)


def test_pages_that_ask_at_once_wait_for_one_evaluation(
    make_trials, evaluate, evaluated, monkeypatch
):
    importances = objective_importance.importances

    def slow(*arguments, **named):
        time.sleep(0.05)
        return importances(*arguments, **named)

    monkeypatch.setattr(objective_importance, "importances", slow)
    found = []
    pages = [
        threading.Thread(target=lambda: found.append(evaluate(make_trials()))) for _ in range(4)
    ]
    for page in pages:
        page.start()
    for page in pages:
        page.join()
    assert len(found) == 4
    assert all(one is found[0] for one in found)
    assert len(evaluated) == len(OBJECTIVES)
