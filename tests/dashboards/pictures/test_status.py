import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboards.pictures.status import ReasonGroup, get_status_info, silent_trials
from pnn_core.config import ConfirmResult
from study.results.confirmed_run import ConfirmedRun
from study.results.mlflow.loaded_study import LoadedStudy, UndecodableRun
from study.results.objective import parse_objectives
from study.results.record import TrialState
from study.results.study_info import StudyInfo

INFO = StudyInfo(
    name="masks-1",
    study_id="0" * 32,
    space="noise_masks",
    dataset="digits",
    seed=0,
    trials=10,
    epochs=4,
    replicates=1,
    confirm=0,
    sampler="tpe",
    scheduler="fifo",
    objectives=parse_objectives("val_accuracy,learnable_params"),
    git_commit="",
    versions={},
)
START = 1_790_000_000_000
MINUTE = 60_000
SETTINGS = settings(max_examples=40, deadline=None)


def study(records, *, confirmed=(), undecodable=(), **changes):
    return LoadedStudy(
        info=replace(INFO, **changes),
        records=tuple(records),
        confirmed=tuple(confirmed),
        undecodable=tuple(undecodable),
    )


def confirmed_run(trial, seed, state=TrialState.COMPLETE, layer="perturbation"):
    result = ConfirmResult(
        train_loss=0.1, test_accuracy=0.9, published_test_accuracy=0.92, train_seconds=5.0
    )
    return ConfirmedRun(
        trial=trial,
        layer=layer,
        seed=seed,
        state=state,
        parameters={},
        size_difference=0.0,
        result=result if state is TrialState.COMPLETE else None,
    )


@pytest.fixture(scope="session")
def make_timed(make_trial):
    """A trial with times in minutes after the study's start, and some epochs of half a minute."""

    def make(number, start, end=None, *, epochs=4, accuracy=0.5, **changes):
        state = TrialState.RUNNING if end is None else TrialState.COMPLETE
        record = make_trial(number, accuracy, state=state, seconds=29.9)
        (result,) = record.replicates[0]
        curve = tuple(replace(result, epoch=epoch + 1) for epoch in range(epochs))
        times = {
            "replicates": (curve,) if epochs else (),
            "started_ms": START + MINUTE * start,
            "ended_ms": None if end is None else START + MINUTE * end,
        }
        return replace(record, **{**times, **changes})

    return make


@pytest.fixture
def halfway(make_timed):
    """At minute 6: six trials of 2 minutes each ended, two are halfway through."""
    ended = [make_timed(i, 2 * (i // 2), 2 * (i // 2) + 2) for i in range(6)]
    running = [make_timed(i, 5, epochs=2) for i in (6, 7)]
    return study([*ended, *running])


def test_a_study_halfway_gives_exactly_this_info(halfway):
    info = get_status_info(halfway, now_ms=START + 6 * MINUTE)
    assert info.title == "Progress: masks-1"
    assert info.caption == (
        "digits, 8 trials (2 running, 6 complete), 4 epochs each, one seed per trial."
    )
    assert (info.asked, info.complete, info.running, info.waiting) == (10, 6, 2, 2)
    assert (info.pruned, info.failed, info.paused) == (0, 0, 0)
    assert (info.reasons, info.retried, info.silent, info.unreadable) == ((), (), (), ())
    # Three trials' worth of work at one a minute.
    assert info.pace.per_second == pytest.approx(1 / 60)
    assert info.pace.seconds_left == pytest.approx(180)
    assert info.pace.text == "About 3 min left at 1 trial a minute."
    assert info.best == (0, 0.5)
    assert info.best_text == (
        "Best validation accuracy so far: 0.5000, of trial 0; the largest of many flatters."
    )
    assert info.confirmation.text == (
        "No confirmation was asked for: the test set is not read (--confirm)."
    )
    assert info.description == " ".join(
        (info.caption, info.pace.text, info.best_text, info.confirmation.text)
    )


@SETTINGS
@given(st.lists(st.sampled_from(TrialState), max_size=14))
def test_the_counts_add_up_to_the_trials_asked_for_or_those_there_are(make_trial, states):
    records = [make_trial(i, state=state) for i, state in enumerate(states)]
    info = get_status_info(study(records), now_ms=START)
    counts = (info.complete, info.pruned, info.failed, info.running, info.paused)
    assert counts == tuple(
        states.count(state)
        for state in (
            TrialState.COMPLETE,
            TrialState.PRUNED,
            TrialState.FAILED,
            TrialState.RUNNING,
            TrialState.PAUSED,
        )
    )
    assert sum(counts) + info.waiting == max(10, len(records))


def test_reasons_are_grouped_the_most_frequent_first_and_failures_before_pruned(make_trial):
    failed = {"state": TrialState.FAILED}
    records = [
        replace(make_trial(0, **failed), reason="out of memory"),
        replace(make_trial(1, **failed), reason="loss is nan"),
        replace(make_trial(2, **failed), reason="loss is nan"),
        replace(make_trial(3, state=TrialState.PRUNED), reason="beaten after epoch 1"),
        replace(make_trial(4, **failed)),
    ]
    assert get_status_info(study(records), now_ms=START).reasons == (
        ReasonGroup("failed", "loss is nan", 2, (1, 2), "2 failed: loss is nan (trials 1, 2)"),
        ReasonGroup("failed", "out of memory", 1, (0,), "1 failed: out of memory (trial 0)"),
        ReasonGroup("failed", "", 1, (4,), "1 failed: no reason recorded (trial 4)"),
        ReasonGroup(
            "pruned",
            "beaten after epoch 1",
            1,
            (3,),
            "1 pruned: beaten after epoch 1 (trial 3)",
        ),
    )


def test_attempts_that_broke_off_are_counted_each(make_trial):
    records = [
        replace(make_trial(0), retried=("the worker process died", "the worker process died")),
        replace(make_trial(1), retried=("the worker process died", "out of memory")),
    ]
    (died, memory) = get_status_info(study(records), now_ms=START).retried
    assert (died.times, died.trials) == (3, (0, 1))
    assert died.text == "3 tried again: the worker process died (trials 0, 1)"
    assert (memory.times, memory.trials) == (1, (1,))


def test_of_many_trials_with_one_reason_ten_are_named(make_trial):
    records = [make_trial(i, state=TrialState.FAILED) for i in range(12)]
    (group,) = get_status_info(study(records), now_ms=START).reasons
    assert group.text.endswith("(trials 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, …)")
    assert len(group.trials) == 12


def test_no_time_left_is_told_before_a_trial_has_ended(make_timed):
    info = get_status_info(study([make_timed(0, 0, epochs=1)]), now_ms=START + MINUTE)
    assert info.pace == (None, None, "The time left cannot be said before a trial has ended.")


def test_a_study_that_has_ended_has_no_time_left(make_timed):
    records = [make_timed(i, i, i + 1) for i in range(10)]
    info = get_status_info(study(records), now_ms=START + 60 * MINUTE)
    assert info.pace == (None, None, "All 10 trials have ended.")


def test_a_study_in_which_nothing_runs_names_the_command_that_goes_on(make_timed):
    paused = make_timed(1, 0, epochs=1, state=TrialState.PAUSED)
    records = [make_timed(0, 0, 2), paused]
    info = get_status_info(study(records, name="two words"), now_ms=START + 60 * MINUTE)
    assert info.pace == (
        None,
        None,
        "No trial is running and 9 are left. To go on: "
        "python -m study.run --resume --name 'two words'",
    )


def test_a_trial_that_lay_paused_for_a_night_does_not_spoil_the_estimate(halfway, make_timed):
    slept = make_timed(5, 0, 600)
    running = [replace(r, started_ms=START + 599 * MINUTE) for r in halfway.records[6:]]
    records = [*halfway.records[:5], slept, *running]
    info = get_status_info(study(records), now_ms=START + 600 * MINUTE)
    assert info.pace.per_second == pytest.approx(1 / 60)


def test_the_rate_follows_the_trials_that_run_at_present(halfway):
    records = [r for r in halfway.records if r.number != 7]
    info = get_status_info(study(records), now_ms=START + 6 * MINUTE)
    assert info.pace.per_second == pytest.approx(1 / 120)
    assert info.pace.text == "About 7 min left at 30 trials an hour."


def test_a_trial_is_silent_after_ten_times_its_longest_epoch(make_timed):
    # Epochs of half a minute and nothing beside them: 1 minute and 5 more after the last sign.
    records = [make_timed(0, 0, 2), make_timed(1, 0, epochs=2)]
    assert silent_trials(records, now_ms=START + 7 * MINUTE - 1000) == ()
    (silent,) = silent_trials(records, now_ms=START + 7 * MINUTE + 1000)
    assert (silent.number, silent.seconds) == (1, pytest.approx(361))
    assert silent.text == (
        "Nothing was heard of trial 1 for 6 min: it may hang, or have been paused in between."
    )


def test_while_no_epoch_has_ended_silence_takes_ten_minutes(make_timed):
    records = [make_timed(0, 0, epochs=0)]
    assert silent_trials(records, now_ms=START + 10 * MINUTE) == ()
    assert [s.number for s in silent_trials(records, now_ms=START + 10 * MINUTE + 1)] == [0]


def test_only_running_trials_of_known_start_can_be_silent(make_timed):
    records = [
        make_timed(0, 0, 2),
        make_timed(1, 0, epochs=1, state=TrialState.PAUSED),
        make_timed(2, 0, epochs=1, started_ms=None),
        make_timed(3, 0, epochs=1),
        make_timed(4, 0, epochs=2),
    ]
    found = silent_trials(records, now_ms=START + 1000 * MINUTE)
    assert [silent.number for silent in found] == [3, 4]


def test_where_all_are_silent_the_study_may_have_died(make_timed):
    records = [make_timed(0, 0, 2), make_timed(1, 0, epochs=2)]
    info = get_status_info(study(records), now_ms=START + 181 * MINUTE)
    assert info.pace == (
        None,
        None,
        "Nothing was heard for 3 h. Where the study has died, go on by: "
        "python -m study.run --resume --name masks-1",
    )


def test_silent_trials_do_not_count_as_running_for_the_rate(make_timed):
    records = [make_timed(0, 98, 100), make_timed(1, 0, epochs=2), make_timed(2, 100, epochs=2)]
    info = get_status_info(study(records), now_ms=START + 101 * MINUTE)
    assert [silent.number for silent in info.silent] == [1]
    assert info.pace.per_second == pytest.approx(1 / 120)


@pytest.mark.parametrize(
    ("minutes", "text"),
    [(1 / 60, "1 trial a second"), (0.1, "10 trials a minute"), (48 * 60, "0.5 trials a day")],
)
def test_rates_are_told_in_the_smallest_unit_that_holds_a_trial(make_timed, minutes, text):
    records = [make_timed(0, 0, minutes, epochs=1), make_timed(1, minutes, epochs=1)]
    info = get_status_info(study(records), now_ms=START + int(minutes * MINUTE))
    assert info.pace.text.endswith(f"left at {text}.")


def test_confirmation_runs_are_planned_when_the_front_is_known(make_trial):
    front = [make_trial(0, 0.5, 10), make_trial(1, 0.9, 20), make_trial(2, 0.4, 30)]
    runs = [
        confirmed_run(0, 100),
        confirmed_run(0, 101, TrialState.FAILED),
        confirmed_run(1, 100, TrialState.RUNNING),
        confirmed_run(1, 101, TrialState.PAUSED),
    ]
    info = get_status_info(study(front, confirmed=runs, trials=3, confirm=5), now_ms=START)
    # Two trials on the front, each with its own layer and three controls.
    assert info.confirmation == (
        40,
        1,
        1,
        2,
        "1 of 40 confirmation runs complete, 1 failed, 2 running or paused.",
    )
    early = get_status_info(study(front, trials=4, confirm=5), now_ms=START)
    assert early.confirmation.planned is None
    assert early.confirmation.text == (
        "0 confirmation runs complete; how many there will be depends on the final front."
    )


def test_more_runs_than_the_front_asks_for_are_all_planned(make_trial):
    runs = [confirmed_run(trial, 100 + seed) for trial in range(3) for seed in range(2)]
    info = get_status_info(
        study([make_trial(0)], confirmed=runs, trials=1, confirm=1), now_ms=START
    )
    assert (info.confirmation.planned, info.confirmation.complete) == (6, 6)


def test_the_best_trial_is_a_complete_one_with_a_finite_accuracy(make_trial):
    records = [
        make_trial(0, 0.7),
        make_trial(1, 0.8),
        make_trial(2, 0.8),
        make_trial(3, 0.9, state=TrialState.PRUNED),
        make_trial(4, math.nan),
        replace(make_trial(5), replicates=()),
    ]
    assert get_status_info(study(records), now_ms=START).best == (1, 0.8)


def test_the_best_accuracy_is_the_last_epochs_mean_over_seeds(make_trial):
    (result,) = make_trial(0).replicates[0]
    curves = [
        (replace(result, val_accuracy=0.9), replace(result, epoch=2, val_accuracy=last))
        for last in (0.5, 0.7)
    ]
    record = replace(make_trial(0), replicates=tuple(curves))
    assert get_status_info(study([record]), now_ms=START).best == (0, pytest.approx(0.6))


def test_a_study_without_trials_says_so():
    info = get_status_info(study([]), now_ms=START)
    assert (info.best, info.best_text) == (None, "No trial has completed its full budget yet.")
    assert info.waiting == 10
    assert info.pace.text.startswith("No trial is running and 10 are left.")


def test_runs_that_cannot_be_read_are_reported():
    runs = [UndecodableRun(run_id="abc", reason="its parameters are not those of a trial")]
    info = get_status_info(study([], undecodable=runs), now_ms=START)
    assert info.unreadable == ("Run abc: its parameters are not those of a trial.",)
