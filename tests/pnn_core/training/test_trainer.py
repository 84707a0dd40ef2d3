"""A trainer can be evaluated on any images and tells which it gets right."""

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from pnn_core.config import DatasetShape, ModelConfig, Normalisation, OptimConfig, TrialConfig
from pnn_core.data import ImageTraits, LabelledImages, TrainingData, load_training_data
from pnn_core.data.normalisation import PUBLISHED_STATISTICS
from pnn_core.training.trainer import NonFiniteLossError, TrainedEpoch, Trainer
from pnn_core.training.validated_run import ValidatedRun

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def digits() -> TrainingData:
    return load_training_data("digits", Path("unused"))


def config(data: TrainingData) -> TrialConfig:
    model = ModelConfig(dataset=data.shape, network="resnet8", mask_count=8)
    return TrialConfig(model=model, optim=OptimConfig(batch_size=100), epochs=2)


def test_the_flags_say_of_each_image_whether_it_is_classified_correctly(
    digits: TrainingData,
) -> None:
    trainer = Trainer(config(digits), digits.traits, digits.train, CPU)
    trainer.train_epoch()
    joined = digits.joined()
    evaluation = trainer.evaluate(trainer.source(joined))
    assert isinstance(joined, LabelledImages)
    pixels = (torch.from_numpy(joined.images) / 255 - digits.mean[0]) / digits.std[0]
    with torch.no_grad():
        expected = trainer.model(pixels).argmax(1) == torch.from_numpy(joined.labels)
    assert evaluation.correct.dtype == torch.bool
    assert torch.equal(evaluation.correct, expected)
    assert evaluation.accuracy == expected.double().mean()
    assert 0 < evaluation.accuracy < 1


def test_evaluating_changes_nothing(digits: TrainingData) -> None:
    trainer = Trainer(config(digits), digits.traits, digits.train, CPU)
    before = {name: value.clone() for name, value in trainer.model.state_dict().items()}
    first, second = (trainer.evaluate(trainer.source(digits.validation)) for _ in range(2))
    assert first.loss == second.loss
    assert all(torch.equal(before[n], v) for n, v in trainer.model.state_dict().items())


def test_a_learner_on_the_training_images_trains_as_a_search_does(digits: TrainingData) -> None:
    trainer = Trainer(config(digits), digits.traits, digits.train, CPU)
    run = ValidatedRun(config(digits), digits, CPU)
    for epoch in (1, 2):
        run.next_epoch()
        result = run.results[-1]
        assert trainer.train_epoch().train_loss == result.train_loss
        assert trainer.epoch == result.epoch == epoch


def test_an_epoch_paused_after_each_step_is_the_epoch_without_pauses(
    digits: TrainingData,
) -> None:
    dropping = config(digits).with_parameters({"dropout": 0.5})
    augmented = replace(digits.traits, augment=True)
    whole, paused = (Trainer(dropping, augmented, digits.train, CPU) for _ in range(2))
    steps = len(digits.train) // 100
    before = torch.random.get_rng_state()
    for epoch in range(2):
        parts = [paused.train_epoch(lambda: True) for _ in range(steps)]
        assert parts[:-1] == [None] * (steps - 1)
        assert parts[-1].train_loss == whole.train_epoch().train_loss
        assert paused.epoch == epoch + 1
    assert torch.equal(before, torch.random.get_rng_state())
    pairs = zip(whole.model.state_dict().values(), paused.model.state_dict().values(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


def test_a_pause_is_asked_for_after_each_step_but_the_last(digits: TrainingData) -> None:
    trainer = Trainer(config(digits), digits.traits, digits.train, CPU)
    asked = []
    assert trainer.train_epoch(lambda: bool(asked.append(trainer.epoch))) is not None
    assert asked == [0] * (len(digits.train) // 100 - 1)


def test_the_seconds_of_an_epochs_parts_add_up(
    digits: TrainingData, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer, other = (Trainer(config(digits), digits.traits, digits.train, CPU) for _ in range(2))
    # Each part reads the clock when it begins and when it ends: a second later.
    monkeypatch.setattr("pnn_core.training.trainer.time.perf_counter", itertools.count().__next__)
    for _ in range(2):
        assert trainer.train_epoch(lambda: True) is None
    other.load_state_dict(trainer.state_dict())
    assert other.train_epoch().seconds == 3


def test_a_loss_that_is_not_finite_is_named_by_its_step_of_the_whole_epoch(
    digits: TrainingData,
) -> None:
    trainer = Trainer(config(digits), digits.traits, digits.train, CPU)
    trainer.train_epoch()
    assert trainer.train_epoch(lambda: True) is None
    with torch.no_grad():
        next(trainer.model.parameters()).fill_(float("nan"))
    with pytest.raises(NonFiniteLossError, match=r"nan at step 2 of epoch 2 with seed 0$"):
        trainer.train_epoch()


def test_a_learner_on_all_images_learns_from_the_validation_images_too(
    digits: TrainingData,
) -> None:
    joined = digits.joined()
    losses = [
        Trainer(config(digits), data.traits, images, CPU).train_epoch().train_loss
        for data, images in (
            (digits, joined),
            (replace(digits, train=joined), joined),
            (digits, digits.train),
        )
    ]
    assert losses[0] == losses[1] != losses[2]


def test_a_search_refuses_a_validation_loss_that_is_not_finite(digits: TrainingData) -> None:
    run = ValidatedRun(config(digits), digits, CPU)
    run.train_epoch = lambda _: TrainedEpoch(train_loss=1.0, seconds=0.0)
    with torch.no_grad():
        next(run.model.parameters()).fill_(float("nan"))
    with pytest.raises(
        NonFiniteLossError, match=r"validation loss is nan after epoch 0 with seed 0$"
    ):
        run.next_epoch()


def test_published_constants_train_as_images_of_that_mean_and_deviation_would() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (40, 3, 8, 8), dtype=np.uint8)
    images = LabelledImages(images=pixels, labels=np.arange(40, dtype=np.int64) % 2)
    shape = DatasetShape(channels=3, height=8, width=8, classes=2)
    own = ImageTraits(shape=shape, mean=(0.5,) * 3, std=(0.3,) * 3, augment=False)
    mean, std = PUBLISHED_STATISTICS
    model = ModelConfig(dataset=shape, network="resnet8", mask_count=2)
    plain = TrialConfig(model=model)

    def losses(normalisation: Normalisation, traits: ImageTraits) -> float:
        chosen = replace(plain, normalisation=normalisation)
        trained = Trainer(chosen, traits, images, CPU).train_epoch()
        assert trained is not None
        return trained.train_loss

    published = losses("published", own)
    assert published == losses("train_images", replace(own, mean=mean, std=std))
    assert published != losses("train_images", own)
