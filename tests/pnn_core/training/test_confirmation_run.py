"""Confirming learns from all images but the test images, which decide nothing."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from pnn_core.config import ModelConfig, OptimConfig, TrialConfig
from pnn_core.data import LabelledImages, TrainingData, confirm_step, load_test_data
from pnn_core.data import load_training_data as load
from pnn_core.training.confirmation_run import ConfirmationRun, train_and_test
from pnn_core.training.published_accuracy import PublishedAccuracy
from pnn_core.training.trainer import Trainer

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def digits() -> TrainingData:
    return load("digits", Path("nowhere"))


@pytest.fixture(scope="module")
def test_images() -> LabelledImages:
    with confirm_step():
        images = load_test_data("digits", Path("nowhere"))
    assert isinstance(images, LabelledImages)
    return images


@pytest.fixture(scope="module")
def config(digits: TrainingData) -> TrialConfig:
    return TrialConfig(
        model=ModelConfig(dataset=digits.shape, network="resnet8", mask_count=4),
        optim=OptimConfig(batch_size=50),
        epochs=3,
    )


def test_its_figures_are_those_of_the_plain_loop(digits, test_images, config) -> None:
    result = train_and_test(config, digits.traits, digits.joined(), test_images, CPU)
    trainer = Trainer(config, digits.traits, digits.joined(), CPU)
    published = PublishedAccuracy(batch_size=50)
    for _ in range(3):
        loss = trainer.train_epoch().train_loss
        correct = trainer.evaluate(trainer.source(test_images)).correct.numpy()
        published.add_epoch(correct)
    moved = [
        trainer.evaluate(trainer.source(black_bordered(test_images, *step))).accuracy
        for step in ((0, 1), (2, 1), (1, 0), (1, 2))
    ]
    assert result.train_loss == loss
    assert result.test_accuracy == correct.sum() / len(test_images)
    assert result.published_test_accuracy == published.best
    assert result.moved_test_accuracy == pytest.approx(np.mean(moved), abs=1e-12)
    assert result.moved_test_accuracy != result.test_accuracy
    bits = np.frombuffer(result.correct_images, np.uint8)
    assert result.test_images == len(test_images)
    np.testing.assert_array_equal(np.unpackbits(bits, count=len(test_images)), correct)


def black_bordered(images: LabelledImages, row: int, column: int) -> LabelledImages:
    """Cut images out of the same with a black border of one pixel, from a row and column on."""
    padded = np.pad(images.images, ((0, 0), (0, 0), (1, 1), (1, 1)))
    _, height, width = images.image_shape
    cut = padded[:, :, row : row + height, column : column + width]
    return LabelledImages(images=np.ascontiguousarray(cut), labels=images.labels)


def test_moved_images_are_evaluated_once_after_the_last_epoch(digits, test_images, config) -> None:
    run = ConfirmationRun(config, digits.traits, digits.joined(), test_images, CPU)
    counts = [len(run.evaluated_after(epoch)) for epoch in (1, 2, 3)]
    assert counts == [1, 1, 2]


def test_a_state_of_an_earlier_version_goes_on_and_is_measured(digits, test_images, config) -> None:
    given = (config, digits.traits, digits.train.take(np.arange(150)), test_images, CPU)
    begun, resumed = ConfirmationRun(*given), ConfirmationRun(*given)
    begun.next_epoch()
    state = begun.state_dict()
    del state["moved_test_accuracy"], state["correct"]
    resumed.load_state_dict(state)
    while resumed.epoch < 3:
        resumed.next_epoch()
    whole = train_and_test(*given)
    expected = replace(whole, train_seconds=resumed.result().train_seconds)
    assert resumed.result() == expected


def test_a_finished_state_of_an_earlier_version_says_not_recorded(
    digits, test_images, config
) -> None:
    given = (
        replace(config, epochs=1),
        digits.traits,
        digits.train.take(np.arange(150)),
        test_images,
        CPU,
    )
    done, resumed = ConfirmationRun(*given), ConfirmationRun(*given)
    done.next_epoch()
    state = done.state_dict()
    del state["moved_test_accuracy"], state["correct"]
    resumed.load_state_dict(state)
    assert math.isnan(resumed.result().moved_test_accuracy)
    assert (resumed.result().test_images, resumed.result().correct_images) == (0, b"")


def test_a_confirming_run_gives_the_figures_epoch_by_epoch(digits, test_images, config) -> None:
    given = (config, digits.traits, digits.train.take(np.arange(150)), test_images, CPU)
    run = ConfirmationRun(*given)
    assert run.next_epoch(lambda: True) is False
    for _ in range(3):
        with pytest.raises(RuntimeError, match=r"after all 3 epochs, and \d are done"):
            run.result()
        assert run.next_epoch() is True
    whole = train_and_test(*given)
    assert replace(run.result(), train_seconds=whole.train_seconds) == whole
    assert whole.train_seconds > 0


def test_other_test_images_leave_the_training_as_it_is(digits, test_images, config) -> None:
    other = test_images.take(np.arange(60))
    first = train_and_test(config, digits.traits, digits.joined(), test_images, CPU)
    second = train_and_test(config, digits.traits, digits.joined(), other, CPU)
    assert first.train_loss == second.train_loss


def test_test_images_cannot_end_a_run(digits, test_images, config, monkeypatch) -> None:
    """Outputs that are not finite count as wrong or right; only the training loss ends a run."""
    evaluate = Trainer.evaluate

    def with_infinite_loss(trainer, source):
        return replace(evaluate(trainer, source), loss=float("inf"))

    monkeypatch.setattr(Trainer, "evaluate", with_infinite_loss)
    result = train_and_test(config, digits.traits, digits.joined(), test_images, CPU)
    assert 0 <= result.test_accuracy <= 1


def test_a_test_set_smaller_than_a_batch_is_one_batch(digits, test_images, config) -> None:
    few = test_images.take(np.arange(20))
    result = train_and_test(replace(config, epochs=1), digits.traits, digits.joined(), few, CPU)
    # S begins at 0: a single batch a counts 0.3 · a.
    assert result.published_test_accuracy == pytest.approx(0.3 * result.test_accuracy)
