import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.results.early_stop import EarlyStop, StopCause
from study.results.run_record import RunKey, RunRecord, RunState
from study.results.stop_reasons import describe_stops, stop_epoch


def stopped(number, epoch):
    stop = EarlyStop(epoch=epoch, cause=StopCause.NOT_FINITE)
    return RunRecord(key=RunKey(number), state=RunState.PRUNED, parameters={}, stop=stop)


@given(st.integers(1, 999_999_999))
def test_the_epoch_of_a_stop_is_its_records(epoch):
    assert stop_epoch(stopped(0, epoch)) == epoch


def test_a_trial_that_trained_on_unjudged_was_stopped_where_its_record_says(record, stopped_at):
    assert stop_epoch(record(0, RunState.PRUNED, epochs=5, stop=stopped_at(1))) == 1


@pytest.mark.parametrize("reason", ["", "beaten", "it was stopped at epoch 1: x"])
def test_where_the_record_does_not_say_its_last_epoch_does(record, reason):
    assert stop_epoch(record(0, RunState.PRUNED, epochs=5, reason=reason)) == 5
    assert stop_epoch(record(0, RunState.PRUNED, reason=reason)) == 0


@pytest.mark.parametrize("state", sorted({*RunState} - {RunState.PRUNED}))
def test_no_other_trial_was_stopped_early(record, state):
    trial = record(0, state, epochs=2, reason="stopped at epoch 1: odd")
    assert stop_epoch(trial) is None
    assert describe_stops([trial]) == ""


def test_stops_are_counted_by_epoch_in_the_order_of_epochs():
    records = [stopped(number, epoch) for number, epoch in enumerate((9, 1, 27, 1, 9, 1))]
    assert describe_stops(iter(records)) == "3 at epoch 1, 2 at epoch 9, 1 at epoch 27"
