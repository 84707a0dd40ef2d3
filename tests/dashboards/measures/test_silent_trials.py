import pytest

from dashboards.measures.silent_trials import silent_trials
from study.results.run_record import RunState


def test_a_trial_is_silent_after_ten_times_its_longest_epoch(make_timed, minute):
    # Epochs of half a minute and nothing beside them: 1 minute and 5 more after the last sign.
    records = [make_timed(0, 0, 2), make_timed(1, 0, epochs=2)]
    assert silent_trials(records, now_ms=minute(7) - 1000) == ()
    (silent,) = silent_trials(records, now_ms=minute(7) + 1000)
    assert (silent.number, silent.seconds) == (1, pytest.approx(361))
    assert silent.text == (
        "Nothing was heard of trial 1 for 6 min: it may hang, or have been paused in between."
    )


def test_what_trials_usually_need_beside_their_epochs_is_waited_for_ten_times(make_timed, minute):
    # Epochs of half a minute and half a minute beside them: 1 minute and 10 more.
    records = [make_timed(0, 0, 2.5), make_timed(1, 0, epochs=2)]
    assert silent_trials(records, now_ms=minute(12) - 1000) == ()
    assert [s.number for s in silent_trials(records, now_ms=minute(12) + 1000)] == [1]


def test_while_no_epoch_has_ended_silence_takes_ten_minutes(make_timed, minute):
    records = [make_timed(0, 0, epochs=0)]
    assert silent_trials(records, now_ms=minute(10)) == ()
    assert [s.number for s in silent_trials(records, now_ms=minute(10) + 1)] == [0]


def test_only_running_trials_of_known_start_can_be_silent_the_longest_first(make_timed, minute):
    records = [
        make_timed(0, 0, 2),
        make_timed(1, 0, epochs=1, state=RunState.PAUSED),
        make_timed(2, 0, epochs=1, started_ms=None),
        make_timed(3, 0, epochs=2),
        make_timed(4, 0, epochs=1),
    ]
    found = silent_trials(records, now_ms=minute(1000))
    assert [silent.number for silent in found] == [4, 3]
