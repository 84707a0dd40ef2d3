import pytest

from study.results.early_stop import EarlyStop, StopCause
from study.results.run_record import RunState


def test_a_stop_is_told_with_its_epoch_rank_and_places():
    stop = EarlyStop(epoch=4, cause=StopCause.RANK, rank=9, of=12, admitted=3)
    assert str(stop) == "stopped at epoch 4: rank 9 of 12, 3 may go on"
    odd = EarlyStop(epoch=1, cause=StopCause.NOT_FINITE)
    assert str(odd) == "stopped at epoch 1: an objective is not finite"
    other = EarlyStop(epoch=2, cause=StopCause.SCHEDULER)
    assert str(other) == "stopped by the scheduler after epoch 2"


@pytest.mark.parametrize("lacking", ["rank", "of", "admitted"])
def test_a_stop_by_rank_has_all_three_numbers(lacking):
    numbers = {"rank": 3, "of": 4, "admitted": 1, lacking: None}
    with pytest.raises(ValueError, match="must have rank, of and admitted"):
        EarlyStop(epoch=1, cause=StopCause.RANK, **numbers)


def test_the_reason_of_a_stopped_trial_is_made_from_its_stop(record, stopped_at):
    stop = stopped_at(3)
    trial = record(0, RunState.PRUNED, epochs=5, reason="something else", stop=stop)
    assert trial.reason == str(stop)


@pytest.mark.parametrize("state", sorted({*RunState} - {RunState.PRUNED}))
def test_only_a_pruned_trial_has_a_stop(record, stopped_at, state):
    with pytest.raises(ValueError, match=f"is for pruned trials, not {state} ones"):
        record(0, state, stop=stopped_at(1))
