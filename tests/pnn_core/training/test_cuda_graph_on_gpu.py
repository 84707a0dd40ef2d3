"""Steps that are replayed as CUDA graphs on a GPU train as plain ones do."""

import gc
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from pnn_core.config import COMPILED, TORCH, ModelConfig, OptimConfig, TrialConfig
from pnn_core.data import LabelledImages, TrainingData
from pnn_core.replicates.batched_run import BatchedRun
from pnn_core.training import train_steps as steps
from pnn_core.training.cuda_graph import WARM_UP_STEPS, graph_capture
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


@pytest.fixture
def deterministic(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have every kernel add in one order."""
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True)
    yield
    torch.use_deterministic_algorithms(False)


def train(training: ValidatedRun | BatchedRun) -> None:
    for _ in range(EPOCHS):
        assert training.next_epoch()


def require_recorded(run: ValidatedRun) -> None:
    assert run.fallbacks == ()
    assert run.step_loop.replays == EPOCHS * STEPS - WARM_UP_STEPS


def require_close(run: ValidatedRun, other: ValidatedRun) -> None:
    """Whole epochs by their losses: in half precision weights of equal runs drift apart."""
    losses = [result.train_loss for result in other.results]
    assert [result.train_loss for result in run.results] == pytest.approx(losses, rel=0.02)
    for own, theirs in zip(
        run.optimizer.state.values(), other.optimizer.state.values(), strict=True
    ):
        if "step" in own:
            assert own["step"] == theirs["step"] == EPOCHS * STEPS


@pytest.mark.usefixtures("deterministic")
@pytest.mark.parametrize("name", sorted(CHANGES.keys() - {"dropout"}))
def test_the_first_replays_give_the_losses_of_plain_steps(name: str, plainly) -> None:
    def first_losses(run: ValidatedRun) -> torch.Tensor:
        asked = iter(range(STEPS))
        run.train_epoch(lambda: next(asked) == WARM_UP_STEPS + 4)
        return torch.stack(run.begin_epoch().losses)

    run, plain = fresh(CHANGES[name]), fresh(CHANGES[name])
    expected: list[torch.Tensor] = []
    plainly(lambda: expected.append(first_losses(plain)))
    torch.testing.assert_close(first_losses(run), expected[0], rtol=1e-5, atol=1e-6)
    assert run.step_loop.replays > 0


@pytest.mark.parametrize("name", CHANGES)
def test_replayed_steps_train_as_plain_ones_do(name: str, plainly) -> None:
    run, plain = fresh(CHANGES[name]), fresh(CHANGES[name])
    plainly(lambda: train(plain))
    train(run)
    require_recorded(run)
    require_close(run, plain)


def test_a_compiled_network_is_recorded_and_trains_as_it_is(plainly, monkeypatch) -> None:
    run, plain = fresh({}), fresh({})
    plainly(lambda: train(plain))
    monkeypatch.setattr(steps, "pays", lambda *_: True)
    monkeypatch.setattr(steps, "LEAST_SECONDS_LEFT", 0.0)
    train(run)
    assert run.fallbacks == ()
    assert (run.arithmetic, plain.arithmetic) == (COMPILED, TORCH)
    assert run.step_loop.replays == EPOCHS * STEPS - 2 * WARM_UP_STEPS
    require_close(run, plain)


def test_replayed_steps_of_batched_runs_train_as_plain_ones_do(plainly) -> None:
    batched, plain = (BatchedRun([fresh({}, seed) for seed in (1, 2)]) for _ in range(2))
    plainly(lambda: train(plain))
    train(batched)
    assert batched.step_loop.replays == EPOCHS * STEPS - WARM_UP_STEPS
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
    require_recorded(other)
    require_close(resumed, other)


def test_a_batched_run_goes_on_where_it_was_paused() -> None:
    runs, others = ([fresh({}, seed) for seed in (1, 2)] for _ in range(2))
    asked = iter(range(EPOCHS * STEPS))
    assert not BatchedRun(runs).next_epoch(lambda: next(asked) == STEPS // 2)
    resumed = [fresh({}, seed) for seed in (1, 2)]
    for run, paused in zip(resumed, runs, strict=True):
        run.load_state_dict(paused.state_dict())
    train(BatchedRun(resumed))
    train(BatchedRun(others))
    for run, other in zip(resumed, others, strict=True):
        require_close(run, other)


def test_a_checkpoint_goes_to_the_cpu_and_back() -> None:
    run = fresh({})
    run.next_epoch()
    on_cpu = ValidatedRun(run.config, DATA, torch.device("cpu"))
    on_cpu.load_state_dict(run.state_dict())
    on_cpu.next_epoch()
    back = fresh({})
    back.load_state_dict(on_cpu.state_dict())
    back.next_epoch()
    for _ in range(EPOCHS - 1):
        run.next_epoch()
    require_close(back, run)


def test_a_recording_is_made_once_and_its_memory_ends_with_the_run() -> None:
    """15 steps of 32 images are enough to record."""

    def hold() -> tuple[int, int]:
        gc.collect()
        torch.cuda.synchronize()
        torch.cuda.empty_cache()
        return torch.cuda.memory_allocated(), torch.cuda.memory_reserved()

    def train_once() -> list[int]:
        few = replace(DATA, train=images(15 * 32))
        config = fresh({}).config.with_parameters({"batch_size": 32, "schedule": "constant"})
        run, reserved = ValidatedRun(config, few, GPU), []
        for _ in range(EPOCHS):
            run.next_epoch()
            reserved.append(torch.cuda.memory_reserved())
        assert run.step_loop.replays == EPOCHS * 15 - WARM_UP_STEPS
        return reserved

    train_once()  # what libraries hold for good comes with the first run
    before = hold()
    reserved = train_once()
    assert hold() == before
    assert reserved[1] == reserved[2]


def test_a_capture_that_runs_out_of_memory_costs_its_own_run_alone() -> None:
    first, total = fresh({}), torch.cuda.mem_get_info(GPU)[1]
    capture = graph_capture(GPU)
    assert capture is not None
    real = capture.capture

    def without_memory(step):
        torch.cuda.empty_cache()
        torch.cuda.set_per_process_memory_fraction(torch.cuda.memory_reserved(GPU) / total, 0)
        try:
            return real(step)
        finally:
            torch.cuda.set_per_process_memory_fraction(1.0, 0)

    capture.capture = without_memory
    try:
        first.next_epoch()
    finally:
        del capture.capture
    assert "OutOfMemoryError" in first.fallbacks[0]
    train(second := fresh(CHANGES["dropout"]))
    require_recorded(second)


@pytest.mark.parametrize(
    "change",
    [
        {"trained_masks": True, "fan_out": 2},
        {"unique_masks": False, "fan_out": 2},
        {"fan_out": 4},
    ],
    ids=["trained masks", "shared masks", "fan-out"],
)
def test_other_masks_are_recorded_too(change: Mapping[str, Any], plainly) -> None:
    run, plain = fresh(change), fresh(change)
    plainly(lambda: train(plain))
    train(run)
    require_recorded(run)
    require_close(run, plain)


def test_low_noise_is_trained_in_float32_and_says_so() -> None:
    train(run := fresh({"noise_level": 0.01}))
    (told,) = run.fallbacks
    assert "float32" in told
    assert run.step_loop.replays > 0
