from dataclasses import replace

import pytest

from study.results.objective import parse_objectives
from study.results.run_record import RunState
from study.results.study_info import StudySummary, summarise

OBJECTIVES = parse_objectives("val_accuracy,learnable_params")


@pytest.mark.parametrize("rungs", [(0, 3), (3, 1), (1, 1), (1, 15), (1, 99)])
def test_rungs_rise_below_the_full_budget(info, rungs):
    with pytest.raises(ValueError, match="must rise from at least 1 to below the full budget"):
        replace(info, rungs=rungs, reduction_factor=3)


@pytest.mark.parametrize("half", [{"rungs": (1, 3)}, {"reduction_factor": 3}])
def test_rungs_and_their_reduction_factor_go_together(info, half):
    with pytest.raises(ValueError, match="go together"):
        replace(info, **half)


def test_a_summary_counts_trials_by_state_and_measures_the_front(record):
    records = [
        record(0, RunState.COMPLETE, epochs=1),
        record(1, RunState.COMPLETE, epochs=3),
        record(2, RunState.PRUNED, epochs=9),
        record(3, RunState.FAILED),
        record(4, RunState.FAILED),
        record(5, RunState.RUNNING),
    ]
    best = records[1].epochs[-1].val_accuracy
    assert summarise(records, OBJECTIVES, ()) == StudySummary(
        complete=2, pruned=1, failed=2, front_size=2, best=best
    )


def test_a_study_without_complete_trials_has_no_best_accuracy(record):
    assert summarise([record(0, RunState.PRUNED, epochs=2)], OBJECTIVES, ()).best is None


def test_a_summary_takes_an_iterator(record):
    records = [record(n, RunState.COMPLETE, epochs=1) for n in range(2)]
    assert summarise(iter(records), OBJECTIVES, ()) == summarise(records, OBJECTIVES, ())
