import math
from dataclasses import replace

import pytest

from dashboards.scene import Scene
from dashboards.view_options import ViewOptions
from dashboards.view_tables import front_table, named_table, trials_table
from study.results.run_record import RunState


@pytest.fixture
def scene(make_trial, study_of):
    records = [
        make_trial(0, 0.5, 10, noise_level=0.1),
        make_trial(1, 0.6, 20, noise_level=0.2, order="x", loss=math.nan),
    ]
    studies = (study_of(records),)
    return Scene(studies=studies, options=ViewOptions(), selected=None, now_ms=0)


def test_the_front_is_a_table_of_raw_values_in_its_order(scene):
    table = front_table(scene)
    assert [*table.headers][:5] == [
        "trial",
        "noise_level",
        "order",
        "val_accuracy",
        "learnable_params",
    ]
    order = scene.study.records[0].parameters["order"]
    assert [row[:5] for row in table.rows] == [(0, 0.1, order, 0.5, 10), (1, 0.2, "x", 0.6, 20)]
    assert table.columns["val_loss"] == [1.0, None]
    assert table.text("learnable_params", 1000) == "1,000"


def test_every_trial_is_a_row_with_its_state_and_reason(make_trial, study_of):
    failed = replace(make_trial(2, state=RunState.FAILED), replicates=(), reason="out of memory")
    study = study_of([make_trial(0, 0.5, fan_out=1), make_trial(1, 0.6, fan_out=2), failed])
    scene = Scene(studies=(study,), options=ViewOptions(), selected=None, now_ms=0)
    table = trials_table(scene)
    assert table.title == "3 trials of 3"
    assert [*table.headers][:4] == ["trial", "state", "val_accuracy", "learnable_params"]
    assert table.columns["val_accuracy"] == [0.5, 0.6, None]
    assert table.columns["reason"] == ["", "", "out of memory"]
    within = trials_table(replace(scene, selected=frozenset({2})))
    assert (within.title, within.columns["trial"]) == ("1 trial of 3", [2])


def test_values_without_a_quantity_are_texts_of_four_digits():
    table = named_table("stops", "Stops", {"val_accuracy": [0.123456, None], "why": ["a", "b"]})
    assert table.headers == {"val_accuracy": "val accuracy", "why": "why"}
    texts = [table.text("val_accuracy", value) for value in (*table.columns["val_accuracy"], "a")]
    assert texts == ["0.1235", "–", "a"]
