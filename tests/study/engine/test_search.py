"""Real Ray, real training, small: what happens to trials happens to records."""

import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import optuna
import psutil
import pytest
import ray
from optuna.distributions import CategoricalDistribution, FloatDistribution
from optuna.trial import TrialState as OptunaState

from pnn_core.config import EpochResult
from pnn_core.data import TrainingData, load_training_data
from search_spaces import SearchSpace
from study.engine.cluster import TrialResources, connected
from study.engine.search import JOURNAL, search
from study.results.pareto import front
from study.results.record import TrialRecord, TrialState

ONE_CPU = TrialResources(cpus=1, gpus=0.0, concurrent=2)


@pytest.fixture(scope="module")
def digits() -> TrainingData:
    return load_training_data("digits", Path("unused"))


@pytest.fixture(scope="module", autouse=True)
def cluster() -> Iterator[None]:
    with connected(None):
        yield


def optuna_trials(folder: Path) -> list[optuna.trial.FrozenTrial]:
    journal = optuna.storages.journal.JournalFileBackend(str(folder / JOURNAL))
    storage = optuna.storages.JournalStorage(journal)
    return optuna.load_study(study_name="test", storage=storage).get_trials()


class WorkerIds:
    """Listens for nothing but the processes that train."""

    def __init__(self) -> None:
        self.seen: set[int] = set()

    def trial_started(self, record: TrialRecord) -> None:
        pass

    def epoch_finished(self, number: int, result: EpochResult) -> None:
        self.seen |= {p.pid for p in training_processes()}

    def trial_ended(self, record: TrialRecord) -> None:
        pass


def training_processes() -> list[psutil.Process]:
    """Ray names an actor's process after its class."""
    return [
        process
        for process in psutil.Process().children(recursive=True)
        if "TrialTrainable" in " ".join(process.cmdline())
    ]


def test_every_trial_is_complete_and_was_trained_by_a_warm_process(
    make_config, digits: TrainingData
) -> None:
    config = make_config(trials=6)
    workers = WorkerIds()
    result = search(config, digits, ONE_CPU, [workers])
    assert [r.number for r in result.records] == list(range(6))
    assert all(r.state is TrialState.COMPLETE for r in result.records)
    assert all(len(r.epochs) == 2 for r in result.records)
    assert all(r.device.startswith(("cpu", "NVIDIA")) for r in result.records)
    assert front(result.records, config.objectives)
    assert 1 <= len(workers.seen) <= 2
    trials = optuna_trials(config.output)
    assert [t.values for t in trials] == [list(r.values(config.objectives)) for r in result.records]


def test_a_study_repeats_itself_when_trials_run_one_by_one(make_config, digits, tmp_path) -> None:
    results = []
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        config = make_config(output=tmp_path / folder, sampler="tpe")
        config = replace(config, resources=replace(config.resources, max_concurrent=1))
        results.append(search(config, digits, ONE_CPU, []).records)
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
    good, bad = search(config, digits, ONE_CPU, []).records
    assert good.state is TrialState.COMPLETE
    assert bad.state is TrialState.FAILED
    assert bad.reason.startswith("NonFiniteLossError: training loss is ")
    assert "epoch 1" in bad.reason
    assert [r.number for r in front((good, bad), config.objectives)] == [0]
    assert [t.state for t in optuna_trials(config.output)] == [
        OptunaState.COMPLETE,
        OptunaState.FAIL,
    ]


def test_a_killed_worker_costs_its_trial_and_no_other(make_config, digits: TrainingData) -> None:
    class Killer(WorkerIds):
        killed = False

        def epoch_finished(self, number: int, result: EpochResult) -> None:
            if not self.killed:
                self.killed = True
                os.kill(training_processes()[0].pid, signal.SIGKILL)

    config = make_config(trials=4, epochs=12)
    config = replace(config, resources=replace(config.resources, max_concurrent=1))
    records = search(config, digits, ONE_CPU, [Killer()]).records
    states = [r.state for r in records]
    assert states.count(TrialState.FAILED) == 1
    assert states.count(TrialState.COMPLETE) == 3
    (failed,) = (r for r in records if r.state is TrialState.FAILED)
    assert failed.reason == "the worker process died"
    assert failed.number not in {r.number for r in front(records, config.objectives)}


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
    records = search(config, digits, ONE_CPU, []).records
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
    quiet, loud = search(config, digits, ONE_CPU, []).records
    assert quiet.epochs[-1].val_accuracy > loud.epochs[-1].val_accuracy + 0.1
