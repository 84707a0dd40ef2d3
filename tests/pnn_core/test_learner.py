"""A learner can be evaluated on any images and tells which it gets right."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from pnn_core.config import ModelConfig, OptimConfig, TrialConfig
from pnn_core.data import LabelledImages, TrainingData, load_training_data
from pnn_core.learner import Learner, NonFiniteLossError, TrainedEpoch
from pnn_core.train import TrainingRun

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
    learner = Learner(config(digits), digits.traits, digits.train, CPU)
    learner.train_epoch()
    joined = digits.joined()
    evaluation = learner.evaluate(learner.source(joined))
    assert isinstance(joined, LabelledImages)
    pixels = (torch.from_numpy(joined.images) / 255 - digits.mean[0]) / digits.std[0]
    with torch.no_grad():
        expected = learner.model(pixels).argmax(1) == torch.from_numpy(joined.labels)
    assert evaluation.correct.dtype == torch.bool
    assert torch.equal(evaluation.correct, expected)
    assert evaluation.accuracy == expected.double().mean()
    assert 0 < evaluation.accuracy < 1


def test_evaluating_changes_nothing(digits: TrainingData) -> None:
    learner = Learner(config(digits), digits.traits, digits.train, CPU)
    before = {name: value.clone() for name, value in learner.model.state_dict().items()}
    first, second = (learner.evaluate(learner.source(digits.validation)) for _ in range(2))
    assert first.loss == second.loss
    assert all(torch.equal(before[n], v) for n, v in learner.model.state_dict().items())


def test_a_learner_on_the_training_images_trains_as_a_search_does(digits: TrainingData) -> None:
    learner = Learner(config(digits), digits.traits, digits.train, CPU)
    run = TrainingRun(config(digits), digits, CPU)
    for epoch in (1, 2):
        result = run.next_epoch()
        assert learner.train_epoch().train_loss == result.train_loss
        assert learner.epoch == result.epoch == epoch


def test_a_learner_on_all_images_learns_from_the_validation_images_too(
    digits: TrainingData,
) -> None:
    joined = digits.joined()
    losses = [
        Learner(config(digits), data.traits, images, CPU).train_epoch().train_loss
        for data, images in (
            (digits, joined),
            (replace(digits, train=joined), joined),
            (digits, digits.train),
        )
    ]
    assert losses[0] == losses[1] != losses[2]


def test_a_search_refuses_a_validation_loss_that_is_not_finite(digits: TrainingData) -> None:
    run = TrainingRun(config(digits), digits, CPU)
    run.train_epoch = lambda: TrainedEpoch(train_loss=1.0, seconds=0.0)
    with torch.no_grad():
        next(run.model.parameters()).fill_(float("nan"))
    with pytest.raises(NonFiniteLossError, match=r"validation loss is nan after epoch 0"):
        run.next_epoch()
