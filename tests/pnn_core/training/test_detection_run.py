"""Detectors train, pause and are tested as classifiers are."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torchvision import models
from voc_folder import write_voc_folder

from pnn_core.config import ModelConfig, OptimConfig, StemConfig, TrialConfig
from pnn_core.data import TrainingData, confirm_step, load_test_data, load_training_data
from pnn_core.training.confirmation_run import ConfirmationRun
from pnn_core.training.validated_run import ValidatedRun

CPU = torch.device("cpu")
CANVAS = 64


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_voc_folder(tmp_path_factory.mktemp("voc"), train=6, val=3, test=3, edges=(40, 60))


@pytest.fixture(scope="module")
def data(folder: Path) -> TrainingData:
    return load_training_data("vocfolder", folder)


@pytest.fixture(scope="module")
def config(data: TrainingData) -> TrialConfig:
    return TrialConfig(
        model=ModelConfig(
            dataset=data.shape.on_canvas(CANVAS),
            network="resnet8",
            mask_count=4,
            first_layer=StemConfig(stem="conv7x7"),
        ),
        optim=OptimConfig(optimizer="sgd", learning_rate=0.01, batch_size=2),
        epochs=2,
        augment="crop_flip",
    )


def pauses_after(steps: int) -> Callable[[], bool]:
    left = iter(range(steps))

    def pause() -> bool:
        return next(left, steps) == steps - 1

    return pause


def numbers(run: ValidatedRun) -> list[tuple[float, float, float]]:
    return [(r.train_loss, r.val_map_50, r.val_map_50_area) for r in run.results]


@pytest.mark.parametrize("padding", ["canvas", "batch"])
def test_a_run_that_was_paused_in_mid_epoch_gives_the_same_numbers_to_the_last_bit(
    config, data, padding
):
    config = config.with_parameters({"padding": padding})
    whole = ValidatedRun(config, data, CPU)
    for _ in range(config.epochs):
        assert whole.next_epoch()
    first = ValidatedRun(config, data, CPU)
    assert not first.next_epoch(pauses_after(1))
    assert first.paused_steps == 1
    second = ValidatedRun(config, data, CPU)
    second.load_state_dict(first.state_dict())
    for _ in range(config.epochs):
        assert second.next_epoch()
    assert numbers(second) == numbers(whole)
    weights = whole.model.state_dict()
    assert all(
        torch.equal(value, weights[name]) for name, value in second.model.state_dict().items()
    )


def test_a_paused_run_from_imagenet_goes_on_with_frozen_normalisations(
    config, monkeypatch, tmp_path
):
    # Two steps of one image: a step of a ResNet-18 takes seconds.
    two = write_voc_folder(tmp_path / "two", train=2, val=1, test=1, edges=(40, 60))
    data = load_training_data("vocfolder", two)
    weights = models.ResNet18_Weights.IMAGENET1K_V1
    (tmp_path / "hub" / "checkpoints").mkdir(parents=True)
    with torch.random.fork_rng(devices=[]):
        drawn = models.resnet18(weights=None).state_dict()
    torch.save(drawn, tmp_path / "hub" / "checkpoints" / Path(weights.url).name)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    plain = replace(config.model, network="resnet18", mask_count=64, layer="conv3x3")
    begun = replace(
        config,
        model=plain,
        optim=replace(config.optim, batch_size=1),
        initial_weights="imagenet",
        normalisation="imagenet",
        epochs=1,
    )
    first = ValidatedRun(begun, data, CPU)
    assert not first.next_epoch(pauses_after(1))
    second = ValidatedRun(begun, data, CPU)
    second.load_state_dict(first.state_dict())
    assert second.train_epoch() is not None
    norms = second.model.features.state_dict()
    for name in ("weight", "bias", "running_mean", "running_var"):
        assert torch.equal(norms[f"stem.1.{name}"], drawn[f"bn1.{name}"])
    assert not torch.equal(norms["stem.0.weight"], drawn["conv1.weight"])


def test_an_epoch_measures_average_precision_and_no_accuracy(config, data):
    run = ValidatedRun(replace(config, epochs=1), data, CPU)
    run.next_epoch()
    (result,) = run.results
    assert 0 <= result.val_map_50 <= 1
    assert result.merit == result.val_map_50
    assert math.isnan(result.val_accuracy)
    assert math.isfinite(result.train_loss)


def test_test_images_are_looked_at_once_after_the_last_epoch(config, data, folder):
    with confirm_step():
        test = load_test_data("vocfolder", folder)
    run = ConfirmationRun(config, data.traits, data.joined(), test, CPU)
    assert run.evaluated_after(1) == ()
    assert len(run.evaluated_after(config.epochs)) == 1
    for _ in range(config.epochs):
        run.next_epoch()
    result = run.result()
    assert result.merit == result.test_map_50
    assert 0 <= result.test_map_50 <= 1
    assert math.isnan(result.test_accuracy)
    again = ConfirmationRun(config, data.traits, data.joined(), test, CPU)
    again.load_state_dict(run.state_dict())
    assert again.result() == result


def test_each_run_letterboxes_to_its_own_canvas(config, data):
    assert data.shape.height != CANVAS
    run = ValidatedRun(config, data, CPU)
    images, objects = next(iter(run.evaluation_images.in_order(3)))
    assert images.shape == (3, 3, CANVAS, CANVAS)
    assert all((each.boxes <= CANVAS).all() for each in objects)


def test_a_run_that_pads_to_the_batch_takes_smaller_images_and_tests_them_so(config, data, folder):
    config = config.with_parameters({"padding": "batch"})
    run = ValidatedRun(replace(config, epochs=1), data, CPU)
    shapes = [images.shape for images, _ in run.evaluation_images.in_order(3)]
    assert len(shapes) == len(data.validation)
    assert all(max(shape[2:]) == CANVAS > min(shape[2:]) for shape in shapes)
    assert run.next_epoch()
    assert 0 <= run.results[0].val_map_50 <= 1
    assert (
        ValidatedRun(config, data, CPU).model.state_dict().keys() == run.model.state_dict().keys()
    )
    with confirm_step():
        test = load_test_data("vocfolder", folder)
    confirmed = ConfirmationRun(config, data.traits, data.joined(), test, CPU)
    for _ in range(config.epochs):
        confirmed.next_epoch()
    assert 0 <= confirmed.result().test_map_50 <= 1


def test_images_without_boxes_are_refused(config):
    digits = load_training_data("digits", Path("nowhere"))
    with pytest.raises(ValueError, match="the network expects"):
        ValidatedRun(config, digits, CPU)
