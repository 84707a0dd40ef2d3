from dataclasses import replace

import pytest

from dashboards.measures.pace import describe_pace
from dashboards.measures.silent_trials import SilentTrial
from study.results.run_record import RunState


def test_the_rate_follows_the_trials_that_run_at_present(halfway):
    pace = describe_pace(halfway, waiting=2, silent=())
    # Three trials' worth of work at one a minute.
    assert pace == "About 3 min left at 1 trial a minute."
    alone = replace(halfway, records=halfway.records[:-1])
    pace = describe_pace(alone, waiting=3, silent=())
    assert pace == "About 7 min left at 30 trials an hour."


def test_silent_trials_do_not_count_as_running(halfway):
    pace = describe_pace(halfway, waiting=2, silent=[SilentTrial(7, 3600.0, "")])
    assert pace.endswith("left at 30 trials an hour.")


def test_a_trial_that_lay_paused_for_a_night_does_not_spoil_the_estimate(halfway, make_timed):
    records = list(halfway.records)
    records[5] = make_timed(5, 0, 600)
    pace = describe_pace(replace(halfway, records=tuple(records)), waiting=2, silent=())
    assert pace.endswith("left at 1 trial a minute.")


def test_no_time_left_is_told_before_a_trial_has_ended(make_timed, study_of):
    pace = describe_pace(study_of([make_timed(0, 0, epochs=1)]), waiting=9, silent=())
    assert pace == "The time left cannot be said before a trial has ended."


def test_a_study_that_has_ended_has_no_time_left(make_timed, study_of):
    study = study_of([make_timed(i, i, i + 1) for i in range(10)])
    assert describe_pace(study, waiting=0, silent=()) == "All 10 trials have ended."


def test_a_single_trial_is_told_of_as_one(make_timed, study_of):
    ended = study_of([make_timed(0, 0, 1)], trials=1)
    assert describe_pace(ended, waiting=0, silent=()) == "Its trial has ended."
    text = describe_pace(ended, waiting=1, silent=())
    assert text.startswith("No trial is running and 1 is left. To go on: ")


def test_a_study_in_which_nothing_runs_names_the_command_that_goes_on(make_timed, study_of):
    paused = make_timed(1, 0, epochs=1, state=RunState.PAUSED)
    study = study_of([make_timed(0, 0, 2), paused], "two words")
    assert describe_pace(study, waiting=8, silent=()) == (
        "No trial is running and 9 are left. To go on: "
        "python -m study.run --resume --name 'two words'",
    )


def test_where_all_are_silent_the_study_may_have_died(make_timed, study_of):
    study = study_of([make_timed(0, 0, 2), make_timed(1, 0, epochs=2), make_timed(2, 0, epochs=2)])
    silent = [SilentTrial(1, 90_000.0, ""), SilentTrial(2, 10_800.0, "")]
    assert describe_pace(study, waiting=7, silent=silent) == (
        "Nothing was heard for 3 h. Where the study has died, go on by: "
        "python -m study.run --resume --name noise-1",
    )


@pytest.mark.parametrize(
    ("minutes", "text"),
    [(1 / 60, "1 trial a second"), (0.1, "10 trials a minute"), (48 * 60, "0.5 trials a day")],
)
def test_rates_are_told_in_the_smallest_unit_that_holds_a_trial(
    make_timed, study_of, minutes, text
):
    study = study_of([make_timed(0, 0, minutes, epochs=1), make_timed(1, minutes, epochs=1)])
    assert describe_pace(study, waiting=8, silent=()).endswith(f"left at {text}.")
