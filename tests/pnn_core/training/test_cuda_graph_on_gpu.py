"""Steps that are replayed as CUDA graphs on a GPU train as plain ones do."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
import torch

from pnn_core.config import ModelConfig, OptimConfig, TrialConfig
from pnn_core.data import LabelledImages, TrainingData
from pnn_core.replicates.batched_run import BatchedRun
from pnn_core.training import train_steps as steps
from pnn_core.training.cuda_graph import graph_capture
from pnn_core.training.validated_run import ValidatedRun

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")

GPU = torch.device("cuda")
EPOCHS, STEPS, BATCH = 3, 40, 10
CHANGES: Mapping[str, Mapping[str, Any]] = {
    "Adam": {},
    "momentum": {"optimizer": "sgd", "learning_rate": 0.01},
    "dropout": {"dropout": 0.5},
    "binary filters": {"layer": "local_binary", "fan_out": 2},
}


@pytest.fixture
def plainly(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], None]], None]:
    """Run a function without capture."""

    def do(what: Callable[[], None]) -> None:
        with monkeypatch.context() as context:
            context.setattr(steps, "graph_capture", lambda device: None)
            what()

    return do


def images(count: int) -> LabelledImages:
    rng = np.random.default_rng(count)
    pixels = rng.integers(0, 256, (count, 3, 32, 32), dtype=np.uint8)
    return LabelledImages(images=pixels, labels=rng.integers(0, 10, count))


DATA = TrainingData(
    name="cifar10",
    train=images(STEPS * BATCH + 3),
    validation=images(20),
    held_out=np.arange(20),
    classes=tuple("abcdefghij"),
    mean=(0.5,) * 3,
    std=(0.25,) * 3,
    augment=True,
)


def fresh(change: Mapping[str, Any], seed: int = 0) -> ValidatedRun:
    """Make a run of three epochs, in which the rate drops after the second."""
    config = TrialConfig(
        model=ModelConfig(dataset=DATA.shape, network="resnet8", mask_count=16),
        optim=OptimConfig(batch_size=BATCH, schedule="tenth_at_60_90"),
        epochs=EPOCHS,
        seed=seed,
    ).with_parameters(change)
    return ValidatedRun(config, DATA, GPU)


def train(training: ValidatedRun | BatchedRun) -> None:
    for _ in range(EPOCHS):
        assert training.next_epoch()


def require_close(run: ValidatedRun, other: ValidatedRun) -> None:
    """Some kernels add in an order that changes, in half precision."""
    losses = [result.train_loss for result in other.results]
    assert [result.train_loss for result in run.results] == pytest.approx(losses, rel=0.02)
    for own, theirs in zip(
        run.optimizer.state.values(), other.optimizer.state.values(), strict=True
    ):
        if "step" in own:
            assert own["step"] == theirs["step"] == EPOCHS * STEPS
    for own, theirs in zip(run.model.parameters(), other.model.parameters(), strict=True):
        torch.testing.assert_close(own, theirs, rtol=0.05, atol=0.02)


@pytest.mark.parametrize("name", CHANGES)
def test_replayed_steps_train_as_plain_ones_do(name: str, plainly) -> None:
    run, plain = fresh(CHANGES[name]), fresh(CHANGES[name])
    plainly(lambda: train(plain))
    train(run)
    require_close(run, plain)
    assert graph_capture(GPU).works


def test_replayed_steps_of_batched_runs_train_as_plain_ones_do(plainly) -> None:
    batched, plain = (BatchedRun([fresh({}, seed) for seed in (1, 2)]) for _ in range(2))
    plainly(lambda: train(plain))
    train(batched)
    for run, other in zip(batched.runs, plain.runs, strict=True):
        require_close(run, other)


def test_dropout_goes_on_where_a_replayed_epoch_was_paused() -> None:
    run, other = fresh(CHANGES["dropout"]), fresh(CHANGES["dropout"])
    asked = iter(range(EPOCHS * STEPS))
    assert not run.next_epoch(lambda: next(asked) == STEPS // 2)
    resumed = fresh(CHANGES["dropout"])
    resumed.load_state_dict(run.state_dict())
    train(resumed)
    train(other)
    require_close(resumed, other)


def test_a_capture_leaves_no_memory_behind() -> None:
    run, held = fresh({}), []
    for _ in range(EPOCHS):
        run.next_epoch()
        torch.cuda.synchronize()
        held.append((torch.cuda.memory_allocated(), torch.cuda.memory_reserved()))
    assert held[1][0] == held[2][0]
    assert held[2][1] <= held[1][1]
