import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboards.pictures.rungs import RUNGS, Stage, get_rungs_figure, get_rungs_info
from study.results.early_stop import EarlyStop, StopCause
from study.results.run_record import RunState

SETTINGS = settings(max_examples=60, deadline=None)
COMPLETE, PRUNED, FAILED = RunState.COMPLETE, RunState.PRUNED, RunState.FAILED
RUNNING, PAUSED = RunState.RUNNING, RunState.PAUSED
SCHEDULE = {"epochs": 9, "scheduler": "moasha", "rungs": (1, 3), "reduction_factor": 3}


@pytest.fixture(scope="session")
def make_study(make_trial, study_of):
    """A study of trials of a state each, after so many epochs."""

    def make(*trials, stop=None, reason="", **changes):
        records = []
        for number, (state, epochs) in enumerate(trials):
            record = make_trial(number, state=state)
            (result,) = record.replicates[0]
            curve = tuple(replace(result, epoch=e) for e in range(1, epochs + 1))
            curves = (curve,) if curve else ()
            records.append(replace(record, replicates=curves, stop=stop, reason=reason))
        return study_of(records, **{**SCHEDULE, **changes})

    return make


def test_a_small_study_gives_exactly_this_info(make_study):
    info = get_rungs_info(
        make_study(
            (COMPLETE, 9),
            (COMPLETE, 9),
            (PRUNED, 1),
            (PRUNED, 1),
            (PRUNED, 1),
            (PRUNED, 3),
            (FAILED, 0),
            (FAILED, 5),
            (RUNNING, 2),
            (RUNNING, 0),
            (PAUSED, 3),
        )
    )
    assert info.title == "How far trials came: noise-1"
    assert info.caption == (
        "digits, 11 trials (2 running, 1 paused, 2 complete, 4 stopped early, 2 failed), 9 epochs "
        "each, one seed per trial. Trials are compared after epochs 1, 3: what none beats goes on, "
        "and so does the best 1 in 3 (--scheduler moasha). Stopped early: 3 at epoch 1, 1 at epoch "
        "3. The trials that have ended trained 29 epochs, 40% of the 72 of full budgets."
    )
    assert info.description == (
        "Bars of how many trials reached each rung and what became of them. start: 11 reached, 0 "
        "stopped; 1: 9 reached, 3 stopped; 3: 5 reached, 1 stopped; 9 (full): 2 reached, 0 "
        "stopped."
    )
    assert info.stages == (
        Stage(0, "start", reached=11, went_on=9, stopped=0, failed=1, under_way=1),
        Stage(1, "1", reached=9, went_on=5, stopped=3, failed=0, under_way=1),
        Stage(3, "3", reached=5, went_on=2, stopped=1, failed=1, under_way=1),
        Stage(9, "9 (full)", reached=2, went_on=2, stopped=0, failed=0, under_way=0),
    )
    assert info.instead == ""


trials = st.lists(
    st.one_of(
        st.just((COMPLETE, 9)),
        st.tuples(st.just(PRUNED), st.sampled_from((1, 3))),
        st.tuples(st.sampled_from((FAILED, RUNNING, PAUSED)), st.integers(0, 9)),
    ),
    min_size=1,
    max_size=20,
)


@SETTINGS
@given(trials)
def test_every_trial_is_counted_wherever_it_came_and_once_where_it_stays(make_study, given_trials):
    info = get_rungs_info(make_study(*given_trials))
    stays = [s.stopped + s.failed + s.under_way for s in info.stages]
    complete = sum(state is COMPLETE for state, _ in given_trials)
    assert sum(stays) + complete == len(given_trials)
    assert sum(s.stopped for s in info.stages) == sum(s is PRUNED for s, _ in given_trials)
    for i, stage in enumerate(info.stages):
        assert stage.reached == sum(epochs >= stage.epoch for _, epochs in given_trials)
        assert stage.reached == stage.went_on + stays[i]
        last = i == len(info.stages) - 1
        assert stage.went_on == (complete if last else info.stages[i + 1].reached)


def test_a_trial_counts_where_it_was_stopped_though_it_trained_on_unjudged(make_study):
    info = get_rungs_info(
        make_study((PRUNED, 5), stop=EarlyStop(epoch=1, cause=StopCause.NOT_FINITE))
    )
    assert [(stage.epoch, stage.reached, stage.stopped) for stage in info.stages] == [
        (0, 1, 0),
        (1, 1, 1),
        (3, 0, 0),
        (9, 0, 0),
    ]


def test_rungs_at_which_nothing_was_stopped_are_drawn(make_study):
    info = get_rungs_info(make_study((COMPLETE, 9)))
    assert [stage.epoch for stage in info.stages] == [0, 1, 3, 9]
    assert "Stopped early: none so far." in info.caption


def test_a_study_without_a_scheduler_says_what_to_type(make_study):
    study = make_study((COMPLETE, 9), scheduler="fifo", rungs=(), reduction_factor=None)
    picture = RUNGS.picture(get_rungs_info(study))
    (note,) = picture.figure.layout.annotations
    assert note.text.replace("<br>", " ") == (
        "This study trains every trial to its full budget. To stop early what others beat, begin "
        "a study with --scheduler moasha."
    )
    assert not picture.figure.data
    assert {len(column) for column in picture.data.values()} == {0}


OLDER = {"rungs": (), "reduction_factor": None}


def test_of_an_older_study_the_rungs_are_those_at_which_it_stopped_trials(make_study):
    info = get_rungs_info(make_study((COMPLETE, 9), (PRUNED, 1), (PRUNED, 4), **OLDER))
    assert [stage.epoch for stage in info.stages] == [0, 1, 4, 9]
    assert "Its rungs were not recorded: drawn are those at which trials were stopped." in (
        info.caption
    )


@pytest.mark.parametrize(
    ("trials", "changes", "instead"),
    [
        ((), {}, "No trials yet: they appear as they begin."),
        (
            ((COMPLETE, 9),),
            OLDER,
            "No trial was stopped early yet, and where trials are compared was not recorded.",
        ),
    ],
)
def test_without_a_bar_a_sentence_says_why(make_study, trials, changes, instead):
    info = get_rungs_info(make_study(*trials, **changes))
    assert (info.stages, info.instead) == ((), instead)
    assert not RUNGS.picture(info).figure.data


def test_bars_stack_to_those_that_came_there_and_tell_their_number(make_study):
    info = get_rungs_info(make_study((COMPLETE, 9), (PRUNED, 1), (PRUNED, 1), (RUNNING, 4)))
    figure = get_rungs_figure(info)
    drawn = {trace.name: trace for trace in figure.data}
    assert {name: trace.y for name, trace in drawn.items()} == {
        "complete": (0, 0, 0, 1),
        "went on": (4, 2, 1, 0),
        "under way to the next": (0, 0, 1, 0),
        "stopped here": (0, 2, 0, 0),
    }
    assert figure.layout.barmode == "stack"
    assert [sum(y) for y in zip(*(t.y for t in drawn.values()), strict=True)] == [
        stage.reached for stage in info.stages
    ]
    assert {trace.x for trace in drawn.values()} == {("start", "1", "3", "9 (full)")}
    assert drawn["stopped here"].text == ("", "2", "", "")
    assert drawn["stopped here"].hovertext[1] == (
        "<b>rung at epoch 1</b>: 4 trials<br>2 of them stopped here"
    )
    assert len({(t.marker.color, t.marker.pattern.shape) for t in drawn.values()}) == len(drawn)


def test_markup_in_a_reason_is_nowhere_in_the_figure(make_study):
    study = make_study((PRUNED, 1), reason="stopped at epoch 1: <script>alert(1)</script>")
    assert "script" not in json.dumps(get_rungs_figure(get_rungs_info(study)).to_plotly_json())


def test_the_data_are_the_stages(make_study):
    picture = RUNGS.picture(get_rungs_info(make_study((COMPLETE, 9), (PRUNED, 3))))
    assert picture.name == "rungs"
    assert picture.data == {
        "epoch": [0, 1, 3, 9],
        "reached": [2, 2, 2, 1],
        "went_on": [2, 2, 1, 1],
        "stopped": [0, 0, 1, 0],
        "failed": [0, 0, 0, 0],
        "under_way": [0, 0, 0, 0],
    }
