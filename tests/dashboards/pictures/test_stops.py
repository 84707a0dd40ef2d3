import math
from dataclasses import replace

import pytest

from dashboards.pictures.stops import Stop, StopsInfo, get_stops_columns, get_stops_info
from study.results.early_stop import EarlyStop, StopCause
from study.results.run_record import RunState


@pytest.fixture(scope="session")
def stopped(make_trial):
    """A trial that was stopped for a reason."""

    def make(number, stop, accuracy=0.5):
        record = make_trial(number, accuracy, state=RunState.PRUNED)
        return replace(record, stop=stop)

    return make


def test_a_small_study_gives_exactly_this_info(make_trial, stopped, study_of):
    study = study_of(
        [
            make_trial(0),
            stopped(1, EarlyStop(epoch=1, cause=StopCause.RANK, rank=3, of=3, admitted=1)),
            make_trial(2, state=RunState.FAILED),
            stopped(3, EarlyStop(epoch=4, cause=StopCause.NOT_FINITE), math.nan),
            stopped(4, None),
        ]
    )
    info = get_stops_info(study)
    assert info == StopsInfo(
        title="Stopped early: 3 trials",
        stops=(
            Stop(4, 1, 0.5, "no reason recorded"),
            Stop(3, 4, None, "stopped at epoch 4: an objective is not finite"),
            Stop(1, 1, 0.5, "stopped at epoch 1: rank 3 of 3, 1 may go on"),
        ),
    )
    assert get_stops_columns(info) == {
        "trial": [4, 3, 1],
        "epoch": [1, 4, 1],
        "val_accuracy": [0.5, None, 0.5],
        "reason": [stop.reason for stop in info.stops],
    }


def test_of_many_the_latest_are_kept_and_all_are_counted(stopped, study_of):
    study = study_of([stopped(n, EarlyStop(epoch=1, cause=StopCause.NOT_FINITE)) for n in range(5)])
    info = get_stops_info(study, limit=2)
    assert [stop.trial for stop in info.stops] == [4, 3]
    assert info.title == "Stopped early: 5 trials, of which the latest 2"


def test_a_study_that_stopped_none_has_no_row(make_trial, study_of):
    assert get_stops_info(study_of([make_trial(0)])).stops == ()
