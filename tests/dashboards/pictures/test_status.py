import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboards.pictures.status import get_status_info
from pnn_core.config import ConfirmResult
from study.results.early_stop import EarlyStop, StopCause
from study.results.mlflow.loaded_study import UndecodableRun
from study.results.run_record import RunKey, RunRecord, RunState

SETTINGS = settings(max_examples=40, deadline=None)


@pytest.fixture(scope="session")
def study(study_of):
    """A study of ten trials of four epochs."""

    def make(records, *, confirmed=(), undecodable=(), **changes):
        loaded = study_of(records, **{"trials": 10, "epochs": 4, **changes})
        return replace(loaded, confirmed=tuple(confirmed), undecodable=tuple(undecodable))

    return make


def confirmed_run(trial, seed, state=RunState.COMPLETE, layer="perturbation"):
    result = ConfirmResult(
        train_loss=0.1, test_accuracy=0.9, published_test_accuracy=0.92, train_seconds=5.0
    )
    return RunRecord(
        key=RunKey(trial, layer, seed),
        state=state,
        parameters={},
        size_difference=0.0,
        result=result if state is RunState.COMPLETE else None,
    )


def test_a_study_halfway_gives_exactly_this_info(halfway, minute):
    info = get_status_info(halfway, now_ms=minute(6))
    assert info.title == "Progress: noise-1"
    assert info.caption == (
        "digits, 8 trials (2 running, 6 complete), 4 epochs each, one seed per trial."
    )
    assert (info.asked, info.complete, info.running, info.waiting) == (10, 6, 2, 2)
    assert (info.pruned, info.failed, info.paused) == (0, 0, 0)
    assert (info.reasons, info.retried, info.silent, info.unreadable) == ((), (), (), ())
    assert info.pace == "About 3 min left at 1 trial a minute."
    assert info.best == (
        "Best validation accuracy so far: 0.5000, of trial 0; the largest of many flatters."
    )
    assert info.confirmation == (
        "No confirmation was asked for: the test set is not read (--confirm)."
    )
    assert info.description == " ".join((info.caption, info.pace, info.best, info.confirmation))


def test_trials_that_fell_silent_are_named_and_tell_of_no_pace(halfway, minute):
    info = get_status_info(halfway, now_ms=minute(60))
    assert [trial.number for trial in info.silent] == [6, 7]
    assert info.pace.startswith("Nothing was heard for 54 min.")


@SETTINGS
@given(st.lists(st.sampled_from(RunState), max_size=14))
def test_the_counts_add_up_to_the_trials_asked_for_or_those_there_are(make_trial, study, states):
    records = [make_trial(i, state=state) for i, state in enumerate(states)]
    info = get_status_info(study(records), now_ms=0)
    counts = (info.complete, info.pruned, info.failed, info.running, info.paused)
    assert counts == tuple(
        states.count(state)
        for state in (
            RunState.COMPLETE,
            RunState.PRUNED,
            RunState.FAILED,
            RunState.RUNNING,
            RunState.PAUSED,
        )
    )
    assert sum(counts) + info.waiting == max(10, len(records))


def test_failures_are_grouped_by_reason_then_stops_by_epoch_the_most_frequent_first(
    make_trial, study
):
    def stopped(number, epoch):
        stop = EarlyStop(epoch=epoch, cause=StopCause.RANK, rank=3, of=3, admitted=1)
        return replace(make_trial(number, state=RunState.PRUNED), stop=stop)

    failed = {"state": RunState.FAILED}
    records = [
        replace(make_trial(0, **failed), reason="out of memory"),
        replace(make_trial(1, **failed), reason="loss is nan"),
        replace(make_trial(2, **failed), reason="loss is nan"),
        stopped(3, 3),
        replace(make_trial(4, **failed)),
        stopped(5, 1),
        stopped(6, 1),
    ]
    assert get_status_info(study(records), now_ms=0).reasons == (
        "2 failed: loss is nan (trials 1, 2)",
        "1 failed: out of memory (trial 0)",
        "1 failed: no reason recorded (trial 4)",
        "2 stopped early: at epoch 1 (trials 5, 6)",
        "1 stopped early: at epoch 3 (trial 3)",
    )


def test_attempts_that_broke_off_are_counted_each(make_trial, study):
    records = [
        replace(make_trial(0), retried=("the worker process died", "the worker process died")),
        replace(make_trial(1), retried=("the worker process died", "out of memory")),
    ]
    assert get_status_info(study(records), now_ms=0).retried == (
        "3 tried again: the worker process died (trials 0, 1)",
        "1 tried again: out of memory (trial 1)",
    )


def test_of_many_trials_with_one_reason_ten_are_named(make_trial, study):
    records = [make_trial(i, state=RunState.FAILED) for i in range(12)]
    (group,) = get_status_info(study(records), now_ms=0).reasons
    assert group.startswith("12 failed: ")
    assert group.endswith("(trials 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, …)")


def test_confirmation_runs_are_planned_when_the_front_is_known(make_trial, study):
    front = [make_trial(0, 0.5, 10), make_trial(1, 0.9, 20), make_trial(2, 0.4, 30)]
    runs = [
        confirmed_run(0, 100),
        confirmed_run(0, 101, RunState.FAILED),
        confirmed_run(1, 100, RunState.RUNNING),
        confirmed_run(1, 101, RunState.PAUSED),
    ]
    info = get_status_info(study(front, confirmed=runs, trials=3, confirm=5), now_ms=0)
    # Two trials on the front, each with its own layer and three controls.
    expected = "1 of 40 confirmation runs complete, 1 failed, 2 running or paused."
    assert info.confirmation == expected
    early = get_status_info(study(front, trials=4, confirm=5), now_ms=0)
    assert early.confirmation == (
        "0 confirmation runs complete; how many there will be depends on the final front."
    )


def test_more_runs_than_the_front_asks_for_are_all_planned(make_trial, study):
    runs = [confirmed_run(trial, 100 + seed) for trial in range(3) for seed in range(2)]
    info = get_status_info(study([make_trial(0)], confirmed=runs, trials=1, confirm=1), now_ms=0)
    assert info.confirmation == "6 of 6 confirmation runs complete."


def test_the_best_trial_is_a_complete_one_with_a_finite_accuracy(make_trial, study):
    records = [
        make_trial(0, 0.7),
        make_trial(1, 0.8),
        make_trial(2, 0.8),
        make_trial(3, 0.9, state=RunState.PRUNED),
        make_trial(4, math.nan),
        replace(make_trial(5), replicates=()),
    ]
    assert get_status_info(study(records), now_ms=0).best.startswith(
        "Best validation accuracy so far: 0.8000, of trial 1;"
    )


def test_the_best_accuracy_is_the_last_epochs_mean_over_seeds(make_trial, study):
    (result,) = make_trial(0).replicates[0]
    curves = [
        (replace(result, val_accuracy=0.9), replace(result, epoch=2, val_accuracy=last))
        for last in (0.5, 0.7)
    ]
    record = replace(make_trial(0), replicates=tuple(curves))
    assert get_status_info(study([record]), now_ms=0).best.startswith(
        "Best validation accuracy so far: 0.6000, of trial 0;"
    )


def test_a_study_without_trials_says_so(study):
    info = get_status_info(study([]), now_ms=0)
    assert info.best == "No trial has completed its full budget yet."
    assert info.waiting == 10
    assert info.pace.startswith("No trial is running and 10 are left.")


def test_runs_that_cannot_be_read_are_reported(study):
    runs = [UndecodableRun(run_id="abc", reason="its parameters are not those of a trial")]
    info = get_status_info(study([], undecodable=runs), now_ms=0)
    assert info.unreadable == ("Run abc: its parameters are not those of a trial.",)
