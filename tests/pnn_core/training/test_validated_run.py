"""Training gives honest, repeatable numbers."""

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from pnn_core.config import DatasetShape, MaskConfig, ModelConfig, OptimConfig, TrialConfig
from pnn_core.data import LabelledImages, TrainingData, load_training_data
from pnn_core.dataloader.batches import DeviceImages
from pnn_core.training.trainer import NonFiniteLossError
from pnn_core.training.validated_run import ValidatedRun, train

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def digits() -> TrainingData:
    return load_training_data("digits", Path("unused"))


pytestmark = pytest.mark.usefixtures("one_thread")


def config(data: TrainingData, **changes: object) -> TrialConfig:
    model = ModelConfig(
        dataset=data.shape, network="resnet8", mask_count=8, mask=MaskConfig(noise_level=0.1)
    )
    trial = TrialConfig(model=model, optim=OptimConfig(batch_size=40), epochs=2)
    return trial.with_parameters(changes)


def numbers(results: list) -> list[tuple[float, ...]]:
    return [(r.epoch, r.train_loss, r.val_loss, r.val_accuracy) for r in results]


def test_the_same_seed_gives_the_same_numbers(digits: TrainingData) -> None:
    first, second = (numbers(list(train(config(digits), digits, CPU))) for _ in range(2))
    assert first == second


def test_a_run_keeps_its_results_and_gives_none_when_paused(digits: TrainingData) -> None:
    few = replace(digits, train=digits.train.take(np.arange(120)))
    run, other = (ValidatedRun(config(few), few, CPU) for _ in range(2))
    assert run.next_epoch()
    (first,) = run.results
    assert not run.next_epoch(lambda: True)
    assert run.results == (first,)
    assert run.next_epoch()
    second = run.results[-1]
    assert run.results == (first, second)
    other.load_state_dict(run.state_dict())
    assert other.results == run.results
    assert numbers([first, second]) == numbers(list(train(config(few), few, CPU)))


def test_another_seed_gives_others(digits: TrainingData) -> None:
    first, second = (
        numbers(list(train(config(digits, seed=seed, epochs=1), digits, CPU))) for seed in (0, 1)
    )
    assert first != second


def test_it_learns_real_digits(digits: TrainingData) -> None:
    results = list(train(config(digits, mask_count=32, batch_size=20, epochs=4), digits, CPU))
    assert [r.epoch for r in results] == [1, 2, 3, 4]
    assert results[-1].val_accuracy > 0.9
    assert results[-1].train_loss < results[0].train_loss


def test_val_accuracy_is_correct_over_total(digits: TrainingData) -> None:
    run = ValidatedRun(config(digits), digits, CPU)
    run.next_epoch()
    (result,) = run.results
    images = torch.from_numpy(digits.validation.images).float() / 255
    images = (images - digits.mean[0]) / digits.std[0]
    labels = torch.from_numpy(digits.validation.labels)
    with torch.no_grad():
        logits = run.model.eval()(images)
    correct = int((logits.argmax(1) == labels).sum())
    assert result.val_accuracy == correct / len(labels)
    assert result.val_loss == pytest.approx(
        functional.cross_entropy(logits, labels).item(), rel=1e-5
    )


def test_sgd_with_momentum_and_weight_decay_learns_too(digits: TrainingData) -> None:
    sgd = config(digits, optimizer="sgd", learning_rate=0.05, weight_decay=5e-4, mask_count=16)
    results = list(train(replace(sgd, epochs=3), digits, CPU))
    assert results[-1].val_accuracy > 0.7


@pytest.mark.parametrize(
    ("epochs", "expected"),
    [
        (10, [1.0] * 6 + [0.1] * 3 + [0.01]),
        (5, [1.0] * 3 + [0.1] + [0.01]),
    ],
)
def test_the_learning_rate_drops_at_60_and_90_percent_of_the_epochs(
    digits: TrainingData, epochs: int, expected: list[float]
) -> None:
    run = ValidatedRun(config(digits, epochs=epochs, learning_rate=1.0), digits, CPU)
    rates = []
    for _ in range(epochs):
        rates.append(run.optimizer.param_groups[0]["lr"])
        run.optimizer.step()
        run._schedule.step()
    assert rates == pytest.approx(expected)


def test_a_non_finite_loss_ends_training_and_names_epoch_and_value(digits: TrainingData) -> None:
    wild = config(digits, optimizer="sgd", learning_rate=1e30, momentum=0.0)
    with pytest.raises(
        NonFiniteLossError, match=r"training loss is (nan|inf) at step \d+ of epoch 1"
    ):
        list(train(wild, digits, CPU))


def test_data_of_another_shape_is_refused(digits: TrainingData) -> None:
    other = DatasetShape(channels=3, height=8, width=8, classes=10)
    wrong = replace(config(digits), model=replace(config(digits).model, dataset=other))
    with pytest.raises(ValueError, match="the network expects"):
        next(train(wrong, digits, CPU))


def test_read_only_arrays_are_trained_on_without_a_copy_or_a_warning(digits: TrainingData) -> None:
    """Read-only images, as from Ray's object store."""
    images = digits.train.images.copy()
    images.setflags(write=False)
    data = replace(digits, train=LabelledImages(images=images, labels=digits.train.labels))
    run = ValidatedRun(config(data), data, CPU)
    assert isinstance(run.training_images, DeviceImages)
    assert run.training_images._images.data_ptr() == images.ctypes.data
    run.next_epoch()
    assert np.array_equal(images, digits.train.images)


def test_a_batch_larger_than_the_data_is_one_step(digits: TrainingData) -> None:
    few = replace(digits, train=digits.train.take(np.arange(15)))
    results = list(train(config(few, batch_size=1000, epochs=1), few, CPU))
    assert np.isfinite(results[0].train_loss)


def test_augmented_training_repeats_itself_and_differs_from_plain(digits: TrainingData) -> None:
    augmented = replace(digits, augment=True)
    first, second = (numbers(list(train(config(digits), augmented, CPU))) for _ in range(2))
    assert first == second
    assert first != numbers(list(train(config(digits), digits, CPU)))


def test_a_run_that_asks_for_no_augmentation_learns_from_the_images_themselves(
    digits: TrainingData,
) -> None:
    augmented = replace(digits, augment=True)
    none, crop, crop_flip = (
        numbers(list(train(replace(config(digits), augment=word), augmented, CPU)))
        for word in ("none", "crop", "crop_flip")
    )
    assert none == numbers(list(train(config(digits), digits, CPU)))
    four_pixels = numbers(list(train(config(digits), augmented, CPU)))
    assert all(a != b for a, b in itertools.combinations((none, crop, crop_flip, four_pixels), 2))


def test_dropout_repeats_itself_and_leaves_the_global_generator_alone(
    digits: TrainingData,
) -> None:
    before = torch.random.get_rng_state()
    plain, dropping = config(digits, epochs=1), config(digits, epochs=1, dropout=0.5)
    first, second, without = (
        numbers(list(train(c, digits, CPU))) for c in (dropping, dropping, plain)
    )
    assert first == second != without
    assert torch.equal(before, torch.random.get_rng_state())


@pytest.mark.parametrize("purpose", ["initialisation_seed", "mask_seed", "data_order_seed"])
def test_each_purpose_has_a_seed_of_its_own(digits: TrainingData, purpose: str) -> None:
    plain = config(digits, epochs=1)
    changed, same = (config(digits, epochs=1, **{purpose: seed}) for seed in (1, 0))
    first, other, again = (numbers(list(train(c, digits, CPU))) for c in (plain, changed, same))
    assert first != other
    assert first == again


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_the_gpu_learns_as_well_as_the_cpu(digits: TrainingData) -> None:
    trial = config(digits, mask_count=32, batch_size=20, epochs=4)
    on_cpu, on_gpu = (list(train(trial, digits, torch.device(d)))[-1] for d in ("cpu", "cuda"))
    assert on_gpu.val_accuracy == pytest.approx(on_cpu.val_accuracy, abs=0.04)
