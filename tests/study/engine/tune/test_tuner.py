"""Real Ray, real training, small: what happens to trials happens to records."""

import contextlib
import os
import signal
import socket
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import optuna
import psutil
import pytest
import ray
import torch
from optuna.distributions import CategoricalDistribution, FloatDistribution
from optuna.trial import TrialState as OptunaState
from ray.air._internal import usage
from ray.exceptions import OutOfMemoryError, RayActorError

from pnn_core.config import EpochResult
from pnn_core.data import TrainingData
from pnn_core.training.validated_run import train
from search_spaces import SearchSpace
from study.checkpoints.checkpoint_store import CheckpointStore
from study.checkpoints.cleanup import CheckpointCleanup
from study.config import JOURNAL, StudyConfig
from study.engine.cluster.trial_resources import TrialResources
from study.engine.interrupts import Interrupts
from study.engine.tune import tuner
from study.engine.tune.trainable import TrialTrainable
from study.engine.tune.tuner import train_runs
from study.results.pareto import front
from study.results.run_listener import RunListener
from study.results.run_record import RunKey, RunRecord, RunState
from study.search.optuna_storage import StorageError, StudyStorage
from study.search.run_manager import ATTEMPTS
from study.search.trial_manager import TrialManager

pytestmark = pytest.mark.usefixtures("cluster")

ONE_CPU = TrialResources(cpus=1, gpus=0.0, concurrent=2)


def run(
    config: StudyConfig, data: TrainingData, listeners: Sequence[RunListener] = ()
) -> tuple[RunRecord, ...]:
    """A whole search; no checkpoint is left by it."""
    store = CheckpointStore(url=config.checkpoints)
    store.create()
    sweeper = CheckpointCleanup(store, keep=False)
    manager = TrialManager(config, StudyStorage(config), [*listeners, sweeper])
    with Interrupts() as interrupts:
        interrupted = train_runs(config, data, manager, store, ONE_CPU, interrupts, pytest.fail)
    sweeper.close()
    assert not interrupted
    assert store.names() == []
    return manager.records


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
    results = timeless(train(trial, data, torch.device("cpu")))
    torch.set_num_threads(threads)
    return results


def timeless(results: Iterable[EpochResult]) -> list[EpochResult]:
    return [replace(result, train_seconds=0.0, val_seconds=0.0) for result in results]


def optuna_trials(folder: Path) -> list[optuna.trial.FrozenTrial]:
    journal = optuna.storages.journal.JournalFileBackend(str(folder / JOURNAL))
    storage = optuna.storages.JournalStorage(journal)
    return optuna.load_study(study_name="test", storage=storage).get_trials()


def training_processes() -> list[psutil.Process]:
    """Ray names an actor's process after its class."""
    found = []
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):  # it has just ended, or is a zombie
            if "Trainable" in " ".join(process.cmdline()):
                found.append(process)
    return found


def test_every_trial_is_complete_and_was_trained_by_a_warm_process(
    make_config, digits: TrainingData, heard
) -> None:
    config = make_config(trials=6)
    workers: set[int] = set()
    files: list[int] = []

    def look(key: RunKey, result: EpochResult) -> None:
        workers.update(process.pid for process in training_processes())
        files.append(len(list(Path(config.checkpoints).iterdir())))

    heard.epoch_finished = look
    records = run(config, digits, [heard])
    assert [r.number for r in records] == list(range(6))
    assert all(r.state is RunState.COMPLETE for r in records)
    assert all(len(r.epochs) == 2 for r in records)
    assert all(r.device.startswith(("cpu", "NVIDIA")) for r in records)
    assert front(records, config.objectives)
    assert 1 <= len(workers) <= 2
    assert {r.worker for r in records} <= {f"{socket.gethostname()}:{pid}" for pid in workers}
    # One for each that runs, one that is being written, one of a trial that has just ended.
    assert 1 <= max(files) <= 2 * ONE_CPU.concurrent
    trials = optuna_trials(config.output)
    assert [t.values for t in trials] == [list(r.values(config.objectives)) for r in records]


def test_ray_imports_no_tracker_to_count_callbacks(
    make_config, digits: TrainingData, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(usage, "_count_callbacks", pytest.fail)
    (record,) = run(make_config(trials=1), digits)
    assert record.state is RunState.COMPLETE


def test_a_study_repeats_itself_when_trials_run_one_by_one(make_config, digits, tmp_path) -> None:
    results = []
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        config = make_config(output=tmp_path / folder, sampler="tpe")
        config = replace(config, max_concurrent=1)
        results.append(run(config, digits))
    values = [[(r.parameters, r.values(config.objectives)) for r in records] for records in results]
    assert values[0] == values[1]


def test_a_diverging_trial_fails_with_its_reason_and_the_study_goes_on(
    make_config, digits: TrainingData
) -> None:
    space = SearchSpace(
        name="diverging",
        summary="",
        axes={"learning_rate": CategoricalDistribution((1e-3, 1e30))},
        fixed={
            "network": "resnet8",
            "mask_count": 2,
            "batch_size": 200,
            "optimizer": "sgd",
            "momentum": 0.0,
        },
    )
    config = make_config(space=space, trials=2, sampler="grid")
    good, bad = run(config, digits)
    assert good.state is RunState.COMPLETE
    assert bad.state is RunState.FAILED
    assert bad.reason.startswith("NonFiniteLossError: training loss is ")
    assert "epoch 1" in bad.reason
    assert [r.number for r in front((good, bad), config.objectives)] == [0]
    assert [t.state for t in optuna_trials(config.output)] == [
        OptunaState.COMPLETE,
        OptunaState.FAIL,
    ]


def test_a_killed_worker_costs_no_trial(make_config, digits: TrainingData, heard) -> None:
    told = heard.epoch_finished

    def kill_once(key: RunKey, result: EpochResult) -> None:
        told(key, result)
        if len(heard.of("epoch")) == 3:
            os.kill(training_processes()[0].pid, signal.SIGKILL)

    heard.epoch_finished = kill_once
    config = make_config(trials=2, epochs=8)
    config = replace(config, max_concurrent=1)
    records = run(config, digits, [heard])
    assert [r.state for r in records] == [RunState.COMPLETE] * 2
    assert [r.retried for r in records] == [("the worker process died",), ()]
    assert [timeless(r.epochs) for r in records] == [
        undisturbed(r, config, digits) for r in records
    ]
    epochs = [(number, epoch) for number in (0, 1) for epoch in range(1, 9)]
    assert sorted(heard.of("epoch")) == epochs


def test_a_trial_outlives_a_busy_and_a_waiting_worker_that_ray_ended_for_want_of_memory(
    make_config, digits: TrainingData, heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    get = ray.get

    def get_from_the_starved(*refs: object, **options: object) -> object:
        try:
            return get(*refs, **options)
        except RayActorError as error:
            raise OutOfMemoryError(str(error)) from None

    def kill_both(key: RunKey, result: EpochResult) -> None:
        waits = len(heard.of("ended")) == 2
        if waits and not killed:
            killed.extend(process.pid for process in training_processes())
            for pid in killed:
                os.kill(pid, signal.SIGKILL)

    killed: list[int] = []
    heard.epoch_finished = kill_both
    monkeypatch.setattr(ray, "get", get_from_the_starved)
    records = run(make_config(trials=3, epochs=20), digits, [heard])
    assert len(killed) == 2
    assert [r.state for r in records] == [RunState.COMPLETE] * 3
    assert sum(len(r.retried) for r in records) == 2


def test_a_trial_that_always_raises_fails_with_its_reason_and_costs_no_other(
    make_config, digits: TrainingData, heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    class RaisingTrainable(TrialTrainable):
        def _train_epoch(self, proposed):
            (run,) = proposed
            if run.key.trial == 0:
                raise MemoryError(f"attempt {run.attempt}")
            return super()._train_epoch(proposed)

    monkeypatch.setattr(tuner, "TrialTrainable", RaisingTrainable)
    config = make_config(trials=2, epochs=1)
    bad, good = run(config, digits, [heard])
    assert (bad.state, bad.reason) == (RunState.FAILED, f"MemoryError: attempt {ATTEMPTS}")
    assert bad.retried == tuple(f"MemoryError: attempt {n}" for n in range(1, ATTEMPTS))
    assert good.state is RunState.COMPLETE
    assert heard.of("started").count((0, RunState.RUNNING)) == ATTEMPTS
    assert [t.state for t in optuna_trials(config.output)] == [
        OptunaState.FAIL,
        OptunaState.COMPLETE,
    ]


def test_a_storage_that_fails_in_the_middle_ends_the_search_with_its_own_error(
    make_config, digits: TrainingData, heard, capfd: pytest.CaptureFixture
) -> None:
    config = make_config(trials=2, epochs=1)
    storage = StudyStorage(config)

    def fail(record: RunRecord) -> None:
        raise StorageError("optuna.journal: no space left on device")

    storage.keep_record = fail
    manager = TrialManager(config, storage, [heard])
    store = CheckpointStore(url=config.checkpoints)
    with Interrupts() as interrupts, pytest.raises(StorageError, match="no space left"):
        train_runs(config, digits, manager, store, ONE_CPU, interrupts, lambda reason: None)
    assert all(r.state is RunState.PAUSED for r in manager.records)
    # No trial is blamed for it and trained again.
    assert heard.of("retried") == []
    assert "Traceback" not in capfd.readouterr().err


def test_a_duplicate_proposal_is_not_trained_twice(make_config, digits: TrainingData) -> None:
    space = SearchSpace(
        name="four",
        summary="",
        axes={
            "mask_count": CategoricalDistribution((2, 4)),
            "noise_level": CategoricalDistribution((0.1, 1.0)),
        },
        fixed={"network": "resnet8", "batch_size": 200},
    )
    config = make_config(space=space, trials=10, epochs=1, sampler="tpe")
    records = run(config, digits)
    points = {(r.parameters["mask_count"], r.parameters["noise_level"]) for r in records}
    assert len(records) == len(points) == 4


@ray.remote
def in_place(data: TrainingData) -> bool:
    return not any(
        array.flags.writeable or array.flags.owndata
        for images in (data.train, data.validation)
        for array in (images.images, images.labels)
    )


def test_workers_read_the_images_in_place_from_the_object_store(digits: TrainingData) -> None:
    assert ray.get(in_place.remote(ray.put(digits)))


def test_noise_levels_reach_the_networks(make_config, digits: TrainingData) -> None:
    space = SearchSpace(
        name="noise",
        summary="",
        axes={"noise_level": FloatDistribution(0.0, 50.0)},
        fixed={"network": "resnet8", "mask_count": 16, "batch_size": 50},
        grid={"noise_level": (0.0, 50.0)},
    )
    config = make_config(space=space, trials=2, epochs=3, sampler="grid")
    quiet, loud = run(config, digits)
    assert quiet.epochs[-1].val_accuracy > loud.epochs[-1].val_accuracy + 0.1
