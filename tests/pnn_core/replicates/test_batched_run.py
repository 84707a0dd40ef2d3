"""Runs that are trained at once give the numbers that each gives alone."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from pnn_core.config import ModelConfig, OptimConfig, TrialConfig
from pnn_core.data import LabelledImages, TrainingData
from pnn_core.replicates.batched_run import BatchedRun
from pnn_core.training.checkpoint import decode_checkpoint, encode_checkpoint
from pnn_core.training.confirmation_run import ConfirmationRun
from pnn_core.training.trainer import NonFiniteLossError
from pnn_core.training.validated_run import ValidatedRun

CPU = torch.device("cpu")
EPOCHS, STEPS = 3, 3
SEEDS = (4, 5, 9)


@pytest.fixture(autouse=True)
def double_precision(one_thread: None) -> Iterator[None]:
    """Use float64, so that rounding cannot hide a wrong number."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def images(count: int) -> LabelledImages:
    rng = np.random.default_rng(count)
    pixels = rng.integers(0, 256, (count, 2, 8, 8), dtype=np.uint8)
    return LabelledImages(images=pixels, labels=rng.integers(0, 3, count))


# 52 images in batches of 16: three steps an epoch, and four images are left out.
DATA = TrainingData(
    name="digits",
    train=images(52),
    validation=images(20),
    held_out=np.arange(20),
    classes=("a", "b", "c"),
    mean=(0.5, 0.4),
    std=(0.25, 0.3),
    augment=True,
)
CHANGES: Mapping[str, Mapping[str, Any]] = {
    "perturbation": {"fan_out": 2},
    "normal noise": {"noise_distribution": "normal", "noise_level": 0.5},
    "shared masks": {"unique_masks": False, "fan_out": 2},
    "trained masks": {"trained_masks": True, "fan_out": 2},
    "trained shared masks": {"trained_masks": True, "unique_masks": False, "fan_out": 2},
    "no normalisation": {"order": "noise_relu_conv"},
    "normalisation before the pool": {"order": "noise_relu_conv_bn_relu"},
    "no rectifier": {"order": "noise_conv_bn_relu"},
    "grouped": {"grouped": True, "fan_out": 2},
    "mixed maps": {"grouped": True, "mix_maps": True},
    "average pool": {"pooling": "average", "before_addition": "bn_relu"},
    "3x3": {"layer": "conv3x3"},
    "1x1": {"layer": "conv1x1"},
    "binary filters": {"layer": "local_binary", "fan_out": 2},
    "noise off": {"layer": "noise_off", "fan_out": 2},
    "constant masks": {"layer": "constant_masks", "fan_out": 2},
    "fresh masks": {"layer": "fresh_masks", "fan_out": 2, "noise_level": 0.5},
    "fresh shared masks": {"layer": "fresh_masks", "unique_masks": False, "fan_out": 2},
    "shifts": {"layer": "shift", "fan_out": 4},
    "blurred masks": {"layer": "blurred_masks", "fan_out": 2},
    "depthwise": {"layer": "depthwise", "fan_out": 2},
    "fixed depthwise": {"layer": "random_depthwise", "fan_out": 2},
    "averages": {"layer": "average", "fan_out": 2},
    "frozen first layer": {"stem": "conv3x3_frozen"},
    "7x7 first layer": {"stem": "conv7x7"},
    "noise in the first layer": {"stem": "perturbation", "stem_fan_out": 3},
    "sigmoid": {"stem": "perturbation", "stem_fan_out": 2, "stem_activation": "sigmoid"},
    "dropout": {"dropout": 0.5},
    "published initialisation": {"initialisation": "published"},
    "momentum": {"optimizer": "sgd", "learning_rate": 0.05, "weight_decay": 0.01},
    "plain descent": {"optimizer": "sgd", "momentum": 0.0, "learning_rate": 0.05},
    "decay of the rate": {"schedule": "fifth_at_60_120_160"},
    "one batch": {"batch_size": 100},
    "fixed masks": {"mask_seed": 3},
    "crops": {"augment": "crop"},
    "no augmentation": {"augment": "none"},
    "resnet18": {"network": "resnet18"},
    "resnet20": {"network": "resnet20"},
    "resnet50": {"network": "resnet50"},
    "vgg16": {"network": "vgg16"},
    "lenet": {"network": "lenet", "dropout": 0.5},
    "nin": {"network": "nin", "dropout": 0.5},
}


def config(name: str) -> TrialConfig:
    """Make a run of three epochs, in which the rate drops after the second."""
    return TrialConfig(
        model=ModelConfig(dataset=DATA.shape, network="resnet8", mask_count=4),
        optim=OptimConfig(batch_size=16),
        epochs=EPOCHS,
    ).with_parameters(CHANGES[name])


def fresh(name: str) -> list[ValidatedRun]:
    return [ValidatedRun(replace(config(name), seed=seed), DATA, CPU) for seed in SEEDS]


def numbers(run: ValidatedRun) -> list[float]:
    return [x for r in run.results for x in (r.epoch, r.train_loss, r.val_loss, r.val_accuracy)]


def tensors(state: object) -> list[torch.Tensor]:
    if isinstance(state, torch.Tensor):
        return [state]
    if isinstance(state, Mapping):
        return [tensor for key in state for tensor in tensors(state[key])]
    if isinstance(state, Sequence) and not isinstance(state, str):
        return [tensor for value in state for tensor in tensors(value)]
    return []


def require_equal_states(batched: ValidatedRun, alone: ValidatedRun) -> None:
    ours, theirs = tensors(batched.state_dict()), tensors(alone.state_dict())
    # A weight that a later normalisation cancels has a gradient of rounding alone, which Adam
    # scales, and every later layer scales again: the deepest network sums pixels of 12 channels in
    # another order than those of 4, and is 50 layers deep.
    tolerance = 2e-3 if batched.config.model.network == "resnet50" else 1e-5
    for own, other in zip(ours, theirs, strict=True):
        assert own.stride() == other.stride()
        torch.testing.assert_close(own, other, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", CHANGES)
def test_batched_replicates_give_the_numbers_of_each_alone(name: str) -> None:
    alone, batched = fresh(name), BatchedRun(fresh(name))
    for _ in range(EPOCHS):
        assert batched.next_epoch()
        for run in alone:
            run.next_epoch()
    assert batched.epoch == EPOCHS
    for own, other in zip(batched.runs, alone, strict=True):
        assert numbers(own) == pytest.approx(numbers(other), rel=1e-6)
        require_equal_states(own, other)
    assert len({run.results[0].train_loss for run in alone}) == len(SEEDS)


def test_in_single_precision_they_agree_as_far_as_it_goes() -> None:
    torch.set_default_dtype(torch.float32)
    alone, batched = fresh("momentum"), BatchedRun(fresh("momentum"))
    for _ in range(EPOCHS):
        batched.next_epoch()
        for run in alone:
            run.next_epoch()
    for own, other in zip(batched.runs, alone, strict=True):
        assert numbers(own) == pytest.approx(numbers(other), rel=1e-4)


@pytest.mark.parametrize("name", ["dropout", "momentum"])
@pytest.mark.parametrize("stops", [{0, 3}, {1, 4, 5}])
def test_a_pack_stopped_at_any_steps_ends_as_if_it_never_stopped(
    name: str, stops: set[int]
) -> None:
    whole, runs, asked = BatchedRun(fresh(name)), fresh(name), itertools.count()
    while min(run.epoch for run in runs) < EPOCHS:
        BatchedRun(runs).next_epoch(lambda: next(asked) in stops)
        data = encode_checkpoint("runs", [run.state_dict() for run in runs])
        runs = fresh(name)
        for run, state in zip(runs, decode_checkpoint(data, "runs", CPU), strict=True):
            run.load_state_dict(state)
    for _ in range(EPOCHS):
        whole.next_epoch()
    for own, other in zip(runs, whole.runs, strict=True):
        assert numbers(own) == numbers(other)
        pairs = zip(tensors(own.state_dict()), tensors(other.state_dict()), strict=True)
        assert all(torch.equal(a, b) for a, b in pairs)


def test_runs_may_join_a_pack_and_leave_it_in_the_middle_of_an_epoch() -> None:
    alone, runs = fresh("dropout"), fresh("dropout")
    for run in runs:
        run.next_epoch(lambda: True)
    batched = BatchedRun(runs)
    assert not batched.next_epoch(lambda: True)
    for run in runs:
        assert run.paused_steps == 2
        run.next_epoch()
    batched.next_epoch()
    for run, other in zip(runs, alone, strict=True):
        for _ in range(2):
            other.next_epoch()
        assert numbers(run) == pytest.approx(numbers(other), rel=1e-6)


def test_runs_after_different_numbers_of_steps_are_not_batched() -> None:
    runs = fresh("dropout")
    runs[1].next_epoch(lambda: True)
    with pytest.raises(ValueError, match="after as many steps"):
        BatchedRun(runs)


def test_a_loss_that_is_not_finite_names_its_seed_and_costs_the_others_nothing() -> None:
    alone, runs = fresh("momentum"), fresh("momentum")
    with torch.no_grad():
        next(runs[1].model.parameters()).fill_(float("nan"))
    with pytest.raises(NonFiniteLossError, match=r"^training loss is nan .* epoch 1 with seed 5$"):
        BatchedRun(runs).next_epoch()
    assert [run.epoch for run in runs] == [1, 0, 1]
    for own, other in ((runs[0], alone[0]), (runs[2], alone[2])):
        other.next_epoch()
        assert numbers(own) == pytest.approx(numbers(other), rel=1e-6)


def test_a_validation_loss_that_is_not_finite_names_its_seed() -> None:
    runs = fresh("momentum")
    batched = BatchedRun(runs)
    norms = [m for m in batched.runs[2].model.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    with torch.no_grad():
        norms[0].running_mean.fill_(float("nan"))  # only evaluation reads it
    with pytest.raises(NonFiniteLossError, match=r"validation loss is nan .* with seed 9$"):
        batched.next_epoch()


def test_a_pack_leaves_torchs_global_generator_alone() -> None:
    before = torch.random.get_rng_state()
    BatchedRun(fresh("dropout")).next_epoch()
    assert torch.equal(before, torch.random.get_rng_state())


def test_the_seconds_of_a_pack_are_shared_out(monkeypatch: pytest.MonkeyPatch) -> None:
    batched = BatchedRun(fresh("dropout"))
    clock = itertools.count(step=3)
    monkeypatch.setattr("pnn_core.replicates.batched_run.time.perf_counter", lambda: next(clock))
    assert not batched.next_epoch(lambda: True)
    batched.next_epoch()
    assert [(r.results[0].train_seconds, r.results[0].val_seconds) for r in batched.runs] == [
        (2, 1)
    ] * 3


def test_batched_confirmations_give_the_figures_of_each_alone() -> None:
    def confirmations() -> list[ConfirmationRun]:
        configs = [replace(config("dropout"), seed=seed) for seed in SEEDS]
        return [ConfirmationRun(c, DATA.traits, DATA.train, DATA.validation, CPU) for c in configs]

    alone, batched = confirmations(), BatchedRun(confirmations())
    for _ in range(EPOCHS):
        batched.next_epoch()
        for run in alone:
            run.next_epoch()
    for own, other in zip(batched.runs, alone, strict=True):
        assert own.result().test_accuracy == other.result().test_accuracy
        assert own.result().published_test_accuracy == other.result().published_test_accuracy
        assert own.result().moved_test_accuracy == other.result().moved_test_accuracy
        assert own.result().test_images == len(DATA.validation)
        assert own.result().correct_images == other.result().correct_images
        assert own.result().train_loss == pytest.approx(other.result().train_loss, rel=1e-6)
