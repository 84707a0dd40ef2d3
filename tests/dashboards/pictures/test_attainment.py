import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboards.pictures.attainment import (
    ATTAINMENT,
    get_attainment_figure,
    get_attainment_info,
)
from study.results.run_record import RunState

# A loaded machine is no failure.
SETTINGS = settings(max_examples=60, deadline=None)

points = st.lists(st.tuples(st.integers(1, 6), st.integers(0, 6)), min_size=1, max_size=8)


@pytest.fixture(scope="session")
def make_run(make_trial, study_of):
    """A study with trials of the given parameters and accuracies."""

    def make(seed, places, *, state=RunState.COMPLETE, **changes):
        records = [make_trial(i, y, x, state=state) for i, (x, y) in enumerate(places)]
        return study_of(records, **{"name": f"run-{seed}", "seed": seed, **changes})

    return make


def levels(method):
    return {line.level: [*zip(line.x, line.y, strict=True)] for line in method.lines}


def test_three_runs_give_exactly_these_lines(make_run):
    runs = [
        make_run(0, [(10, 0.2), (20, 0.8)]),
        make_run(1, [(10, 0.4), (30, 0.6)]),
        make_run(2, [(20, 0.5)]),
    ]
    info = get_attainment_info(runs)
    (method,) = info.methods
    assert (method.name, method.studies) == ("tpe", ("run-0", "run-1", "run-2"))
    assert levels(method) == {
        "best": [(10, 0.4), (20, 0.8)],
        "median": [(10, 0.2), (20, 0.5), (30, 0.6)],
        "worst": [(20, 0.4), (30, 0.5)],
    }
    assert info.title == "Validation accuracy against learnable parameters: attained by tpe"
    assert info.caption == (
        "digits, 1 epoch each, one seed per trial: run-0 (2 of 2 trials complete), run-1 (2 of 2 "
        "trials complete), run-2 (1 of 1 trial complete). A run is one search; dotted: what the "
        "best run of a method reaches; solid: what at least half of three or more runs reach; "
        "dashed: what every run reaches. tpe: 3 runs (run-0, run-1, run-2). Chosen on validation "
        "data; the test set was not read."
    )
    assert info.description == (
        "Step lines of validation accuracy against learnable parameters. tpe: 3 runs."
    )


@SETTINGS
@given(st.lists(points, min_size=1, max_size=5))
def test_a_line_is_reached_by_as_many_runs_as_its_level_says(make_run, runs):
    info = get_attainment_info([make_run(seed, places) for seed, places in enumerate(runs)])
    needed = {"best": 1, "front": 1, "median": math.ceil(len(runs) / 2), "worst": len(runs)}
    for line in info.methods[0].lines:
        for x in range(1, 7):
            for y in range(7):
                reached = sum(any(a <= x and b >= y for a, b in places) for places in runs)
                below = any(a <= x and b >= y for a, b in zip(line.x, line.y, strict=True))
                assert below == (reached >= needed[line.level])


@SETTINGS
@given(st.lists(points, min_size=1, max_size=5))
def test_a_line_is_a_staircase_from_the_best_x_on(make_run, runs):
    info = get_attainment_info([make_run(seed, places) for seed, places in enumerate(runs)])
    for line in info.methods[0].lines:
        assert list(line.x) == sorted(set(line.x))
        assert list(line.y) == sorted(set(line.y))


@pytest.mark.parametrize(
    ("runs", "names"),
    [(1, ["front"]), (2, ["best", "worst"]), (3, ["best", "median", "worst"])],
)
def test_few_runs_have_few_lines(make_run, runs, names):
    info = get_attainment_info([make_run(seed, [(10, 0.5)]) for seed in range(runs)])
    assert [line.level for line in info.methods[0].lines] == names


def test_one_run_says_that_there_is_no_spread_to_tell_of(make_run):
    info = get_attainment_info([make_run(0, [(10, 0.5), (20, 0.4)])])
    assert levels(info.methods[0]) == {"front": [(10, 0.5)]}
    assert "tpe: one run: nothing can be said about the spread over seeds; its front is drawn." in (
        info.caption
    )
    assert "dotted" not in info.caption


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ({"sampler": "random"}, ["tpe", "random"]),
        ({"space": "controls"}, ["tpe, noise_masks", "tpe, controls"]),
        ({"scheduler": "moasha"}, ["tpe, fifo", "tpe, moasha"]),
        ({"replicates": 3}, ["tpe, 1 seed a trial", "tpe, 3 seeds a trial"]),
    ],
)
def test_methods_are_named_by_what_tells_them_apart(make_run, change, names):
    studies = [make_run(0, [(10, 0.5)]), make_run(1, [(10, 0.6)], **change)]
    assert [method.name for method in get_attainment_info(studies).methods] == names


def test_a_run_of_another_data_set_is_left_out_and_named(make_run):
    studies = [make_run(0, [(10, 0.5)]), make_run(1, [(10, 0.9)], dataset="mnist")]
    info = get_attainment_info(studies)
    assert [method.studies for method in info.methods] == [("run-0",)]
    assert info.sentences[0] == (
        "Not drawn: run-1 (data set mnist instead of digits), which cannot be compared with run-0."
    )


def test_a_second_run_of_the_same_seed_is_no_run_of_its_own(make_run):
    studies = [make_run(0, [(10, 0.5)]), make_run(0, [(10, 0.9)], name="again")]
    info = get_attainment_info(studies)
    assert [method.studies for method in info.methods] == [("run-0",)]
    assert "again is left out: run-0 has its method and seed." in info.caption


def test_a_run_without_complete_trials_is_left_out_and_named(make_run):
    studies = [make_run(0, [(10, 0.5)]), make_run(1, [(5, 0.9)], state=RunState.PRUNED)]
    info = get_attainment_info(studies)
    assert [method.studies for method in info.methods] == [("run-0",)]
    assert "run-1 is left out: no complete trial has both metrics." in info.caption


def test_an_empty_run_takes_no_other_ones_place(make_run):
    empty = make_run(1, [], name="empty")
    info = get_attainment_info([empty, make_run(1, [(10, 0.5)])])
    assert [method.studies for method in info.methods] == [("run-1",)]
    assert "empty is left out: no complete trial has both metrics." in info.caption


def test_values_that_are_not_finite_reach_nothing(make_run):
    info = get_attainment_info([make_run(0, [(10, math.nan), (20, math.inf), (30, 0.5)])])
    assert levels(info.methods[0]) == {"front": [(30, 0.5)]}


def test_an_x_to_be_large_runs_from_its_largest(make_run):
    objectives = "learnable_params,val_accuracy"
    info = get_attainment_info([make_run(0, [(10, 0.2), (20, 0.8)], objectives=objectives)])
    assert levels(info.methods[0]) == {"front": [(0.8, 20), (0.2, 10)]}


@pytest.mark.parametrize("places", [[], [(10, math.nan)]])
def test_without_complete_trials_a_sentence_says_so(make_run, places):
    info = get_attainment_info([make_run(0, places)])
    assert info.methods == ()
    (note,) = ATTAINMENT.picture(info).figure.layout.annotations
    assert note.text.replace("<br>", " ") == info.instead
    assert ATTAINMENT.picture(info).data["level"] == []


def test_levels_differ_in_dash_and_methods_in_colour_and_symbol(make_run):
    runs = [make_run(seed, [(10, 0.5 + seed / 10), (20, 0.9)]) for seed in range(3)]
    other = make_run(3, [(10, 0.5)], sampler="random")
    figure = get_attainment_figure(get_attainment_info([*runs, other]))
    assert [trace.line.dash for trace in figure.data] == ["dot", "solid", "dash", "solid"]
    assert len({trace.line.color for trace in figure.data[:3]}) == 1
    assert figure.data[3].line.color != figure.data[0].line.color
    assert figure.data[3].marker.symbol != figure.data[0].marker.symbol
    assert [trace.name for trace in figure.data if trace.showlegend] == [
        "tpe (3 runs)",
        "random (1 run)",
    ]
    assert figure.data[1].showlegend
    assert {trace.line.shape for trace in figure.data} == {"hv"}
    assert figure.layout.xaxis.type == "log"
    assert figure.data[0].hovertext[0] == (
        "<b>tpe: best</b><br>learnable parameters: 10<br>validation accuracy: 0.7000"
    )


def test_the_data_are_what_is_drawn(make_run):
    runs = [make_run(0, [(10, 0.5)]), make_run(1, [(20, 0.6)])]
    assert ATTAINMENT.picture(get_attainment_info(runs)).data == {
        "method": ["tpe"] * 3,
        "runs": [2] * 3,
        "level": ["best", "best", "worst"],
        "learnable_params": [10, 20, 20],
        "val_accuracy": [0.5, 0.6, 0.5],
    }


def test_names_are_text(make_run):
    info = get_attainment_info([make_run(0, [(10, 0.5)], sampler="<script>x</script>")])
    (trace,) = get_attainment_figure(info).data
    assert "<" not in trace.name
    assert trace.hovertext[0].startswith("<b>&lt;script&gt;x&lt;/script&gt;: front</b>")
