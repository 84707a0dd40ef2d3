"""A network is compiled where the steps left repay it, and trains on as it did."""

import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch._inductor.runtime.cache_dir_utils import cache_dir as inductor_cache

from pnn_core.config import COMPILED, ModelConfig, OptimConfig, TrialConfig
from pnn_core.data import LabelledImages, TrainingData
from pnn_core.replicates.batched_run import BatchedRun
from pnn_core.training import compiled_network, train_steps
from pnn_core.training.compiled_network import (
    ASSUMED,
    CompileCost,
    Forward,
    MeasuredCosts,
    is_compilable,
    pays,
)
from pnn_core.training.cuda_graph import GraphCapture, Step
from pnn_core.training.validated_run import ValidatedRun

CPU = torch.device("cpu")
EPOCHS, STEPS = 4, 16


class StepCapture(GraphCapture):
    """Stand-in on the CPU for a GPU's capture: a replay does the step itself."""

    def __init__(self) -> None:
        self.captured = 0

    def warm_up(self, step: Step) -> torch.Tensor:
        return step()

    def capture(self, step: Step) -> Step:
        self.captured += 1
        return step

    def wait(self) -> None:
        pass


def images(count: int) -> LabelledImages:
    pixels = np.random.default_rng(count).integers(0, 256, (count, 1, 8, 8), dtype=np.uint8)
    return LabelledImages(images=pixels, labels=np.arange(count) % 3)


DATA = TrainingData(
    name="digits",
    train=images(4 * STEPS),
    validation=images(8),
    held_out=np.arange(8),
    classes=("a", "b", "c"),
    mean=(0.5,),
    std=(0.25,),
    augment=False,
)


def fresh(seed: int = 0, **change: object) -> ValidatedRun:
    config = TrialConfig(
        model=ModelConfig(dataset=DATA.shape, network="resnet8", mask_count=2),
        optim=OptimConfig(batch_size=4, schedule="constant"),
        epochs=EPOCHS,
        seed=seed,
    )
    return ValidatedRun(config.with_parameters(change), DATA, CPU)


@pytest.fixture
def capture(monkeypatch: pytest.MonkeyPatch, use_plain_operators, one_thread) -> StepCapture:
    """Record steps on the CPU, with a GPU's operators."""
    use_plain_operators(True)
    stand_in = StepCapture()
    monkeypatch.setattr(train_steps, "graph_capture", lambda device: stand_in)
    return stand_in


@pytest.fixture
def compiler(monkeypatch: pytest.MonkeyPatch, tmp_path) -> Callable[[Callable[..., Forward]], None]:
    """Set a compiler that costs nothing, and a cache of its own."""
    monkeypatch.setattr(compiled_network, "_cache_folder", lambda: tmp_path)
    monkeypatch.setattr(compiled_network, "ASSUMED", CompileCost(seconds=0.0, share=0.0))
    monkeypatch.setattr(train_steps, "LEAST_SECONDS_LEFT", 0.0)

    def use(compile_network: Callable[[nn.Module], Forward]) -> None:
        monkeypatch.setattr(train_steps, "compiled", compile_network)

    return use


def train(run: ValidatedRun | BatchedRun) -> None:
    for _ in range(EPOCHS):
        run.next_epoch()


@given(
    seconds=st.floats(0, 1e4), share=st.floats(0, 2), step=st.floats(1e-5, 10), steps=st.integers(0)
)
def test_compiling_pays_where_it_saves_more_than_it_takes(
    seconds: float, share: float, step: float, steps: int
) -> None:
    as_it_is = step * steps
    compiled = seconds + step * share * steps
    cost = CompileCost(seconds=seconds, share=share)
    if abs(as_it_is - compiled) > 1e-9 * (as_it_is + compiled):
        assert pays(cost, step, steps) == (compiled < as_it_is)


def test_a_long_run_goes_on_compiled_and_gives_the_numbers_of_the_network_as_it_is(
    capture: StepCapture, compiler, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = fresh()
    monkeypatch.setattr(train_steps, "pays", lambda *_: False)
    train(plain)
    monkeypatch.setattr(train_steps, "pays", pays)
    # Traced and taken apart as for a GPU; no kernel is written, which would take a minute.
    torch._dynamo.reset()
    compiler(lambda network: torch.compile(network, backend="aot_eager", fullgraph=True))
    run = fresh()
    train(run)
    assert (plain.arithmetic, run.arithmetic) == ("torch", COMPILED)
    assert plain.fallbacks == run.fallbacks == ()
    assert capture.captured == 3  # one for the plain run, two for the other
    for own, other in zip(run.results, plain.results, strict=True):
        assert own.train_loss == pytest.approx(other.train_loss, rel=1e-4)
        assert own.val_loss == pytest.approx(other.val_loss, rel=1e-3)
    for own, other in zip(run.model.buffers(), plain.model.buffers(), strict=True):
        torch.testing.assert_close(own, other, rtol=1e-2, atol=1e-3)


def test_what_compiling_gave_is_measured_and_kept_for_the_next_run(
    capture: StepCapture, compiler, tmp_path
) -> None:
    compiler(lambda network: network.forward)
    train(fresh())
    (file,) = tmp_path.iterdir()
    measured = json.loads(file.read_text())
    assert set(measured) == {"seconds", "share"}
    assert measured["seconds"] > 0
    # What was measured decides for the next run of the same network.
    file.write_text(json.dumps({"seconds": 1e9, "share": 0.5}))
    run = fresh(seed=1)
    train(run)
    assert run.arithmetic == "torch"


def test_a_compiled_network_that_is_slower_is_left(
    capture: StepCapture, compiler, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(network: nn.Module) -> Forward:
        def forward(x: torch.Tensor) -> torch.Tensor:
            for _ in range(20):
                network(x)
            calls.append(1)
            return network(x)

        return forward

    calls: list[int] = []
    compiler(slow)
    run = fresh(epochs=6)
    for _ in range(6):
        run.next_epoch()
    # One to compile, an epoch that records, one that is timed.
    assert len(calls) == 1 + 2 * STEPS
    assert run.arithmetic == COMPILED


@pytest.mark.parametrize("kind", ["alone", "batched"])
def test_a_network_that_cannot_be_compiled_trains_as_it_is_and_the_run_says_why(
    kind: str, capture: StepCapture, compiler
) -> None:
    def broken(network: nn.Module) -> Forward:
        def forward(x: torch.Tensor) -> torch.Tensor:
            network(x)  # statistics have moved when it fails
            raise RuntimeError("no C++ compiler\nfound")

        return forward

    runs, plain = [fresh(seed) for seed in (0, 1)], [fresh(seed) for seed in (0, 1)]
    ours, theirs = (own[0] if kind == "alone" else BatchedRun(own) for own in (runs, plain))
    compiler(broken)
    train(ours)
    compiler(lambda network: network.forward)
    train(theirs)
    for run, other in list(zip(runs, plain, strict=True))[: 1 if kind == "alone" else 2]:
        assert run.fallbacks == ("the network was not compiled: RuntimeError: no C++ compiler",)
        assert run.arithmetic == "torch"
        assert other.arithmetic == COMPILED
        assert [r.train_loss for r in run.results] == [r.train_loss for r in other.results]
        assert [r.val_loss for r in run.results] == [r.val_loss for r in other.results]


def test_a_cpu_never_compiles(compiler) -> None:
    compiler(pytest.fail)
    run = fresh()
    train(run)
    assert run.arithmetic != COMPILED


def test_a_short_run_imports_no_compiler(
    capture: StepCapture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiled_network, "_cache_folder", pytest.fail)
    train(run := fresh())
    assert run.arithmetic == "torch"


def test_dropout_is_not_compiled() -> None:
    assert is_compilable(nn.Sequential(nn.Linear(1, 1), nn.Dropout(0.0)))
    assert not is_compilable(nn.Sequential(nn.Linear(1, 1), nn.Dropout(0.5)))


@pytest.mark.parametrize("text", ["", "{", "[]", '{"seconds": 1}'])
def test_a_damaged_file_is_as_none(text: str, tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled_network, "_cache_folder", lambda: tmp_path)
    costs = MeasuredCosts(nn.Linear(1, 1), ("a GPU",))
    cost = replace(ASSUMED, seconds=3.0)
    costs.write(cost)
    assert costs.read() == cost
    assert MeasuredCosts(nn.Linear(1, 2), ("a GPU",)).read() == ASSUMED
    (file,) = tmp_path.iterdir()
    file.write_text(text)
    assert costs.read() == ASSUMED


def test_kernels_are_kept_where_nobody_else_writes(
    tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TORCHINDUCTOR_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with monkeypatch.context() as changed:
        changed.setattr(torch, "compile", lambda network, **options: network)
        compiled_network.compiled(nn.Linear(1, 1))
        assert inductor_cache() == str(tmp_path / "pnn-study" / "inductor")
    MeasuredCosts(nn.Linear(1, 1), ()).write(ASSUMED)
    assert [*(tmp_path / "pnn-study" / "inductor").glob("pnn_core_*.json")]
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "named"))
    compiled_network.compiled(nn.Linear(1, 1))
    assert inductor_cache() == str(tmp_path / "named")


def test_a_cache_that_cannot_be_written_costs_nothing(
    tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(compiled_network, "_cache_folder", lambda: tmp_path / "file" / "below")
    costs = MeasuredCosts(nn.Linear(1, 1), ())
    costs.write(ASSUMED)
    assert costs.read() == ASSUMED
