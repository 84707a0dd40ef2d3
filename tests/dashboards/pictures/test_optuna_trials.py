import gc
import math
import warnings

import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.importance import (
    FanovaImportanceEvaluator,
    PedAnovaImportanceEvaluator,
    get_param_importances,
)
from optuna.importance._fanova._tree import _FanovaTree

from dashboards.elements.complete_trials import complete_trials
from dashboards.elements.quantity import setting
from dashboards.pictures.optuna_trials import (
    FANOVA_TREES,
    distribution,
    importances,
    optuna_trials,
)
from study.results.objective import OBJECTIVES
from study.results.run_record import RunState

SETTINGS = settings(max_examples=25, deadline=None)  # a loaded machine is no failure
ACCURACY, LOSS = OBJECTIVES["val_accuracy"], OBJECTIVES["val_loss"]


@pytest.fixture
def convert(study_of):
    kept = []  # `complete_trials` lives as long as its study

    def convert(records, objective=ACCURACY, **arguments):
        kept.append(study_of(records))
        return optuna_trials(complete_trials(kept[-1]), objective, **arguments)

    return convert


def noise(make_trial, n, **settings):
    return [
        make_trial(i, i / n, noise_level=0.01 * (i + 1), mask_count=2 ** (i % 4), **settings)
        for i in range(n)
    ]


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("noise_level", [0.1, 5.0, 1.0], FloatDistribution(0.1, 5.0, log=True)),
        ("noise_level", [0.0, 5.0], FloatDistribution(0.0, 5.0)),
        ("mask_count", [64, 8, 8], IntDistribution(8, 64, log=True)),
        ("fan_out", [4, 1, None], IntDistribution(1, 4)),
        ("momentum", [0, 0.9], FloatDistribution(0.0, 0.9)),
        ("optimizer", ["sgd", "adam", None], CategoricalDistribution(("adam", "sgd"))),
        ("unique_masks", [True, False], CategoricalDistribution((False, True))),
        ("schedule", ["none", 3], CategoricalDistribution((3, "none"))),
    ],
)
def test_values_become_the_distribution_that_holds_them(name, values, expected):
    assert distribution(setting(name), values) == expected


def test_few_numbers_are_choices_where_that_is_asked_for():
    found = [distribution(setting("mask_count"), [8, 16, 32], choices=n) for n in (2, 3)]
    assert found == [IntDistribution(8, 32, log=True), CategoricalDistribution((16, 32, 8))]


def test_complete_trials_are_told_as_they_are_and_no_others(convert, make_trial):
    records = [
        make_trial(7, 0.7, noise_level=0.5),
        make_trial(2, 0.2, noise_level=0.1),
        make_trial(3, 0.9, noise_level=9.0, state=RunState.FAILED),
        make_trial(4, 0.9, noise_level=9.0, state=RunState.PRUNED),
    ]
    found = convert(records)
    expected = FloatDistribution(0.1, 0.5, log=True)
    assert [(t.value, t.params, t.distributions) for t in found.study.trials] == [
        (0.2, {"noise_level": 0.1}, {"noise_level": expected}),
        (0.7, {"noise_level": 0.5}, {"noise_level": expected}),
    ]
    assert (found.trials, found.of) == (2, 2)
    assert {trial.state for trial in found.study.trials} == {optuna.trial.TrialState.COMPLETE}


@pytest.mark.parametrize("objective", [ACCURACY, LOSS])
def test_the_study_has_the_direction_of_its_objective(convert, make_trial, objective):
    study = convert([make_trial(0), make_trial(1)], objective).study
    assert study.direction.name.lower() == objective.direction


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_trials_without_a_finite_value_are_left_out(convert, make_trial, value):
    records = [make_trial(0, loss=1.0), make_trial(1, loss=value), make_trial(2, loss=2.0)]
    found = convert(records, LOSS)
    assert [trial.value for trial in found.study.trials] == [1.0, 2.0]
    assert found.of == 2


def test_a_setting_that_some_trials_lack_is_named_and_absent_from_them(convert, make_trial):
    records = noise(make_trial, 4, momentum=0.9)
    for i, record in enumerate(records):
        record.parameters["momentum"] = 0.1 * i
    del records[2].parameters["momentum"]
    found = convert(records)
    assert [quantity.name for quantity in found.conditional] == ["momentum"]
    assert ["momentum" in trial.params for trial in found.study.trials] == [1, 1, 0, 1]


def test_a_number_that_is_not_finite_counts_as_lacking(convert, make_trial):
    records = noise(make_trial, 4)
    records[1].parameters["noise_level"] = math.nan
    found = convert(records)
    assert [quantity.name for quantity in found.conditional] == ["noise_level"]
    assert "noise_level" not in found.study.trials[1].params


def test_a_setting_of_one_value_among_complete_trials_is_no_parameter(convert, make_trial):
    records = [
        *noise(make_trial, 3, width=8),
        make_trial(3, width=16, state=RunState.FAILED),
    ]
    found = convert(records)
    assert "width" in [quantity.name for quantity in found.constant]
    assert "width" not in [quantity.name for quantity in found.settings]


def test_zero_stands_apart_where_that_gives_a_range_its_logarithm(convert, make_trial):
    levels = (0.0, 0.01, 1.0, 0.0)
    found = convert([make_trial(i, noise_level=level) for i, level in enumerate(levels)])
    first, *others, last = (trial.params["noise_level"] for trial in found.study.trials)
    assert others == [0.01, 1.0]
    assert 0 < first == last < 0.01
    expected = FloatDistribution(first, 1.0, log=True)
    assert found.study.trials[0].distributions["noise_level"] == expected


def test_zero_stays_zero_on_a_linear_range(convert, make_trial):
    found = convert([make_trial(i, momentum=value) for i, value in enumerate((0.0, 0.9))])
    assert [trial.params["momentum"] for trial in found.study.trials] == [0, 0.9]


def test_many_names_are_crowded_and_many_numbers_are_not(convert, make_trial):
    records = [make_trial(i, i / 9, order=f"order {i}", noise_level=i + 0.1) for i in range(9)]
    found = convert(records)
    assert [quantity.name for quantity in found.crowded] == ["order"]


@pytest.mark.parametrize(("accuracies", "flat"), [([], True), ([0.5] * 3, True), ([0, 1], False)])
def test_an_objective_of_one_value_is_flat(convert, make_trial, accuracies, flat):
    records = [make_trial(i, accuracy) for i, accuracy in enumerate(accuracies)]
    assert convert(records).is_flat is flat


def test_a_sample_is_of_the_size_asked_for_and_always_the_same(convert, make_trial):
    records = noise(make_trial, 30)
    first, second, other = (convert(records, limit=10, seed=seed) for seed in (0, 0, 1))
    values = [[trial.value for trial in found.study.trials] for found in (first, second, other)]
    assert len(values[0]) == first.trials == 10
    assert first.of == 30
    assert values[0] == values[1] != values[2]
    assert values[0] == sorted(values[0])
    assert convert(records, limit=30).trials == 30


@SETTINGS
@given(st.data())
def test_shares_are_those_that_optuna_gives_for_the_same_study(make_trial, study_of, data):
    rows = data.draw(
        st.lists(
            st.tuples(st.integers(0, 20), st.sampled_from([0.1, 0.4, 2.0]), st.integers(1, 6)),
            min_size=4,
            max_size=30,
        )
    )
    records = [
        make_trial(i, accuracy / 20, noise_level=level, fan_out=fan_out)
        for i, (accuracy, level, fan_out) in enumerate(rows)
    ]
    study = study_of(records)
    found = optuna_trials(complete_trials(study), ACCURACY)
    if found.is_flat or not found.settings:
        return
    shares = importances(found, "ped_anova", seed=0)
    stock = optuna.create_study(direction="maximize")
    stock.add_trials(found.study.trials)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of few trials, and of ties
        expected = get_param_importances(stock, evaluator=PedAnovaImportanceEvaluator())
    if shares:
        assert {q.name: share for q, share in shares.items()} == pytest.approx(expected)
        assert sum(shares.values()) == pytest.approx(1)
    else:  # where Optuna gives equal shares of nothing
        assert len(set(expected.values())) == 1


@pytest.mark.parametrize("evaluator", ["ped_anova", "fanova"])
def test_what_decides_is_found_to_matter_most(convert, make_trial, evaluator):
    records = [
        make_trial(i, (i % 10) / 10, noise_level=0.1 + i % 10, batch_size=10 + i * 7 % 11)
        for i in range(110)
    ]
    found = convert(records)
    shares = {q.name: share for q, share in importances(found, evaluator, seed=0).items()}
    assert shares["noise_level"] > 0.8
    assert importances(found, evaluator, seed=0) == importances(found, evaluator, seed=0)


def test_a_setting_that_does_nothing_does_not_matter_for_being_in_some_trials_only(
    convert, make_trial
):
    records = [
        make_trial(i, (i % 97) / 97, noise_level=0.1 + i % 97, momentum=(0.0, 0.9)[i // 3 % 2])
        for i in range(400)
    ]
    for record in records[::2]:
        del record.parameters["momentum"]
    found = convert(records, choices=12)
    shares = {q.name: share for q, share in importances(found, "ped_anova", seed=0).items()}
    assert shares["momentum"] < 0.05


def test_fanova_leaves_out_what_it_cannot_assess(convert, make_trial):
    records = [
        make_trial(i, i / 12, noise_level=0.1 + i, order=f"order {i}", momentum=0.1 * i)
        for i in range(12)
    ]
    del records[0].parameters["momentum"]
    shares = importances(convert(records), "fanova", seed=0)
    assert [quantity.name for quantity in shares] == ["noise_level"]


def test_fanova_without_anything_to_assess_finds_nothing(convert, make_trial):
    records = [make_trial(i, i / 12, order=f"order {i}") for i in range(12)]
    assert importances(convert(records), "fanova", seed=0) == {}


def test_a_forest_that_finds_no_difference_tells_nothing(convert, make_trial, monkeypatch):
    def refuse(*_arguments, **_named):
        raise RuntimeError("Encountered zero total variance in all trees.")

    monkeypatch.setattr(FanovaImportanceEvaluator, "evaluate", refuse)
    assert importances(convert(noise(make_trial, 6)), "fanova", seed=0) == {}


def test_no_tree_of_a_forest_is_kept(convert, make_trial, monkeypatch):
    planted = []
    evaluate = FanovaImportanceEvaluator.evaluate

    def count(*arguments, **named):
        found = evaluate(*arguments, **named)
        planted.extend(trees_alive())
        return found

    monkeypatch.setattr(FanovaImportanceEvaluator, "evaluate", count)
    importances(convert(noise(make_trial, 30)), "fanova", seed=0)
    assert len(planted) == FANOVA_TREES
    planted.clear()
    gc.collect()
    assert trees_alive() == []


def trees_alive():
    return [thing for thing in gc.get_objects() if type(thing) is _FanovaTree]


def test_nothing_is_logged(convert, make_trial, capfd):
    importances(convert(noise(make_trial, 6)), "ped_anova", seed=0)
    assert tuple(capfd.readouterr()) == ("", "")
