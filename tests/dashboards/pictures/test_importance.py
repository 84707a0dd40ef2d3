import json
import math
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboards.pictures.importance import (
    IMPORTANCE,
    get_importance_figure,
    get_importance_info,
)
from study.results.objective import OBJECTIVES
from study.results.run_record import RunState

SETTINGS = settings(max_examples=25, deadline=None)  # a loaded machine is no failure
EVIL = '"><img src=x onerror=alert(1)><script>'

rows = st.lists(
    st.tuples(
        st.integers(0, 4),
        st.integers(1, 4),
        st.just(RunState.COMPLETE) | st.sampled_from(RunState),
        st.sampled_from([0.0, 0.01, 0.2, 5.0]),
        st.sampled_from(["adam", "sgd"]),
        st.sampled_from([0.5, 1.0, math.nan, math.inf]),
    ),
    max_size=14,
)


@pytest.fixture
def make_trials(make_trial):
    """Trials whose accuracy follows the noise level alone, and whose size the masks alone."""

    def make(n, **settings):
        return [
            make_trial(
                i,
                (i % 11) / 11,
                (8, 16, 32)[i % 3] * 100,
                noise_level=0.1 + i % 11,
                mask_count=(8, 16, 32)[i % 3],
                **settings,
            )
            for i in range(n)
        ]

    return make


def bars(info):
    """For each objective its settings, the most important first."""
    return {
        importance.objective.name: [bar.setting.name for bar in importance.bars]
        for importance in info.objectives
    }


def headings(figure):
    return [annotation.text.replace("<br>", " ") for annotation in figure.layout.annotations]


@pytest.mark.parametrize("evaluator", ["ped_anova", "fanova"])
def test_each_objective_has_its_settings_the_most_important_first(make_trials, study_of, evaluator):
    info = get_importance_info(study_of(make_trials(99)), evaluator=evaluator)
    assert bars(info) == {
        "val_accuracy": ["noise_level", "mask_count"],
        "learnable_params": ["mask_count", "noise_level"],
    }
    for found in info.objectives:
        shares = [bar.importance for bar in found.bars]
        assert shares == sorted(shares, reverse=True)
        assert sum(shares) == pytest.approx(1)
        assert (found.trials, found.of, found.is_trusted, found.note) == (99, 99, True, "")
    assert (info.title, info.instead) == ("What matters for each objective: noise-1", "")


def test_the_caption_says_how_of_what_and_what_not_to_conclude(make_trials, study_of):
    caption = get_importance_info(study_of(make_trials(99))).caption
    assert caption == (
        "digits, 99 trials (99 complete), 1 epoch each, one seed per trial. "
        "PED-ANOVA: how far a setting's values in the best tenth of the trials differ from those "
        "in all of them. Complete trials only. "
        "A formula of the sizes gives learnable parameters: there, importance tells which sizes "
        "were tried. Importance has no direction, and adds up to 1 even where nothing matters."
    )


@pytest.mark.parametrize(
    ("trials", "settings", "trusted"),
    [(49, 2, False), (50, 2, True), (59, 6, False), (60, 6, True)],
)
def test_bars_are_trusted_from_fifty_trials_and_ten_for_each_setting(
    make_trials, study_of, trials, settings, trusted
):
    records = make_trials(trials)
    for i, record in enumerate(records):
        more = ("batch_size", "fan_out", "learning_rate", "momentum")[: settings - 2]
        record.parameters.update(dict.fromkeys(more, 1 + i % 5))
    info = get_importance_info(study_of(records))
    assert all(len(importance.bars) == settings for importance in info.objectives)
    assert [importance.is_trusted for importance in info.objectives] == [trusted, trusted]
    assert ("Hatched bars are not to be trusted" in info.caption) is not trusted
    (plain, hatched) = get_importance_figure(info).data
    assert (len(plain.x), len(hatched.x))[not trusted] == 2 * settings
    assert (hatched.marker.pattern.shape, plain.marker.pattern.shape) == ("/", None)
    assert (hatched.showlegend, plain.showlegend) == (not trusted, False)


def test_fanova_looks_at_a_sample_and_says_so(make_trials, study_of):
    info = get_importance_info(study_of(make_trials(80)), evaluator="fanova", limit=60)
    assert {(found.trials, found.of) for found in info.objectives} == {(60, 80)}
    assert " Of 60 of the 80 complete trials, drawn with seed 0. " in info.caption
    assert info == get_importance_info(study_of(make_trials(80)), evaluator="fanova", limit=60)
    whole = get_importance_info(study_of(make_trials(80)), limit=60)
    assert {found.trials for found in whole.objectives} == {80}


def test_an_objective_of_one_value_has_no_bars_and_says_why(make_trials, study_of, make_trial):
    records = [make_trial(i, i / 60, 1000, noise_level=0.1 + i) for i in range(60)]
    info = get_importance_info(study_of(records))
    assert bars(info) == {"val_accuracy": ["noise_level"], "learnable_params": []}
    assert " No bars for learnable parameters: all trials alike. " in info.caption
    assert headings(get_importance_figure(info)) == [
        "<b>Validation accuracy (n = 60)</b>",
        "<b>Learnable parameters (all trials alike)</b>",
    ]


def test_a_setting_of_one_value_among_complete_trials_is_named(make_trials, study_of, make_trial):
    records = [*make_trials(9, width=4), make_trial(9, width=8, state=RunState.FAILED)]
    info = get_importance_info(study_of(records))
    assert "width" not in bars(info)["val_accuracy"]
    assert " complete trials hold one value of it: width" in info.caption


@pytest.mark.parametrize(
    ("evaluator", "sentence", "assessed"),
    [
        ("ped_anova", "Assessed among the trials that have it: momentum.", True),
        ("fanova", "Not assessed by fANOVA, as some trials do not have it: momentum.", False),
    ],
)
def test_a_setting_that_some_trials_lack_is_named(
    make_trials, study_of, evaluator, sentence, assessed
):
    records = make_trials(12)
    for i, record in enumerate(records):
        record.parameters["momentum"] = 0.1 * i
    del records[3].parameters["momentum"]
    info = get_importance_info(study_of(records), evaluator=evaluator)
    assert sentence in info.caption
    assert ("momentum" in bars(info)["val_accuracy"]) is assessed


def test_pruned_and_failed_trials_count_nothing(make_trials, study_of, make_trial):
    complete = make_trials(60)
    others = [
        make_trial(60 + i, 0.99, 1, noise_level=9.0, mask_count=8, state=state)
        for i, state in enumerate([RunState.FAILED, RunState.PRUNED, RunState.RUNNING])
    ]
    info, expected = (
        get_importance_info(study_of(records)) for records in (complete + others, complete)
    )
    assert info.objectives == expected.objectives


@pytest.mark.parametrize(
    ("n", "changes", "message"),
    [
        (0, {}, "Importance needs at least two complete trials: wait, or run more."),
        (1, {}, "Importance needs at least two complete trials: wait, or run more."),
        (
            5,
            {"noise_level": 1.0, "mask_count": 8},
            "All trials have the same settings: search one of them to see what it does.",
        ),
        (
            5,
            {"accuracy": 0.5, "params": 10},
            "No setting makes a difference that can be measured: run more trials.",
        ),
    ],
)
def test_where_nothing_can_be_said_the_picture_says_what_to_do(
    make_trial, study_of, n, changes, message
):
    records = [
        make_trial(i, **{"noise_level": 0.1 + i, "mask_count": 8} | changes) for i in range(n)
    ]
    info = get_importance_info(study_of(records))
    assert info.instead == message
    figure = IMPORTANCE.picture(info).figure
    assert headings(figure) == [message]
    assert not figure.data


def test_all_failed_is_told_as_no_complete_trial(make_trial, study_of):
    info = get_importance_info(study_of([make_trial(i, state=RunState.FAILED) for i in range(3)]))
    assert info.instead.startswith("Importance needs at least two complete trials")
    assert "3 trials (3 failed)" in info.caption


def test_a_bar_is_as_long_as_its_importance_and_stands_by_its_name(make_trials, study_of):
    info = get_importance_info(study_of(make_trials(99)))
    figure = get_importance_figure(info)
    (trace, _) = figure.data
    rows = dict(zip(figure.layout.yaxis.tickvals, figure.layout.yaxis.ticktext, strict=True))
    drawn = [(rows[y], x, text) for x, y, text in zip(trace.x, trace.y, trace.text, strict=True)]
    assert drawn == [
        (bar.setting.short.capitalize(), bar.importance, f"{bar.importance:.2f}")
        for importance in info.objectives
        for bar in importance.bars
    ]
    assert len(set(trace.y)) == len(trace.y)
    assert trace.orientation == "h"


def test_each_block_of_bars_stands_under_its_heading(make_trials, study_of):
    figure = get_importance_figure(get_importance_info(study_of(make_trials(99))))
    first, second = (annotation.y for annotation in figure.layout.annotations)
    top, bottom = figure.layout.yaxis.range[::-1]
    y = figure.data[0].y
    assert top < first < y[0] < y[1] < second < y[2] < y[3] < bottom


def test_a_number_of_two_values_that_does_nothing_matters_little(make_trials, study_of):
    records = make_trials(400)
    for i, record in enumerate(records):
        record.parameters["momentum"] = (0.0, 0.9)[i // 7 % 2]
    info = get_importance_info(study_of(records))
    shares = {bar.setting.name: bar.importance for bar in info.objectives[0].bars}
    assert shares["momentum"] < 0.05


def test_ten_objectives_make_the_picture_higher(make_trials, study_of):
    all_of_them = ",".join(OBJECTIVES)
    one, many = (
        get_importance_figure(get_importance_info(study_of(make_trials(20), objectives=objectives)))
        for objectives in ("val_accuracy", all_of_them)
    )
    assert many.layout.height > one.layout.height + 5 * 24
    assert len(many.layout.annotations) == len(OBJECTIVES)


def test_names_from_elsewhere_are_text(make_trials, study_of):
    records = make_trials(9)
    for i, record in enumerate(records):
        record.parameters[EVIL] = i
    figure = get_importance_figure(get_importance_info(study_of(records)))
    shown = [*figure.layout.yaxis.ticktext, *figure.data[1].hovertext]
    assert any("&lt;" in text for text in shown)
    assert not any("<" in text for text in shown)


def test_the_table_holds_every_bar(make_trials, study_of):
    info = get_importance_info(study_of(make_trials(99)))
    picture = IMPORTANCE.picture(info)
    assert picture.name == "importance"
    assert list(picture.data["setting"]) == [
        name for names in bars(info).values() for name in names
    ]
    assert list(picture.data["trials"]) == [99] * 4
    assert list(picture.data["importance"]) == [
        bar.importance for importance in info.objectives for bar in importance.bars
    ]


def test_bars_that_are_not_to_be_trusted_carry_no_digits_anywhere(make_trials, study_of):
    info = get_importance_info(study_of(make_trials(20)))
    traces = get_importance_figure(info).data
    told = [*(t for trace in traces for t in (*trace.text, *trace.hovertext)), info.description]
    assert "too few to say how much it matters" in told[-2]
    assert "not to be trusted: noise level" in info.description
    assert not any(re.search(r"0\.\d", text) for text in told)


def test_the_description_names_what_matters_most(make_trials, study_of):
    description = get_importance_info(study_of(make_trials(99))).description
    assert "validation accuracy: noise level ℓ 1.00" in description


@SETTINGS
@given(rows, st.sampled_from(["val_accuracy,learnable_params", "val_loss", ",".join(OBJECTIVES)]))
def test_any_trials_give_a_picture(make_trial, study_of, rows, objectives):
    records = [
        make_trial(
            i, accuracy / 4, params, state=state, noise_level=level, optimizer=optimizer, loss=loss
        )
        for i, (accuracy, params, state, level, optimizer, loss) in enumerate(rows)
    ]
    for i, record in enumerate(records):
        if i % 3:
            record.parameters["momentum"] = 0.5 * (i % 2)
    info = get_importance_info(study_of(records, objectives=objectives))
    for importance in info.objectives:
        assert not importance.is_trusted
        assert bool(importance.bars) is not bool(importance.note)
        if importance.bars:
            assert sum(bar.importance for bar in importance.bars) == pytest.approx(1)
    json.loads(IMPORTANCE.picture(info).figure.to_json())


def test_fanova_takes_few_and_odd_trials(make_trial, study_of):
    for n in range(5):
        records = [make_trial(i, i / 4, loss=math.nan, noise_level=0.1 + i) for i in range(n)]
        info = get_importance_info(
            study_of(records, objectives="val_accuracy,val_loss"), evaluator="fanova"
        )
        assert bars(info)["val_loss"] == []
        assert bool(bars(info)["val_accuracy"]) is (n > 1)
