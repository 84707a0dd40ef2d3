"""An interrupted search saves its trials, and another one goes on as if nothing had been."""

import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from pnn_core.config import EpochResult
from pnn_core.data import TrainingData
from pnn_core.training.validated_run import train
from study.checkpoints.checkpoint_store import CheckpointStore
from study.checkpoints.cleanup import CheckpointCleanup, checkpoint_file
from study.config import StudyConfig
from study.engine.cluster.trial_resources import TrialResources
from study.engine.interrupts import Interrupts
from study.engine.tune import tuner
from study.engine.tune.tuner import train_runs
from study.results.run_record import RunKey, RunRecord, RunState
from study.search.optuna_storage import StudyStorage
from study.search.trial_manager import TrialManager

pytestmark = pytest.mark.usefixtures("cluster")

LONG = 40
"""Epochs of a trial that is still running when an interrupt is heard, also on a busy machine."""

TWO = TrialResources(cpus=1, gpus=0.0, concurrent=2)


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers give way to everything else on a busy machine."""
    monkeypatch.setattr(tuner, "PAUSE_SECONDS", 60.0)


def run(
    config: StudyConfig, data: TrainingData, listener: object
) -> tuple[tuple[RunRecord, ...], bool, StudyStorage, CheckpointStore]:
    store = CheckpointStore(url=config.checkpoints)
    store.create()
    sweeper = CheckpointCleanup(store, keep=False)
    storage = StudyStorage(config)
    manager = TrialManager(config, storage, [listener, sweeper])
    sweeper.sweep_trials(manager.records)
    with Interrupts() as interrupts:
        interrupted = train_runs(config, data, manager, store, TWO, interrupts, pytest.fail)
    sweeper.close()
    return manager.records, interrupted, storage, store


def undisturbed(record: RunRecord, config: StudyConfig, data: TrainingData) -> list[EpochResult]:
    """What the plain function gives."""
    trial = config.space.configure(
        {name: record.parameters[name] for name in config.space.axes},
        dataset=config.shape,
        epochs=config.epochs,
        seed=config.seed + record.number,
    )
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as in a worker with one core: sums are taken in another order
    results = list(train(trial, data, torch.device("cpu")))
    torch.set_num_threads(threads)
    return timeless(results)


def timeless(results) -> list[EpochResult]:
    return [replace(result, train_seconds=0.0, val_seconds=0.0) for result in results]


def test_an_interrupt_pauses_trials_and_a_new_search_completes_them_as_if_never_stopped(
    make_config, digits: TrainingData, heard
) -> None:
    config = make_config(trials=3, epochs=LONG)
    config = replace(config, max_concurrent=2)
    told = heard.epoch_finished

    def interrupt(key: RunKey, result: EpochResult) -> None:
        told(key, result)
        if len(heard.of("epoch")) == 3:
            os.kill(os.getpid(), signal.SIGINT)

    heard.epoch_finished = interrupt
    records, interrupted, storage, store = run(config, digits, heard)
    assert interrupted
    paused = [r for r in records if r.state is RunState.PAUSED]
    assert len(paused) >= 1
    assert {r.state for r in records} <= {RunState.PAUSED, RunState.COMPLETE}
    assert {trial.state.name for trial in storage.trials()} <= {"RUNNING", "COMPLETE"}
    # One that was stopped in its first epoch has a checkpoint too.
    begun = {checkpoint_file(r.key) for r in paused if r.epochs}
    assert begun <= set(store.names()) <= {checkpoint_file(r.key) for r in paused}
    assert begun
    assert sorted(number for number, _ in heard.of("paused")) == [r.number for r in paused]

    again = type(heard)()
    records, interrupted, storage, store = run(config, digits, again)
    assert not interrupted
    assert [r.number for r in records] == [0, 1, 2]
    assert all(r.state is RunState.COMPLETE for r in records)
    for record in records:
        assert timeless(record.epochs) == undisturbed(record, config, digits)
    assert store.names() == []
    # They come before new trials; which of them a worker takes first is Ray's.
    first_told = [number for number, _ in again.of("started")][: len(paused)]
    assert sorted(first_told) == [r.number for r in paused]


def test_a_search_with_nothing_left_ends_at_once(make_config, digits, live) -> None:
    config = make_config(trials=1)
    life = live(config)
    life.complete(life.propose())
    again = live(config)
    with Interrupts() as interrupts:
        store = CheckpointStore(url=str(Path(config.checkpoints)))
        interrupted = train_runs(config, digits, again.manager, store, TWO, interrupts, pytest.fail)
    assert (again.records, interrupted) == (life.records, False)
