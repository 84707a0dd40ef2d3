from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.results.run_record import RunKey, RunRecord, RunState
from study.results.stop_reasons import describe_stop, describe_stops, stop_epoch


def stopped(number, reason):
    return RunRecord(key=RunKey(number), state=RunState.PRUNED, parameters={}, reason=reason)


@given(st.integers(1, 999_999_999), st.text(max_size=20))
def test_the_epoch_of_a_stop_is_read_from_its_reason(epoch, why):
    assert stop_epoch(stopped(0, describe_stop(epoch, why))) == epoch


def test_a_trial_that_trained_on_unjudged_was_stopped_where_its_reason_says(record):
    trained = record(0, RunState.PRUNED, epochs=5, reason="stopped at epoch 1: rank 3 of 3")
    assert stop_epoch(trained) == 1


@pytest.mark.parametrize("reason", ["", "beaten", "it was stopped at epoch 1: x", "stopped at ²: "])
def test_where_the_reason_does_not_say_its_last_epoch_does(record, reason):
    assert stop_epoch(record(0, RunState.PRUNED, epochs=5, reason=reason)) == 5
    assert stop_epoch(stopped(0, reason)) == 0


@pytest.mark.parametrize("state", sorted({*RunState} - {RunState.PRUNED}))
def test_no_other_trial_was_stopped_early(record, state):
    trial = replace(record(0, state, epochs=2), reason="stopped at epoch 1: odd")
    assert stop_epoch(trial) is None
    assert describe_stops([trial]) == ""


def test_stops_are_counted_by_epoch_in_the_order_of_epochs():
    epochs = (9, 1, 27, 1, 9, 1)
    records = [stopped(n, describe_stop(epoch, "beaten")) for n, epoch in enumerate(epochs)]
    assert describe_stops(iter(records)) == "3 at epoch 1, 2 at epoch 9, 1 at epoch 27"
