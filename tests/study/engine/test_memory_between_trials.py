"""Nothing of a trial's networks lives on in the process that trains the next one."""

import gc
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from pnn_core.config import DatasetShape, ModelConfig, OptimConfig, TrialConfig
from pnn_core.data import TrainingData
from pnn_core.training import validated_run as train
from study.checkpoints.checkpoint_store import CheckpointStore
from study.engine.cluster.worker_settings import WorkerSettings
from study.engine.tune import trainable as trainable_module
from study.engine.tune.places import GPUS
from study.engine.tune.trainable import TrialTrainable
from study.results.run_record import RunKey
from study.search.messages import REPORTS, RUNS, ProposedRun

DIGITS = DatasetShape(channels=1, height=8, width=8, classes=10)
CONFIG = TrialConfig(
    model=ModelConfig(dataset=DIGITS, network="resnet8", mask_count=2, dropout=0.2),
    optim=OptimConfig(batch_size=200),
    epochs=2,
)
End = Callable[[TrialTrainable, pytest.MonkeyPatch], None]


class Flag:
    """A stop flag."""

    def __init__(self) -> None:
        self.raised = False

    def is_set(self) -> bool:
        return self.raised


@pytest.fixture(autouse=True)
def _threads() -> Iterator[None]:
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def make(
    digits: TrainingData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., TrialTrainable]:
    """A trainable as in a worker process, but in this one."""

    def make(replicates: int) -> TrialTrainable:
        monkeypatch.setattr(trainable_module, "stop_requested", lambda key: Flag())
        made = TrialTrainable.__new__(TrialTrainable)
        run = ProposedRun(key=RunKey(0), config=CONFIG, replicates=replicates, attempt=1)
        made.config = {RUNS: (run,), GPUS: 0.0}
        settings = WorkerSettings(
            cpus=1,
            store=CheckpointStore(url=str(tmp_path)),
            keep_checkpoints=False,
            keep_weights=False,
            stop_key="unused",
        )
        made.setup(made.config, digits, settings)
        return made

    return make


def seeds(trainable: TrialTrainable) -> list[train.ValidatedRun]:
    """What is trained now."""
    return [seed for run in trainable._group.left for seed in run.seeds]


def ends(trainable: TrialTrainable, monkeypatch: pytest.MonkeyPatch) -> None:
    assert trainable.step()["done"]


def is_stopped_by_the_scheduler(trainable: TrialTrainable, monkeypatch: pytest.MonkeyPatch) -> None:
    assert trainable.reset_config(trainable.config)


def is_left_by_tune(trainable: TrialTrainable, monkeypatch: pytest.MonkeyPatch) -> None:
    trainable.cleanup()


def pauses(trainable: TrialTrainable, monkeypatch: pytest.MonkeyPatch) -> None:
    trainable._stop.raised = True  # type: ignore[attr-defined]  # it is a `Flag`
    assert trainable.step()["done"]


def diverges(trainable: TrialTrainable, monkeypatch: pytest.MonkeyPatch) -> None:
    for run in seeds(trainable):
        for parameter in run.model.parameters():
            parameter.data.fill_(float("nan"))
    assert trainable.step()["done"]


def raises(trainable: TrialTrainable, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(run: train.ValidatedRun, *what: object) -> None:
        raise MemoryError("the device is full")

    monkeypatch.setattr(train.ValidatedRun, "record", fail)
    assert not trainable.step()["done"]  # Tune asks again and is told to give the process up


@pytest.mark.parametrize("replicates", [1, 3], ids=["alone", "packed"])
@pytest.mark.parametrize(
    "end", [ends, is_stopped_by_the_scheduler, is_left_by_tune, pauses, diverges, raises]
)
def test_no_network_is_alive_once_a_trial(
    make: Callable[..., TrialTrainable],
    monkeypatch: pytest.MonkeyPatch,
    end: End,
    replicates: int,
) -> None:
    """Without the collector: a network in a cycle would stay for as long as that does not run."""
    trainable = make(replicates)
    gc.collect()
    gc.disable()
    try:
        trainable.step()
        assert len(seeds(trainable)) == replicates
        held = [weakref.ref(training) for training in trainable._group._trainings]
        for run in seeds(trainable):
            held += [weakref.ref(run), weakref.ref(run.optimizer)]
            held += [weakref.ref(part) for part in run.model.modules()]
            held += [weakref.ref(parameter) for parameter in run.model.parameters()]
        del run
        end(trainable, monkeypatch)
        alive = [type(thing).__name__ for ref in held if (thing := ref()) is not None]
    finally:
        gc.enable()
    assert alive == []


def test_a_trial_whose_gpu_failed_tells_so_although_no_memory_can_be_given_back(
    make: Callable[..., TrialTrainable], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*what: object) -> None:
        raise RuntimeError("CUDA error: device-side assert triggered")

    trainable = make(1)
    trainable.step()
    trainable._device = torch.device("cuda")
    monkeypatch.setattr(train.ValidatedRun, "record", fail)
    monkeypatch.setattr(torch.cuda, "empty_cache", fail)
    ((_, failure),) = trainable.step()[REPORTS]
    assert "device-side assert" in failure.reason
