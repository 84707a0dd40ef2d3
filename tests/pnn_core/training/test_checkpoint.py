"""A training run that was stopped and went on elsewhere is the run that never stopped."""

from collections.abc import Callable, Mapping
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pnn_core.config import ModelConfig, OptimConfig, TrialConfig
from pnn_core.data import LabelledImages, TrainingData
from pnn_core.training.checkpoint import CheckpointError, decode_checkpoint, encode_checkpoint
from pnn_core.training.confirmation_run import ConfirmationRun
from pnn_core.training.validated_run import ValidatedRun

CPU = torch.device("cpu")
EPOCHS, STEPS = 3, 3
Run = ValidatedRun | ConfirmationRun


pytestmark = pytest.mark.usefixtures("one_thread")


def images(count: int) -> LabelledImages:
    rng = np.random.default_rng(count)
    pixels = rng.integers(0, 256, (count, 1, 8, 8), dtype=np.uint8)
    return LabelledImages(images=pixels, labels=rng.integers(0, 3, count))


# 22 images in batches of 7: three steps an epoch, and an image is left out.
DATA = TrainingData(
    name="digits",
    train=images(22),
    validation=images(8),
    held_out=np.arange(8),
    classes=("a", "b", "c"),
    mean=(0.5,),
    std=(0.25,),
    augment=True,
)
PARAMETERS: Mapping[str, Mapping[str, Any]] = {
    "perturbation with Adam": {},
    "dropout with momentum": {"dropout": 0.5, "optimizer": "sgd", "learning_rate": 0.05},
    "trained masks with decay": {"trained_masks": True, "fan_out": 2, "weight_decay": 0.01},
    "binary filters with plain SGD": {
        "layer": "local_binary",
        "optimizer": "sgd",
        "momentum": 0.0,
        "dropout": 0.2,
    },
    "masks that are new at every step": {"layer": "fresh_masks", "noise_level": 0.5},
    "lenet": {"network": "lenet", "dropout": 0.5},
}


def fresh(name: str, *, confirming: bool = False) -> Run:
    config = TrialConfig(
        model=ModelConfig(dataset=DATA.shape, network="resnet8", mask_count=4),
        optim=OptimConfig(batch_size=7),
        epochs=EPOCHS,
    ).with_parameters(PARAMETERS[name])
    if confirming:
        return ConfirmationRun(config, DATA.traits, DATA.train, DATA.validation, CPU)
    return ValidatedRun(config, DATA, CPU)


def moved(run: Run, fresh_run: Run) -> Run:
    """The run in a fresh object, by way of bytes."""
    data = encode_checkpoint("a run", [run.state_dict()])
    fresh_run.load_state_dict(decode_checkpoint(data, "a run", CPU)[0])
    return fresh_run


def trained(make: Callable[[], Run], stops: set[int]) -> Run:
    """A run at its end that moved to a fresh object after each of these numbers of steps."""
    run, steps = make(), 0

    def pause() -> bool:
        nonlocal steps
        steps += 1
        return steps in stops

    while run.epoch < EPOCHS:
        if steps in stops:
            run = moved(run, make())
        if run.next_epoch(pause):
            steps += 1  # nobody is asked after an epoch's last
    assert steps == EPOCHS * STEPS
    return moved(run, make()) if steps in stops else run


@cache
def uninterrupted(name: str, *, confirming: bool) -> Run:
    run = fresh(name, confirming=confirming)
    for _ in range(EPOCHS):
        run.next_epoch()
    return run


def differences(first: object, second: object, path: str = "") -> list[str]:
    """Keys at which two states differ in a bit or in memory layout; seconds may differ."""
    if type(first) is not type(second):
        return [path]
    if isinstance(first, torch.Tensor):
        alike = torch.equal(first, second) and first.stride() == second.stride()
        return [] if alike and first.dtype == second.dtype else [path]
    if isinstance(first, Mapping):
        if first.keys() != second.keys():
            return [path]
        keys = [key for key in first if not str(key).endswith("seconds")]
        return [d for k in keys for d in differences(first[k], second[k], f"{path}/{k}")]
    if isinstance(first, list | tuple):
        if len(first) != len(second):
            return [path]
        pairs = zip(first, second, strict=True)
        return [d for i, (a, b) in enumerate(pairs) for d in differences(a, b, f"{path}/{i}")]
    return [] if first == second else [path]


STOPS = st.sets(st.integers(0, EPOCHS * STEPS), min_size=1)


@pytest.mark.parametrize("name", PARAMETERS)
@settings(max_examples=2, deadline=None)
@example({0, STEPS + 2, 2 * STEPS, 3 * STEPS})
@given(STOPS)
def test_a_run_stopped_at_any_steps_ends_as_if_it_never_stopped(name: str, stops: set[int]) -> None:
    run, expected = trained(lambda: fresh(name), stops), uninterrupted(name, confirming=False)
    assert differences(run.state_dict(), expected.state_dict()) == []
    assert differences(run.model.state_dict(), expected.model.state_dict()) == []
    assert [result.epoch for result in run.results] == [1, 2, 3]


@settings(max_examples=2, deadline=None)
@example({0, STEPS + 2, 2 * STEPS, 3 * STEPS})
@given(STOPS)
def test_a_confirmation_stopped_at_any_steps_ends_as_if_it_never_stopped(stops: set[int]) -> None:
    name = "dropout with momentum"
    run = trained(lambda: fresh(name, confirming=True), stops)
    expected = uninterrupted(name, confirming=True)
    assert differences(run.state_dict(), expected.state_dict()) == []
    assert run.result().published_test_accuracy == expected.result().published_test_accuracy > 0
    assert run.result().test_accuracy == expected.result().test_accuracy
    assert run.result().moved_test_accuracy == expected.result().moved_test_accuracy
    assert run.result().correct_images == expected.result().correct_images != b""
    assert run.result().train_loss == expected.result().train_loss


def test_runs_side_by_side_share_a_checkpoint() -> None:
    names = ["dropout with momentum", "lenet"]
    runs = [fresh(name) for name in names]
    runs[0].next_epoch()
    runs[1].next_epoch(lambda: True)
    data = encode_checkpoint("both", [run.state_dict() for run in runs])
    for name, run, state in zip(names, runs, decode_checkpoint(data, "both", CPU), strict=True):
        other = fresh(name)
        other.load_state_dict(state)
        for each in (run, other):
            each.next_epoch()
        assert differences(run.state_dict(), other.state_dict()) == []


def test_a_state_is_a_copy_on_both_sides() -> None:
    run, other = fresh("dropout with momentum"), fresh("dropout with momentum")
    run.next_epoch()
    run.next_epoch(lambda: True)
    state = run.state_dict()
    before = deepcopy(state)
    run.next_epoch()
    assert differences(state, before) == []
    assert differences(state, run.state_dict()) != []
    other.load_state_dict(state)
    other.next_epoch()
    assert differences(state, before) == []
    assert differences(run.state_dict(), other.state_dict()) == []


def test_a_run_paused_on_another_kind_of_device_goes_on_here() -> None:
    """Its dropout draws from a generator that is not here."""
    run = fresh("dropout with momentum")
    run.next_epoch(lambda: True)
    state = run.state_dict()
    state["begun"]["generators"] = {"cuda": torch.zeros(16, dtype=torch.uint8)}
    others = [fresh("dropout with momentum") for _ in range(2)]
    for other in others:
        other.load_state_dict(state)
        other.next_epoch()
    assert others[0].results[0].train_loss == others[1].results[0].train_loss


@pytest.fixture(scope="module")
def data() -> bytes:
    run = fresh("perturbation with Adam")
    run.next_epoch(lambda: True)
    return encode_checkpoint("a run", [run.state_dict()])


@settings(deadline=None)
@given(share=st.floats(0, 1, exclude_max=True))
def test_cut_at_any_byte_it_is_refused(data: bytes, share: float) -> None:
    with pytest.raises(CheckpointError, match=r"^checkpoint is torn or corrupt$"):
        decode_checkpoint(data[: int(share * len(data))], "a run", CPU)


@settings(deadline=None)
@given(
    place=st.integers(0, 60) | st.floats(0, 1, exclude_max=True),
    flipped=st.integers(1, 255),
)
def test_with_any_byte_changed_it_is_refused(data: bytes, place: int | float, flipped: int) -> None:
    corrupt = bytearray(data)
    corrupt[place if isinstance(place, int) else int(place * len(data))] ^= flipped
    with pytest.raises(CheckpointError, match=r"is torn or corrupt|by another version"):
        decode_checkpoint(bytes(corrupt), "a run", CPU)


def test_with_bytes_behind_its_end_it_is_refused(data: bytes) -> None:
    with pytest.raises(CheckpointError, match="torn or corrupt"):
        decode_checkpoint(data + b"\0", "a run", CPU)


def test_another_versions_is_refused(data: bytes) -> None:
    word, rest = data.split(b"\n", 1)
    assert word == b"pnn-checkpoint/1"
    with pytest.raises(CheckpointError, match=r"by another version \(=12\).* reads version 1$"):
        decode_checkpoint(b"pnn-checkpoint/12\n" + rest, "a run", CPU)


def test_another_runs_is_refused(data: bytes) -> None:
    with pytest.raises(CheckpointError, match=r"^checkpoint belongs to another training run$"):
        decode_checkpoint(data, "another run", CPU)


class Code:
    """Object whose pickle runs code when it is read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def test_code_in_it_is_refused_and_not_run(tmp_path: Path) -> None:
    data = encode_checkpoint("a run", [{"model": Code(tmp_path / "was_here")}])
    with pytest.raises(CheckpointError, match="holds more than tensors and plain values"):
        decode_checkpoint(data, "a run", CPU)
    assert list(tmp_path.iterdir()) == []
