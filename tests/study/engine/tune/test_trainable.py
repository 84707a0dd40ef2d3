"""Several seeds of a trial live and die together, and go on together."""

import os
import shutil
import socket
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from pnn_core import load_network
from pnn_core.config import DatasetShape, EpochResult, ModelConfig, OptimConfig, TrialConfig
from pnn_core.data import DatasetError, TrainingData
from pnn_core.replicates.batched_run import BatchedRun
from pnn_core.training import validated_run as train
from pnn_core.training.trainer import NonFiniteLossError
from study.checkpoints.checkpoint_store import CheckpointStore
from study.checkpoints.cleanup import checkpoint_file
from study.engine.cluster.worker_name import worker_name
from study.engine.cluster.worker_settings import WorkerSettings
from study.engine.tune import trainable as trainable_module
from study.engine.tune.places import GPUS
from study.engine.tune.trainable import TrialTrainable
from study.results.run_record import Curve, RunKey
from study.results.weight_files import PREFIX, weight_file
from study.search.messages import (
    REPORTS,
    RUNS,
    DataFault,
    EpochReport,
    ProposedRun,
    RunFailure,
    RunPaused,
)

DIGITS = DatasetShape(channels=1, height=8, width=8, classes=10)
CONFIG = TrialConfig(
    model=ModelConfig(dataset=DIGITS, network="resnet8", mask_count=2, dropout=0.2),
    optim=OptimConfig(batch_size=200),
    epochs=3,
    seed=5,
)
TRIAL = RunKey(0)
FILE = checkpoint_file(TRIAL)
Make = Callable[..., TrialTrainable]
Curves = list[list[EpochResult]]


class StopAfter:
    """A stop flag that is raised just before it is asked for the n-th time."""

    def __init__(self, questions: float) -> None:
        self._left = questions

    def is_set(self) -> bool:
        self._left -= 1
        return self._left < 0


NEVER = StopAfter(float("inf"))


@pytest.fixture(autouse=True)
def _threads() -> Iterator[None]:
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def store(tmp_path: Path) -> CheckpointStore:
    return CheckpointStore(url=str(tmp_path))


@pytest.fixture
def make(digits: TrainingData, store: CheckpointStore, monkeypatch: pytest.MonkeyPatch) -> Make:
    """A trainable as in a worker process, but in this one."""

    def make(
        replicates: int = 3,
        stop: StopAfter = NEVER,
        *,
        keep: bool = False,
        weights: bool = False,
        key: RunKey = TRIAL,
    ) -> TrialTrainable:
        monkeypatch.setattr(trainable_module, "stop_requested", lambda key: stop)
        made = TrialTrainable.__new__(TrialTrainable)
        run = ProposedRun(key=key, config=CONFIG, replicates=replicates, attempt=1)
        made.config = {RUNS: (run,), GPUS: 0.0}
        settings = WorkerSettings(
            cpus=1,
            store=store,
            keep_checkpoints=keep,
            keep_weights=weights,
            stop_key="unused",
        )
        made.setup(made.config, digits, settings)
        return made

    return make


def timeless(curves: Iterable[Curve]) -> Curves:
    return [
        [replace(result, train_seconds=0.0, val_seconds=0.0) for result in curve]
        for curve in curves
    ]


def told(result: dict) -> object:
    """What a step reports of its one run."""
    ((key, report),) = result[REPORTS]
    assert key == RunKey(0)
    return report


def curves(report: EpochReport) -> Curves:
    return timeless(report.replicates)


def finish(trainable: TrialTrainable) -> Curves:
    while True:
        result = trainable.step()
        if result["done"]:
            return curves(told(result))


@pytest.fixture(scope="module")
def undisturbed(digits: TrainingData) -> dict[int, Curves]:
    """By the number of seeds: one as the plain function trains it, three at once."""
    torch.set_num_threads(1)
    cpu = torch.device("cpu")
    runs = [train.ValidatedRun(replace(CONFIG, seed=seed), digits, cpu) for seed in (5, 6, 7)]
    pack = BatchedRun(runs)
    for _ in range(CONFIG.epochs):
        pack.next_epoch()
    one = [tuple(train.train(CONFIG, digits, cpu))]
    return {1: timeless(one), 3: timeless([run.results for run in runs])}


def test_each_step_is_an_epoch_of_every_seed_the_trials_and_those_that_follow(
    make: Make, undisturbed: dict[int, Curves]
) -> None:
    trainable = make()
    results = [trainable.step() for _ in range(CONFIG.epochs)]
    for epoch, result in enumerate(results, start=1):
        assert curves(told(result)) == [curve[:epoch] for curve in undisturbed[3]]
        assert told(result).worker == f"{socket.gethostname()}:{os.getpid()}"
    assert [result["done"] for result in results] == [False, False, True]


@pytest.mark.parametrize(
    ("replicates", "questions"), [(1, 0), (1, 1), (1, 3), (1, 10), (3, 5), (3, 14)]
)
def test_a_trial_stopped_anywhere_goes_on_in_another_process_as_if_it_never_was(
    make: Make, undisturbed: dict[int, Curves], replicates: int, questions: int
) -> None:
    first = make(replicates, StopAfter(questions))
    results = [first.step()]
    while not results[-1]["done"]:
        results.append(first.step())
    assert told(results[-1]) == RunPaused()
    again = make(replicates)
    assert finish(again) == undisturbed[replicates]


def test_a_trial_stopped_again_and_again_gets_on(
    make: Make, undisturbed: dict[int, Curves]
) -> None:
    """Each life trains a step or two."""
    lives = 0
    while True:
        lives += 1
        trainable = make(1, StopAfter(4))
        result = trainable.step()
        while not result["done"]:
            result = trainable.step()
        if isinstance(told(result), EpochReport):
            break
    assert lives > CONFIG.epochs
    assert curves(told(result)) == undisturbed[1]


def test_a_trial_goes_on_from_the_checkpoint_of_an_earlier_epoch(
    make: Make, store: CheckpointStore, undisturbed: dict[int, Curves]
) -> None:
    killed = make()
    killed.step()
    saved = store.load(FILE)
    assert saved is not None
    killed.step()
    store.save(FILE, saved)
    again = make()
    assert curves(told(again.step())) == [curve[:2] for curve in undisturbed[3]]
    assert finish(again) == undisturbed[3]


def test_a_checkpoint_of_another_trial_is_not_gone_on_from(
    make: Make, store: CheckpointStore, undisturbed: dict[int, Curves]
) -> None:
    make(1).step()
    report = told(make(3).step())
    assert curves(report) == [curve[:1] for curve in undisturbed[3]]
    assert "began anew" in report.unsaved


def test_a_loss_that_is_not_finite_would_recur_and_the_process_is_of_use(
    make: Make, monkeypatch: pytest.MonkeyPatch, undisturbed: dict[int, Curves]
) -> None:
    def diverge(run, pause):
        raise NonFiniteLossError("training loss is nan")

    trainable = make(1)
    with monkeypatch.context() as patch:
        patch.setattr(train.ValidatedRun, "next_epoch", diverge)
        result = trainable.step()
    reason = "NonFiniteLossError: training loss is nan"
    failure = RunFailure(reason=reason, would_recur=True, worker=worker_name())
    assert result == {REPORTS: ((RunKey(0), failure),), "done": True}
    trainable.reset_config(trainable.config)
    assert finish(trainable) == undisturbed[1]


def test_one_seed_that_raises_ends_the_attempt_and_the_process_with_its_reason(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = train.ValidatedRun.record

    def fail(run, trained, evaluation, seconds):
        if run.config.seed == 6 and run.epoch == 2:
            raise MemoryError("the\nsecond seed")
        record(run, trained, evaluation, seconds)

    trainable = make()
    monkeypatch.setattr(train.ValidatedRun, "record", fail)
    assert isinstance(told(trainable.step()), EpochReport)
    reason = "MemoryError: the second seed"
    expected = RunFailure(reason=reason, would_recur=False, worker=worker_name())
    assert trainable.step() == {REPORTS: ((RunKey(0), expected),), "done": False}
    with pytest.raises(RuntimeError, match="given up"):
        trainable.step()


@pytest.mark.parametrize(
    "error",
    [
        ValueError("Expected more than 1 value per channel when training"),
        RuntimeError("mat1 and mat2 shapes cannot be multiplied"),
        TypeError("x"),
    ],
)
def test_what_would_recur_is_told_so_and_the_process_is_of_use(
    make: Make,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    undisturbed: dict[int, Curves],
) -> None:
    trainable = make(1)
    with monkeypatch.context() as patch:
        patch.setattr(train.ValidatedRun, "next_epoch", raising(error))
        result = trainable.step()
    reason = f"{type(error).__name__}: {error}"
    failure = RunFailure(reason=reason, would_recur=True, worker=worker_name())
    assert result == {REPORTS: ((RunKey(0), failure),), "done": True}
    trainable.reset_config(trainable.config)
    assert finish(trainable) == undisturbed[1]


@pytest.mark.parametrize(
    "error",
    [
        OSError("stale file handle"),
        MemoryError(),
        torch.OutOfMemoryError("out of memory"),
        RuntimeError("CUDA error: device-side assert triggered"),
    ],
)
def test_what_may_not_come_again_is_tried_again(
    make: Make, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    trainable = make(1)
    monkeypatch.setattr(train.ValidatedRun, "next_epoch", raising(error))
    result = trainable.step()
    assert not told(result).would_recur
    assert not result["done"]


def test_an_image_that_cannot_be_read_is_no_fault_of_the_trial(
    make: Make, monkeypatch: pytest.MonkeyPatch, undisturbed: dict[int, Curves]
) -> None:
    trainable = make(1)
    trainable.step()
    with monkeypatch.context() as patch:
        error = DatasetError("cat/07.jpg cannot be read as an image: truncated")
        patch.setattr(train.ValidatedRun, "next_epoch", raising(error))
        result = trainable.step()
    assert result == {REPORTS: ((RunKey(0), DataFault(reason=str(error))),), "done": True}
    assert finish(make(1)) == undisturbed[1]  # once the image is mended


def raising(error: Exception) -> Callable[..., None]:
    def fail(*_arguments: object) -> None:
        raise error

    return fail


@pytest.mark.parametrize("keep", [False, True])
def test_a_complete_trial_leaves_its_last_state_if_asked(
    make: Make,
    store: CheckpointStore,
    undisturbed: dict[int, Curves],
    keep: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert finish(make(1, keep=keep)) == undisturbed[1]
    trained: list[int] = []
    next_epoch = train.ValidatedRun.next_epoch

    def listen(run, pause):
        trained.append(run.epoch + 1)
        return next_epoch(run, pause)

    monkeypatch.setattr(train.ValidatedRun, "next_epoch", listen)
    assert finish(make(1)) == undisturbed[1]
    assert (trained == []) == keep  # its last state leaves nothing to train
    assert store.names() == [FILE]


def test_a_stopped_trial_that_has_not_begun_builds_nothing(
    make: Make, store: CheckpointStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainable = make(1, StopAfter(0))
    monkeypatch.setattr(train, "ValidatedRun", None)
    assert trainable.step() == {REPORTS: ((RunKey(0), RunPaused()),), "done": True}
    assert store.names() == []


def test_a_checkpoint_that_cannot_be_written_costs_no_training(
    make: Make, store: CheckpointStore, undisturbed: dict[int, Curves], tmp_path: Path
) -> None:
    trainable = make(1)
    tmp_path.rmdir()
    report = told(trainable.step())
    assert str(tmp_path) in report.unsaved
    assert finish(trainable) == undisturbed[1]


@pytest.mark.parametrize("replicates", [1, 3])
def test_weights_of_each_seed_are_there_when_the_last_epoch_is_told_of(
    make: Make, store: CheckpointStore, digits: TrainingData, replicates: int, tmp_path: Path
) -> None:
    trainable = make(replicates, weights=True)
    while not (result := trainable.step())["done"]:
        assert not [name for name in store.names() if name.startswith(PREFIX)]
    report = told(result)
    assert [n for n in store.names() if n.startswith(PREFIX)] == [
        weight_file(RunKey(0), CONFIG.seed + number) for number in range(replicates)
    ]
    images = torch.from_numpy(digits.validation.images)
    labels = torch.from_numpy(digits.validation.labels)
    for number, curve in enumerate(report.replicates):
        network = load_network(tmp_path / weight_file(RunKey(0), CONFIG.seed + number))
        assert network.classes == digits.classes
        assert network.card.trial == replace(CONFIG, seed=CONFIG.seed + number)
        with torch.inference_mode():
            right = int((network(images).argmax(dim=1) == labels).sum())
        assert right / len(labels) == curve[-1].val_accuracy


def test_a_run_that_tunes_leaves_no_weights(make: Make, store: CheckpointStore) -> None:
    trainable = make(1, weights=True, key=RunKey(0, "perturbation", 5, grid_point=1))
    while not trainable.step()["done"]:
        pass
    assert not [name for name in store.names() if name.startswith(PREFIX)]


def test_weights_that_cannot_be_written_cost_no_result(
    make: Make, undisturbed: dict[int, Curves], tmp_path: Path
) -> None:
    trainable = make(1, weights=True)
    trainable.step()
    shutil.rmtree(tmp_path)
    while not (result := trainable.step())["done"]:
        pass
    assert str(tmp_path) in told(result).unkept
    assert curves(told(result)) == undisturbed[1]
