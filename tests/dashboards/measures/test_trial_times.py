from dataclasses import replace

import pytest

from dashboards.measures.trial_times import (
    duration_seconds,
    ended_last,
    epochs_done,
    work_seconds,
)


def test_a_trial_lasts_from_its_proposal_to_its_end(make_timed):
    assert duration_seconds(make_timed(0, 1, 3)) == 120
    assert duration_seconds(make_timed(0, 3, 1)) == 0  # of a clock that was set back
    assert duration_seconds(make_timed(0, 1)) is None
    assert duration_seconds(make_timed(0, 1, 3, started_ms=None)) is None


def test_the_work_of_all_seeds_counts_and_an_epoch_is_done_when_all_have_it(make_timed):
    record = make_timed(0, 0, epochs=3)
    assert (work_seconds(record), epochs_done(record)) == (pytest.approx(90), 3)
    both = replace(record, replicates=record.replicates * 2)
    assert (work_seconds(both), epochs_done(both)) == (pytest.approx(180), 3)
    unborn = make_timed(0, 0, epochs=0)
    assert (work_seconds(unborn), epochs_done(unborn)) == (0, 0)


def test_the_last_fifty_of_known_times_are_those_that_ended_last(make_timed):
    records = [make_timed(i, 0, 100 - i) for i in range(60)]
    records += [make_timed(60, 0), make_timed(61, 0, 500, started_ms=None)]
    assert [record.number for record in ended_last(records)] == [*range(50)]
