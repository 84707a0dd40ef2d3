"""Steps that are captured and replayed give the numbers of the plain loop.

A tape stands in for a GPU's capture: it records each of torch's operations with its tensors, and
replays them, so that a step which hid anything from the device would show.
"""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map_only

from pnn_core.config import ModelConfig, OptimConfig, TrialConfig
from pnn_core.data import LabelledImages, TrainingData, load_training_data
from pnn_core.replicates.batched_run import BatchedRun
from pnn_core.training import cuda_graph, train_steps
from pnn_core.training.checkpoint import decode_checkpoint, encode_checkpoint
from pnn_core.training.cuda_graph import CaptureError, GraphCapture, Step
from pnn_core.training.trainer import Trainer
from pnn_core.training.validated_run import ValidatedRun

CPU = torch.device("cpu")
EPOCHS, STEPS = 3, 16
WAITS = {"_local_scalar_dense", "nonzero", "masked_select", "equal", "is_nonzero", "unique"}
"""Operations that hand the host a number, or need one to know their result's shape."""
COPIES = {"lift_fresh", "lift_fresh_copy", "scalar_tensor"}
"""Operations that make a tensor of the host's numbers."""
RANDOM = {"native_dropout", "bernoulli_", "bernoulli"}


class Tape(TorchDispatchMode):
    """Recorder of operations, which replays them."""

    def __init__(self) -> None:
        super().__init__()
        self.operations: list[tuple[Callable[..., Any], Any, Any, Any]] = []
        self._made: set[int] = set()
        self._given: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        for value in tree_flatten((args, kwargs))[0]:
            if isinstance(value, torch.Tensor) and id(value) not in self._made:
                self._given.setdefault(id(value), (value, value.detach().clone()))
        outputs = func(*args, **(kwargs or {}))
        made = [value for value in tree_flatten(outputs)[0] if isinstance(value, torch.Tensor)]
        self._made |= {id(value) for value in made} - self._given.keys()
        self.operations.append((func, args, kwargs or {}, outputs))
        return outputs

    @property
    def names(self) -> set[str]:
        return {func.overloadpacket.__name__ for func, *_ in self.operations}

    @torch.no_grad()
    def undo(self) -> None:
        for tensor, before in self._given.values():
            tensor.copy_(before)

    @torch.no_grad()
    def replay(self, result: torch.Tensor) -> torch.Tensor:
        now: dict[int, torch.Tensor] = {}

        def current(tensor: torch.Tensor) -> torch.Tensor:
            return now.get(id(tensor), tensor)

        for func, args, kwargs, outputs in self.operations:
            own = tree_map_only(torch.Tensor, current, (args, kwargs))
            again = tree_flatten(func(*own[0], **own[1]))[0]
            for old, new in zip(tree_flatten(outputs)[0], again, strict=True):
                if isinstance(old, torch.Tensor) and id(old) in self._made:
                    now[id(old)] = new
        return now[id(result)].clone()


class TapeCapture(GraphCapture):
    """Stand-in on the CPU for a GPU's `GraphCapture`: capturing leaves everything as it was."""

    def __init__(self) -> None:
        self.warm_ups, self.replays, self.recoveries = 0, 0, 0
        self.tapes: list[Tape] = []

    def warm_up(self, step: Step) -> torch.Tensor:
        self.warm_ups += 1
        return step()

    def capture(self, step: Step) -> Step:
        generator = torch.get_rng_state()
        with Tape() as tape:
            loss = step()
        tape.undo()
        torch.set_rng_state(generator)
        self.tapes.append(tape)

        def replay() -> torch.Tensor:
            self.replays += 1
            return tape.replay(loss)

        return replay

    def wait(self) -> None:
        pass

    def recover(self) -> None:
        self.recoveries += 1


class BrokenCapture(TapeCapture):
    """Capture that fails, and counts the attempts.

    Args:
        error: Error that it raises.
        lasting: True if no random number can be drawn from then on.
    """

    def __init__(self, error: Exception, *, lasting: bool = False) -> None:
        super().__init__()
        self.error, self.lasting, self.tries = error, lasting, 0

    def capture(self, step: Step) -> Step:
        self.tries += 1
        super().capture(step)
        raise self.error

    def recover(self) -> None:
        super().recover()
        if self.lasting:
            raise RuntimeError("Offset increment outside graph capture encountered unexpectedly.")


def images(count: int) -> LabelledImages:
    rng = np.random.default_rng(count)
    pixels = rng.integers(0, 256, (count, 2, 8, 8), dtype=np.uint8)
    return LabelledImages(images=pixels, labels=rng.integers(0, 3, count))


DATA = TrainingData(
    name="digits",
    train=images(4 * STEPS + 3),
    validation=images(8),
    held_out=np.arange(8),
    classes=("a", "b", "c"),
    mean=(0.5, 0.4),
    std=(0.25, 0.3),
    augment=True,
)
CHANGES: Mapping[str, Mapping[str, Any]] = {
    "Adam": {},
    "momentum": {"optimizer": "sgd", "learning_rate": 0.05, "weight_decay": 0.01},
    "plain descent": {"optimizer": "sgd", "momentum": 0.0, "learning_rate": 0.05},
    "trained masks": {"trained_masks": True, "fan_out": 2},
    "dropout": {"dropout": 0.5},
}
NETWORKS: Mapping[str, Mapping[str, Any]] = {
    "shared masks": {"unique_masks": False, "fan_out": 2},
    "grouped": {"grouped": True, "fan_out": 2, "mix_maps": True},
    "no normalisation": {"order": "noise_relu_conv"},
    "average pool": {"pooling": "average", "before_addition": "bn_relu"},
    "3x3": {"layer": "conv3x3"},
    "1x1": {"layer": "conv1x1"},
    "binary filters": {"layer": "local_binary", "fan_out": 2},
    "frozen first layer": {"stem": "conv3x3_frozen"},
    "7x7 first layer": {"stem": "conv7x7"},
    "sigmoid": {"stem": "perturbation", "stem_fan_out": 2, "stem_activation": "sigmoid"},
    "resnet18": {"network": "resnet18"},
    "resnet50": {"network": "resnet50"},
    "vgg16": {"network": "vgg16"},
    "lenet": {"network": "lenet", "dropout": 0.5},
    "nin": {"network": "nin", "dropout": 0.5},
}


@pytest.fixture(autouse=True)
def plain_operators_and_one_thread(
    use_plain_operators: Callable[[bool], None], one_thread: None
) -> None:
    """Use a GPU's operators, in an order of additions that is always the same."""
    use_plain_operators(True)


@pytest.fixture
def use_capture(monkeypatch: pytest.MonkeyPatch) -> Callable[[GraphCapture | None], None]:
    """Set the capture that training uses from here on."""

    def use(capture: GraphCapture | None) -> None:
        monkeypatch.setattr(train_steps, "graph_capture", lambda device: capture)

    return use


def config(change: Mapping[str, Any]) -> TrialConfig:
    """Make a run of three epochs, in which the rate drops after the second."""
    return TrialConfig(
        model=ModelConfig(dataset=DATA.shape, network="resnet8", mask_count=4),
        optim=OptimConfig(batch_size=4, schedule="tenth_at_60_90"),
        epochs=EPOCHS,
    ).with_parameters(change)


def fresh(change: Mapping[str, Any], *, augment: bool = True) -> ValidatedRun:
    return ValidatedRun(config(change), replace(DATA, augment=augment), CPU)


def replicates(change: Mapping[str, Any]) -> list[ValidatedRun]:
    return [ValidatedRun(replace(config(change), seed=seed), DATA, CPU) for seed in (4, 5)]


def numbers(run: ValidatedRun) -> list[float]:
    return [x for r in run.results for x in (r.train_loss, r.val_loss, r.val_accuracy)]


def tensors(state: object) -> list[torch.Tensor]:
    if isinstance(state, torch.Tensor):
        return [state]
    if isinstance(state, Mapping):
        return [tensor for key in state for tensor in tensors(state[key])]
    if isinstance(state, Sequence) and not isinstance(state, str):
        return [tensor for value in state for tensor in tensors(value)]
    return []


def require_equal(run: ValidatedRun, other: ValidatedRun) -> None:
    assert numbers(run) == numbers(other)
    pairs = zip(tensors(run.state_dict()), tensors(other.state_dict()), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


@pytest.mark.parametrize("augment", [True, False])
@pytest.mark.parametrize("name", CHANGES)
def test_replayed_steps_give_the_numbers_of_plain_ones(
    name: str, augment: bool, use_capture: Callable[[GraphCapture | None], None]
) -> None:
    run, plain = (fresh(CHANGES[name], augment=augment) for _ in range(2))
    for _ in range(EPOCHS):
        plain.next_epoch()
    use_capture(tape := TapeCapture())
    for _ in range(EPOCHS):
        run.next_epoch()
    require_equal(run, plain)
    warm_ups = cuda_graph.WARM_UP_STEPS
    assert (tape.warm_ups, tape.replays) == (warm_ups, EPOCHS * STEPS - warm_ups)
    assert run.step_loop.replays == tape.replays
    assert len(tape.tapes) == 2  # one for each rate


def test_a_run_of_one_rate_is_recorded_once(
    use_capture: Callable[[GraphCapture | None], None],
) -> None:
    use_capture(tape := TapeCapture())
    alone, batched = fresh({"schedule": "constant"}), replicates({"schedule": "constant"})
    together = BatchedRun(batched)
    for _ in range(EPOCHS):
        alone.next_epoch()
        together.next_epoch()
    assert len(tape.tapes) == 2
    assert tape.replays == 2 * (EPOCHS * STEPS - cuda_graph.WARM_UP_STEPS)


def test_a_state_that_is_loaded_is_trained_on_by_a_recording_of_its_own(
    use_capture: Callable[[GraphCapture | None], None],
) -> None:
    plain, run = fresh({"schedule": "constant"}), fresh({"schedule": "constant"})
    use_capture(None)
    for _ in range(EPOCHS):
        plain.next_epoch()
    use_capture(tape := TapeCapture())
    run.next_epoch()
    state = run.state_dict()
    run.next_epoch()
    run.load_state_dict(state)
    run.next_epoch()
    run.next_epoch()
    require_equal(run, plain)
    assert len(tape.tapes) == 2


@pytest.mark.parametrize("name", sorted(CHANGES.keys() - {"dropout"}))
def test_replayed_steps_of_batched_runs_give_the_numbers_of_plain_ones(
    name: str, use_capture: Callable[[GraphCapture | None], None]
) -> None:
    batched, plain = BatchedRun(replicates(CHANGES[name])), BatchedRun(replicates(CHANGES[name]))
    for _ in range(EPOCHS):
        plain.next_epoch()
    use_capture(tape := TapeCapture())
    for _ in range(EPOCHS):
        batched.next_epoch()
    assert tape.replays == EPOCHS * STEPS - cuda_graph.WARM_UP_STEPS
    for run, other in zip(batched.runs, plain.runs, strict=True):
        require_equal(run, other)


@pytest.mark.parametrize(
    ("name", "kind"), [("momentum", "alone"), ("momentum", "batched"), ("dropout", "alone")]
)
# With 16 steps an epoch: the rest is captured again, or is too short.
@pytest.mark.parametrize("stops", [{0, 15}, {3, 7}, {12, 29}, set(range(32))])
def test_wherever_replayed_steps_are_stopped_they_end_as_if_they_never_were(
    name: str,
    kind: str,
    stops: set[int],
    use_capture: Callable[[GraphCapture | None], None],
) -> None:
    def two_epochs(asked: Iterator[bool]) -> list[ValidatedRun]:
        runs = replicates(CHANGES[name])[: 1 if kind == "alone" else 2]
        while min(run.epoch for run in runs) < 2:
            (runs[0] if kind == "alone" else BatchedRun(runs)).next_epoch(lambda: next(asked))
            data = encode_checkpoint("runs", [run.state_dict() for run in runs])
            runs = replicates(CHANGES[name])[: len(runs)]
            for run, state in zip(runs, decode_checkpoint(data, "runs", CPU), strict=True):
                run.load_state_dict(state)
        return runs

    use_capture(None)
    plain = two_epochs(itertools.repeat(False))
    use_capture(TapeCapture())
    stopped = two_epochs(number in stops for number in itertools.count())
    for run, other in zip(stopped, plain, strict=True):
        require_equal(run, other)


@pytest.mark.parametrize("kind", ["alone", "batched"])
@pytest.mark.parametrize("name", [*CHANGES, *NETWORKS])
def test_no_step_waits_for_the_device_or_copies_from_the_host(
    name: str, kind: str, use_capture: Callable[[GraphCapture | None], None]
) -> None:
    change = {**CHANGES, **NETWORKS}[name]
    if kind == "batched":
        change = {**change, "dropout": 0.0}
    use_capture(tape := TapeCapture())
    runs = replicates(change)
    run = runs[0] if kind == "alone" else BatchedRun(runs)
    run.next_epoch(lambda: bool(tape.tapes))  # what follows the capture is the same steps again
    names = tape.tapes[0].names
    assert not names & WAITS
    assert not names & COPIES
    assert {"index", "add_", "native_batch_norm", "nll_loss_forward"} <= names
    assert names & {"_fused_adam_", "_fused_sgd_"}
    assert bool(names & RANDOM) == ("dropout" in change and kind == "alone")


def test_checkpoints_do_not_tell_whether_steps_were_captured(
    use_capture: Callable[[GraphCapture | None], None],
) -> None:
    use_capture(TapeCapture())
    run = fresh({})
    run.next_epoch()
    assert [group["capturable"] for group in run.optimizer.param_groups] == [False]


def test_the_optimiser_is_capturable_during_the_capture(
    use_capture: Callable[[GraphCapture | None], None],
) -> None:
    seen = []

    class Watching(TapeCapture):
        def capture(self, step: Step) -> Step:
            seen.append(run.optimizer.param_groups[0]["capturable"])
            seen.append([p.grad for p in run.model.parameters() if p.grad is not None])
            return super().capture(step)

    use_capture(Watching())
    run = fresh({})
    run.next_epoch()
    assert seen == [True, []]


def test_no_gradient_outlives_an_epochs_steps(
    use_capture: Callable[[GraphCapture | None], None],
) -> None:
    use_capture(TapeCapture())
    run = fresh({})
    run.next_epoch()
    assert all(parameter.grad is None for parameter in run.model.parameters())


@pytest.mark.parametrize("kind", ["alone", "batched"])
@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("operation not permitted when stream is capturing"),
        torch.OutOfMemoryError("CUDA out of memory.\n Tried to allocate 2.00 MiB"),
    ],
)
def test_steps_that_cannot_be_captured_train_on_and_the_run_says_why(
    kind: str, error: Exception, use_capture: Callable[[GraphCapture | None], None]
) -> None:
    change = CHANGES["dropout" if kind == "alone" else "momentum"]
    runs, plain = replicates(change), replicates(change)
    ours, theirs = ((group[0] if kind == "alone" else BatchedRun(group)) for group in (runs, plain))
    for _ in range(EPOCHS):
        theirs.next_epoch()
    use_capture(broken := BrokenCapture(error))
    for _ in range(EPOCHS):
        ours.next_epoch()
    assert (broken.tries, broken.recoveries) == (1, 1)
    for run, other in list(zip(runs, plain, strict=True))[: 1 if kind == "alone" else 2]:
        require_equal(run, other)
        assert not any(group.get("capturable") for group in run.optimizer.param_groups)
        (told,) = run.fallbacks
        assert told == (
            "training steps were not recorded as a CUDA graph: "
            f"{type(error).__name__}: {' '.join(str(error).split())}"
        )
        assert other.fallbacks == ()


def test_a_capture_that_fails_costs_the_next_run_of_the_process_nothing(
    use_capture: Callable[[GraphCapture | None], None],
) -> None:
    use_capture(BrokenCapture(torch.OutOfMemoryError("CUDA out of memory")))
    fresh({}).next_epoch()
    use_capture(tape := TapeCapture())
    run = fresh({})
    run.next_epoch()
    assert run.fallbacks == ()
    assert tape.replays == STEPS - cuda_graph.WARM_UP_STEPS


@pytest.mark.parametrize("kind", ["alone", "batched"])
def test_where_no_random_number_can_be_drawn_since_the_process_is_given_up(
    kind: str, use_capture: Callable[[GraphCapture | None], None]
) -> None:
    use_capture(BrokenCapture(RuntimeError("cannot capture"), lasting=True))
    runs = replicates({})
    with pytest.raises(CaptureError, match=r"cannot capture\), .*unusable since \(Offset"):
        (runs[0] if kind == "alone" else BatchedRun(runs)).next_epoch()


def test_a_run_that_is_to_train_plainly_records_nothing_and_says_why(
    use_capture: Callable[[GraphCapture | None], None],
) -> None:
    use_capture(tape := TapeCapture())
    run, runs = fresh({}), replicates({})
    for each in (run, *runs):
        each.train_plainly("the first attempt could not")
    run.next_epoch()
    BatchedRun(runs).next_epoch()
    assert tape.warm_ups == 0
    assert all("the first attempt could not" in each.fallbacks[0] for each in (run, *runs))


def test_a_capture_that_fails_leaves_its_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand-ins for torch: its `graph` stays on its stream if the capture cannot end."""
    current = ["default"]

    @contextmanager
    def stream(name: str) -> Iterator[None]:
        before, current[:] = [*current], [name]
        try:
            yield
        finally:
            current[:] = before

    @contextmanager
    def graph(graph: object, stream: str) -> Iterator[None]:
        current[:] = [stream]
        yield

    def step() -> torch.Tensor:
        assert current == ["side"]
        raise RuntimeError("operation would make the capture wait")

    for name, pretended in {"stream": stream, "graph": graph}.items():
        monkeypatch.setattr(torch.cuda, name, pretended)
    monkeypatch.setattr(torch.cuda, "Stream", lambda device: "side")
    monkeypatch.setattr(torch.cuda, "CUDAGraph", object)
    with pytest.raises(RuntimeError, match="wait"):
        GraphCapture(torch.device("cuda")).capture(step)
    assert current == ["default"]


@pytest.mark.parametrize("left_out", ["batched dropout", "few steps", "files", "a CPU"])
def test_steps_that_are_few_or_cannot_be_captured_run_without(
    left_out: str, use_capture: Callable[[GraphCapture | None], None], photographs: Path
) -> None:
    use_capture(tape := TapeCapture())
    if left_out == "batched dropout":
        BatchedRun(replicates(CHANGES["dropout"])).next_epoch()
    elif left_out == "few steps":
        fresh({"batch_size": 5}).next_epoch()
    elif left_out == "files":
        data = load_training_data("imagefolder", photographs)
        small = TrialConfig(
            model=ModelConfig(dataset=data.shape, network="resnet8", mask_count=1),
            optim=OptimConfig(batch_size=1),
        )
        Trainer(small, data.traits, data.train, CPU).train_epoch()
    else:
        assert cuda_graph.graph_capture(CPU) is None
    assert tape.warm_ups == 0
    assert not tape.tapes
