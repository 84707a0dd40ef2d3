"""Checkpoints go with what they were written for, and not before."""

from dataclasses import replace
from pathlib import Path

import pytest

from pnn_core.config import ConfirmResult
from study.checkpoints.checkpoint_store import CheckpointStore
from study.checkpoints.cleanup import CheckpointCleanup, checkpoint_file
from study.results.run_record import RunKey, RunRecord, RunState

RUN = RunRecord(
    key=RunKey(2, "conv3x3", 10_000_000_000),
    state=RunState.RUNNING,
    parameters={},
    size_difference=0.0,
)


def trial_file(number: int) -> str:
    return checkpoint_file(RunKey(number))


def record(number: int, state: RunState) -> RunRecord:
    return RunRecord(key=RunKey(number), state=state, parameters={})


@pytest.fixture
def store(tmp_path: Path) -> CheckpointStore:
    return CheckpointStore(url=str(tmp_path))


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("state", RunState)
def test_an_ended_trials_checkpoint_is_removed_and_a_complete_ones_kept_if_asked(
    store: CheckpointStore, state: RunState, keep: bool
) -> None:
    sweeper = CheckpointCleanup(store, keep=keep)
    store.save(trial_file(0), b"")
    store.save(trial_file(1), b"")
    tell = sweeper.run_ended if state.is_final else sweeper.run_paused
    tell(record(0, state))
    sweeper.close()
    stays = not state.is_final or (keep and state is RunState.COMPLETE)
    assert store.names() == [trial_file(0)] * stays + [trial_file(1)]


@pytest.mark.parametrize("keep", [False, True])
def test_a_resumed_study_removes_what_belongs_to_no_trial_that_may_go_on(
    store: CheckpointStore, keep: bool
) -> None:
    states = [RunState.RUNNING, RunState.COMPLETE, RunState.FAILED, RunState.PRUNED]
    records = [record(number, state) for number, state in enumerate(states)]
    half_written = f"{trial_file(0)}.0123.part"
    others = ["notes.txt", checkpoint_file(RUN.key)]
    for name in [*map(trial_file, range(6)), half_written, *others]:
        store.save(name, b"")
    sweeper = CheckpointCleanup(store, keep=keep)
    sweeper.sweep_trials(records)
    sweeper.close()
    kept = [trial_file(0), trial_file(1)] if keep else [trial_file(0)]
    assert store.names() == sorted(kept + others)


def test_a_confirmation_runs_checkpoint_goes_with_it_alone(store: CheckpointStore) -> None:
    result = ConfirmResult(
        train_loss=0.1, test_accuracy=0.9, published_test_accuracy=0.91, train_seconds=2.0
    )
    other, unknown = (
        replace(RUN, key=RUN.key._replace(**changed))
        for changed in ({"layer": "perturbation"}, {"trial": 3})
    )
    for run in (RUN, other, unknown):
        store.save(checkpoint_file(run.key), b"")
    store.save(trial_file(2), b"")
    sweeper = CheckpointCleanup(store, keep=True)
    sweeper.run_ended(replace(RUN, state=RunState.COMPLETE, result=result))
    sweeper.run_paused(replace(other, state=RunState.PAUSED))
    sweeper.sweep_confirmations([RUN, other])
    sweeper.close()
    assert store.names() == sorted([checkpoint_file(other.key), trial_file(2)])


def test_a_tuning_runs_checkpoint_goes_with_it_also_where_those_of_trials_stay(
    store: CheckpointStore,
) -> None:
    tuning = [
        RunRecord(key=RUN.key._replace(grid_point=n), state=RunState.RUNNING, parameters={})
        for n in (1, 2, 3)
    ]
    for run in (RUN, *tuning):
        store.save(checkpoint_file(run.key), b"")
    sweeper = CheckpointCleanup(store, keep=True)
    sweeper.run_ended(replace(tuning[0], state=RunState.COMPLETE))
    sweeper.sweep_tuning([tuning[1]])
    sweeper.close()
    assert store.names() == [checkpoint_file(run.key) for run in (RUN, tuning[1])]


def test_what_cannot_be_removed_now_costs_nothing(tmp_path: Path) -> None:
    sweeper = CheckpointCleanup(CheckpointStore(url=str(tmp_path / "gone")), keep=False)
    sweeper.sweep_trials([])
    sweeper.run_ended(record(0, RunState.COMPLETE))
    sweeper.close()
    assert not (tmp_path / "gone").exists()
