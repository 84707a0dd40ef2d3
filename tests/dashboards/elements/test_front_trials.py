import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboards.elements.complete_trials import complete_trials
from dashboards.elements.front_trials import (
    describe_front,
    get_front_trials,
    hover_data,
    trial_columns,
)
from dashboards.elements.quantity import find_quantity, setting
from pnn_core.config import CLASSIFICATION
from study.results.objective import objectives_of
from study.results.pareto import front
from study.results.run_record import RunState

ACCURACY, PARAMS, LOSS = (
    find_quantity(name, ()) for name in ("val_accuracy", "learnable_params", "val_loss")
)

rows = st.lists(
    st.tuples(
        st.integers(0, 4),
        st.integers(1, 4),
        st.integers(1, 4),
        st.just(RunState.COMPLETE) | st.sampled_from(RunState),
        st.sampled_from([0.0, 0.01, 0.2, 5.0]),
    ),
    max_size=12,
)
NAMES = (*objectives_of(CLASSIFICATION),)
objective_sets = st.sampled_from(
    ["val_accuracy,learnable_params", "val_loss,val_accuracy", "macs", ",".join(NAMES)]
)
axes_sets = st.lists(
    st.sampled_from([find_quantity(name, ()) for name in NAMES]), min_size=2, max_size=3
)


@settings(max_examples=40, deadline=None)  # a loaded machine is no failure
@given(rows, objective_sets, axes_sets)
def test_every_complete_trial_stands_once_where_its_metrics_say_and_the_front_is_the_records_front(
    make_trial, study_of, rows, objectives, axes
):
    records = [
        make_trial(number, accuracy / 4, params, macs=macs, state=state, noise_level=noise)
        for number, (accuracy, params, macs, state, noise) in enumerate(rows)
    ]
    study = study_of(records, objectives=objectives)
    trials = get_front_trials(study, axes, None, None)
    complete = [r.number for r in records if r.state is RunState.COMPLETE]
    assert sorted(point.number for point in trials.points) == complete
    on_front = tuple(record.number for record in front(records, study.info.objectives))
    assert complete_trials(study).front == on_front
    assert sorted(point.number for point in trials.front) == sorted(on_front)
    for point in trials.points:
        metrics = records[point.number].metrics()
        assert point.place == tuple(metrics[axis.name] for axis in axes)
        if trials.colour:
            assert point.colour == records[point.number].parameters["noise_level"]
    firsts = [point.place[0] for point in trials.front]
    assert firsts == sorted(firsts, reverse=axes[0].direction == "maximize")
    study = study_of(records[::-1], objectives=objectives)
    assert get_front_trials(study, axes, None, None) == trials


def test_a_front_over_a_quantity_to_maximise_starts_at_its_largest(make_trial, study_of):
    records = [make_trial(0, 0.2, 100), make_trial(1, 0.9, 300), make_trial(2, 0.5, 200)]
    trials = get_front_trials(study_of(records), (ACCURACY, PARAMS), None, None)
    assert trials.places(0) == [0.9, 0.5, 0.2]


def test_the_noise_level_colours_else_the_first_searched_setting(make_trial, study_of):
    records = [make_trial(i, mask_count=8 * (i + 1), batch_size=i + 1) for i in range(2)]
    noisy = [make_trial(i, mask_count=i, noise_level=i) for i in range(2)]

    def colour(records, wanted=None):
        return get_front_trials(study_of(records), (PARAMS, ACCURACY), wanted, None).colour

    assert colour(records).name == "mask_count"
    assert colour(noisy).name == "noise_level"
    assert colour(noisy, setting("layer")) == setting("layer")
    assert colour(records[:1]) is None


@pytest.mark.parametrize("axis", [LOSS, setting("momentum")])
def test_a_trial_without_a_finite_place_is_left_out_and_counted(make_trial, study_of, axis):
    records = [
        make_trial(0, loss=math.nan),
        make_trial(1, loss=math.inf),
        replace(make_trial(2), replicates=()),
        make_trial(3, momentum=0.9),
    ]
    study = study_of(records)
    trials = get_front_trials(study, (axis, PARAMS), None, None)
    assert [point.number for point in trials.points] == [3]
    assert "3 trials without finite values not drawn." in describe_front(study, trials, [])


def test_the_caption_tells_what_stands_beside_then_colours_and_selection(make_trial, study_of):
    study = study_of([make_trial(i, layer=f"layer{i}") for i in range(3)])
    selected = frozenset({0, 2, 9})
    trials = get_front_trials(study, (PARAMS, LOSS), setting("layer"), selected)
    assert describe_front(study, trials, ["Beside.", "More."]) == (
        "Beside.",
        "More.",
        "Colours and symbols: spatial layer.",
        "2 trials selected, the others faded.",
    )


def test_the_hover_shows_metrics_and_searched_settings(make_trial, study_of):
    records = [make_trial(0, 0.5, noise_level=0.5), make_trial(2, 0.9, 3000, noise_level=0.2)]
    trials = get_front_trials(study_of(records), (PARAMS, ACCURACY), None, None)
    row = hover_data(trials.points)[-1].tolist()
    assert row[:4] == [2, "", "0.9000", "3,000"]
    assert row[-1] == "0.2"
    assert trials.hover.endswith(f"noise_level: %{{customdata[{len(row) - 1}]}}<extra></extra>")


def test_trials_in_the_same_place_name_each_other(make_trial, study_of):
    records = [make_trial(0), make_trial(3), make_trial(5, 0.9, 2000), make_trial(9)]
    trials = get_front_trials(study_of(records), (PARAMS, ACCURACY), None, None)
    assert {point.number: point.words[0] for point in trials.points} == {
        0: "<br>in the same place: trial 3, 9",
        3: "<br>in the same place: trial 0, 9",
        9: "<br>in the same place: trial 0, 3",
        5: "",
    }


def test_columns_tell_the_kind_of_each_trial_and_its_colour(make_trial, study_of):
    records = [make_trial(0, 0.5, 100), make_trial(1, 0.4, 200), make_trial(2, 0.9, 300)]
    for record, value in zip(records, (1, "two", None), strict=True):
        record.parameters["noise_level"] = value
    study = study_of(records)
    trials = get_front_trials(study, (PARAMS, ACCURACY), None, None)
    assert trial_columns(trials) == {
        "kind": ["trial", "front", "front"],
        "trial": [1, 0, 2],
        "noise_level": ["two", "1", None],
    }
    assert [*trial_columns(trials._replace(colour=None))] == ["kind", "trial"]
