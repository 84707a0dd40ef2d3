import json
from dataclasses import replace

import numpy as np
import pytest

from dashboards.measures.lanes import TimelineBar
from dashboards.pictures.timeline import (
    TIMELINE,
    get_timeline_figure,
    get_timeline_info,
)
from study.results.run_record import RunKey, RunRecord, RunState

COMPLETE, RUNNING, PAUSED = RunState.COMPLETE, RunState.RUNNING, RunState.PAUSED


@pytest.fixture(scope="session")
def info_at(study_of, minute):
    """The timeline of a study of trials, at a second after its start."""

    def get(seconds, *records):
        return get_timeline_info(study_of(records), now_ms=minute(seconds / 60))

    return get


def bars_of(info, state):
    return [bar for bar in info.lanes.bars if bar.state is state]


def test_a_small_study_gives_exactly_this_info(info_at, trial_at):
    info = info_at(
        40,
        trial_at(0, 0, 10, worker="host:1"),
        trial_at(1, 0, 30, worker="host:2", state=RunState.FAILED, retried=("it died",)),
        trial_at(2, 20, 30, worker="host:1", state=RunState.PRUNED),
        trial_at(3, 30, worker="host:2"),
    )
    assert info.title == "When each trial ran: noise-1"
    assert info.lanes.names == ("host:1", "host:2")
    assert info.lanes.bars == (
        TimelineBar(0, COMPLETE, 0, 0.0, 10.0, 0),
        TimelineBar(2, RunState.PRUNED, 0, 20.0, 30.0, 0),
        TimelineBar(1, RunState.FAILED, 1, 0.0, 30.0, 1),
        TimelineBar(3, RUNNING, 1, 30.0, 40.0, 0),
    )
    assert info.lanes.idle_share == pytest.approx(10 / 70)
    assert info.caption == (
        "digits, 4 trials (1 running, 1 complete, 1 stopped early, 1 failed), 1 epoch each, one "
        "seed per trial. A lane is a worker process (or a further one of it, where its trials "
        "overlap); a bar is a trial from its start to its end, attempts that broke off included. "
        "14% of the lanes' time between first start and last end is idle."
    )
    assert info.description == "4 bars on 2 lanes, one for each trial, from its start to its end."
    assert (info.unit.name, info.instead) == ("s", "")


def test_the_caption_says_what_a_lane_is(info_at, trial_at):
    info = info_at(50, trial_at(0, 0, 10), trial_at(1, 0, 5, worker="h:1"))
    assert (
        "overlap) or one of the fewest on which no trials of unknown workers overlap"
        in info.caption
    )
    info = info_at(50, trial_at(0, 0, 10))
    assert "A lane is one of the fewest on which no trials of unknown workers overlap;" in (
        info.caption
    )


def test_a_running_trial_reaches_to_now_and_a_silent_one_to_its_last_epoch(
    info_at, minute, make_trial
):
    running = replace(make_trial(0, seconds=20, state=RUNNING), started_ms=minute(0))
    info = info_at(50, running)
    assert [bar.end for bar in info.lanes.bars] == [50.0]
    assert "suspiciously" not in info.caption
    info = info_at(5000, running)
    assert [bar.end for bar in info.lanes.bars] == [pytest.approx(20.1)]
    assert (
        "1 running trial told nothing for suspiciously long, so drawn to the last epoch known."
    ) in info.caption


def test_a_paused_trial_is_as_long_as_its_epochs_took(info_at, minute, make_trial):
    record = replace(make_trial(0, seconds=20, state=PAUSED), started_ms=minute(0))
    info = info_at(5000, record)
    assert [bar.end for bar in info.lanes.bars] == [pytest.approx(20.1)]
    assert "Paused trials are drawn as long as their epochs took." in info.caption


def test_trials_without_a_start_are_counted_but_not_drawn(info_at, trial_at):
    info = info_at(50, trial_at(0, 0, 10), trial_at(1, None, 5))
    assert [bar.number for bar in info.lanes.bars] == [0]
    assert info.caption.endswith(" 1 trial without a known start not drawn.")


def test_the_caption_says_that_confirmation_runs_are_not_drawn(trial_at, study_of, minute):
    run = RunRecord(
        key=RunKey(0, "perturbation", 1), state=RUNNING, parameters={}, size_difference=0.0
    )
    study = replace(study_of([trial_at(0, 0, 10)]), confirmed=(run,))
    info = get_timeline_info(study, now_ms=minute(0))
    assert info.caption.endswith("Confirmation runs are not drawn.")


@pytest.mark.parametrize("trials", [0, 1])
def test_without_a_start_a_sentence_says_so(info_at, trial_at, trials):
    info = info_at(50, *(trial_at(number, None, 5) for number in range(trials)))
    assert (info.lanes.bars, info.lanes.names, info.lanes.idle_share) == ((), (), None)
    (note,) = TIMELINE.picture(info).figure.layout.annotations
    assert note.text.replace("<br>", " ") == info.instead == "No trial with a known start yet."
    assert TIMELINE.picture(info).data["trial"] == []


def test_states_differ_in_colour_and_pattern_or_height(info_at, trial_at):
    states = [*RunState]
    figure = get_timeline_figure(
        info_at(
            40,
            *(
                trial_at(i, i, i + 1 if state.is_final else None, state=state)
                for i, state in enumerate(states)
            ),
        )
    )
    assert [trace.name for trace in figure.data] == [state.words for state in states]
    assert {trace.type for trace in figure.data} == {"bar"}
    assert len({trace.marker.color for trace in figure.data}) == len(states)
    assert len({trace.marker.pattern.shape for trace in figure.data}) == len(states)


def test_a_bar_lies_where_its_trial_ran_in_the_unit_of_the_axis(info_at, trial_at):
    info = info_at(9000, trial_at(0, 0, 1800), trial_at(1, 3600, 9000, retried=("a", "b")))
    (trace,) = get_timeline_figure(info).data
    assert (trace.base, trace.x, trace.y) == ((0.0, 1.0), (0.5, 1.5), (0, 0))
    assert trace.hovertext[1] == (
        "<b>trial 1</b>, complete<br>90 min, from 60 min on<br>lane 1<br>tried again 2 times"
    )
    assert list(trace.customdata[1]) == [1]
    axis = get_timeline_figure(info).layout.xaxis
    assert axis.title.text == "Time since the first trial's start (h)"


def test_why_a_trial_was_stopped_is_read_as_text(info_at, trial_at):
    reason = "stopped at epoch 1: <b>rank 3</b> of 3"
    info = info_at(40, trial_at(2, 20, 30, state=RunState.PRUNED, reason=reason))
    assert [bar.reason for bar in info.lanes.bars] == [reason]
    (trace,) = get_timeline_figure(info).data
    assert trace.hovertext == (
        "<b>trial 2</b>, stopped early<br>10 s, from 0 s on<br>lane 1<br>"
        "stopped at epoch 1: &lt;b&gt;rank 3&lt;/b&gt; of 3",
    )


def test_worker_names_are_text_and_fit_beside_the_plot(info_at, trial_at):
    figure = get_timeline_figure(
        info_at(9, trial_at(0, 0, 5, worker="a_long_host_<b>name</b>:123"))
    )
    assert figure.layout.yaxis.ticktext == ("…&lt;b&gt;name&lt;/b&gt;:123",)
    assert "a_long_host_&lt;b&gt;name" in figure.data[0].hovertext[0]


def test_of_many_lanes_some_are_named(info_at, trial_at):
    figure = get_timeline_figure(info_at(9, *(trial_at(i, 0, 5) for i in range(40))))
    assert figure.layout.yaxis.tickvals == tuple(range(0, 40, 3))
    assert tuple(figure.layout.yaxis.range) == (39.5, -0.5)


def test_ten_thousand_bars_are_one_line_for_each_state(info_at, trial_at):
    records = [
        trial_at(i, i // 8, i // 8 + 1, state=RunState.FAILED if i % 50 == 0 else None)
        for i in range(10_000)
    ]
    picture = TIMELINE.picture(info_at(2000, *records))
    complete, failed = picture.figure.data
    assert {complete.type, failed.type} == {"scattergl"}
    assert complete.line.width > failed.line.width
    x = np.asarray(failed.x).reshape(-1, 4)
    assert np.isnan(x[:, 3]).all()
    bars = bars_of(info_at(2000, *records), RunState.FAILED)
    np.testing.assert_allclose(x[:, 0] * 60, [bar.start for bar in bars])
    np.testing.assert_allclose(x[:, 2] * 60, [bar.end for bar in bars])
    assert np.asarray(failed.customdata).reshape(-1, 4)[:, 0].tolist() == [b.number for b in bars]
    assert len(picture.figure.to_json()) < 2_000_000
    assert json.loads(picture.figure.to_json())["data"][0]["name"] == "complete"


def test_the_data_are_what_is_drawn(info_at, trial_at):
    assert TIMELINE.picture(info_at(9, trial_at(4, 1, 5, worker="h:1"))).data == {
        "trial": [4],
        "state": ["complete"],
        "lane": ["h:1"],
        "start_seconds": [0.0],
        "end_seconds": [4.0],
        "retries": [0],
    }
