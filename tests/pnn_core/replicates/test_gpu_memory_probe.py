"""The largest training run is found by count, trained for a moment and measured."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from voc_folder import write_voc_folder

from pnn_core.config import (
    DatasetShape,
    MaskConfig,
    ModelConfig,
    OptimConfig,
    StemConfig,
    TrialConfig,
)
from pnn_core.data import LabelledImages, TrainingData, load_training_data
from pnn_core.device.gpu_memory_limit import CONTEXT_BYTES
from pnn_core.models.detector import Detector
from pnn_core.replicates.batched_run import BatchedRun
from pnn_core.replicates.gpu_memory_probe import STEPS, probe_gpu_memory
from pnn_core.replicates.grouping import (
    ACTIVATION_COPIES,
    GPU_MEMORY_FRACTION,
    activation_bytes,
    group_runs,
)
from pnn_core.training.validated_run import ValidatedRun

CPU = torch.device("cpu")
GIB = 2**30
SHAPE = DatasetShape(channels=1, height=8, width=8, classes=3)
CONFIG = TrialConfig(
    model=ModelConfig(dataset=SHAPE, network="resnet8", mask_count=4),
    optim=OptimConfig(batch_size=7),
)
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")


def images(count: int) -> LabelledImages:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (count, 1, 8, 8), dtype=np.uint8)
    return LabelledImages(images=pixels, labels=np.arange(count) % 3)


def data(train: int = 2000, validation: int = 900) -> TrainingData:
    return TrainingData(
        name="digits",
        train=images(train),
        validation=images(validation),
        held_out=np.arange(validation),
        classes=("a", "b", "c"),
        mean=(0.5,),
        std=(0.25,),
        augment=False,
    )


IMAGE_BYTES = 64 + 8
"""Bytes of an image with its label."""


@pytest.fixture
def pretended(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Training is on the CPU, and torch says what a GPU of 16 GiB could have said of it."""
    for name, answer in {
        "mem_get_info": (10 * GIB, 16 * GIB),
        "get_device_name": "NVIDIA Pretence",
        "reset_peak_memory_stats": None,
        "memory_allocated": 3000,
        "max_memory_reserved": 2 * GIB,
    }.items():
        monkeypatch.setattr(torch.cuda, name, lambda device, answer=answer: answer)
    yield


@pytest.mark.usefixtures("pretended")
def test_what_is_needed_is_the_peak_the_context_and_the_images_left_out() -> None:
    for replicates in (1, 3):
        need = probe_gpu_memory([CONFIG], replicates, data(), CPU)
        left_out = (2000 - STEPS * 7 + 900 - 500) * IMAGE_BYTES
        assert need.needed_bytes == 2 * GIB + CONTEXT_BYTES + left_out
        assert (need.free_bytes, need.total_bytes) == (10 * GIB + CONTEXT_BYTES, 16 * GIB)
        assert need.gpu == "NVIDIA Pretence"


@pytest.mark.usefixtures("pretended")
def test_steps_and_an_evaluation_are_real(monkeypatch: pytest.MonkeyPatch) -> None:
    steps, evaluated = [], []
    train_epoch, evaluate = ValidatedRun.train_epoch, ValidatedRun.evaluate

    def look(run, pause):
        steps.append(run.steps)
        return train_epoch(run, pause)

    def look_too(run, source):
        evaluated.append(len(source))
        return evaluate(run, source)

    monkeypatch.setattr(ValidatedRun, "train_epoch", look)
    monkeypatch.setattr(ValidatedRun, "evaluate", look_too)
    probe_gpu_memory([CONFIG], 1, data(), CPU)
    assert (steps, evaluated) == ([STEPS], [500])


@pytest.mark.usefixtures("pretended")
def test_detectors_are_measured_on_the_whole_canvas_however_small_the_first_images_are(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = write_voc_folder(tmp_path, train=3, val=2, test=1, edges=(40, 60))
    boxes = load_training_data("vocfolder", folder)
    model = ModelConfig(
        dataset=replace(boxes.shape.on_canvas(64), padding="batch"),
        network="resnet8",
        mask_count=4,
        first_layer=StemConfig(stem="conv7x7"),
    )
    seen: set[tuple[int, ...]] = set()
    losses = Detector.losses

    def look(detector, images, objects):
        seen.add(tuple(images.shape[2:]))
        return losses(detector, images, objects)

    monkeypatch.setattr(Detector, "losses", look)
    config = TrialConfig(model=model, optim=OptimConfig(batch_size=1))
    probe_gpu_memory([config], 1, boxes, CPU)
    assert seen == {(64, 64)}


@pytest.mark.usefixtures("pretended")
@pytest.mark.parametrize(
    "larger",
    [
        {"batch_size": 8},
        {"mask_count": 8},
        {"network": "resnet18"},
    ],
)
def test_the_largest_is_the_one_with_most_to_hold(larger: dict[str, int | str]) -> None:
    configs = [CONFIG, CONFIG.with_parameters(larger), CONFIG.with_parameters({"mask_count": 2})]
    assert probe_gpu_memory(configs, 1, data(60, 20), CPU).largest == configs[1]


@pytest.mark.usefixtures("pretended")
def test_no_less_is_needed_than_lets_seeds_train_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    group_sizes: list[int] = []
    next_epoch = BatchedRun.next_epoch

    def look(batched, *pause):
        group_sizes.append(len(batched.runs))
        return next_epoch(batched, *pause)

    monkeypatch.setattr(BatchedRun, "next_epoch", look)
    monkeypatch.setattr(torch.cuda, "max_memory_reserved", lambda device: 1)
    need = probe_gpu_memory([CONFIG], 3, data(21, 21), CPU)
    assert group_sizes == [3]
    estimate = 3000 + 3 * ACTIVATION_COPIES * activation_bytes(CONFIG, 21) / GPU_MEMORY_FRACTION
    assert need.needed_bytes == int(estimate) + CONTEXT_BYTES


@pytest.mark.usefixtures("pretended")
def test_a_run_whose_loss_is_not_finite_is_measured_all_the_same() -> None:
    strong = replace(CONFIG.model, mask=MaskConfig(noise_level=1e38))
    config = replace(
        CONFIG, model=strong, optim=replace(CONFIG.optim, learning_rate=1e30, momentum=0.0)
    )
    for replicates in (1, 2):
        assert probe_gpu_memory([config], replicates, data(), CPU).needed_bytes is not None


@pytest.mark.usefixtures("pretended")
def test_a_run_that_a_whole_gpu_has_no_room_for_is_said_to_be_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fill(run, pause):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(ValidatedRun, "train_epoch", fill)
    assert probe_gpu_memory([CONFIG], 1, data(), CPU).needed_bytes is None


@needs_gpu
@pytest.mark.parametrize("replicates", [1, 3])
def test_a_whole_epoch_takes_no_more_than_was_measured(replicates: int) -> None:
    gpu = torch.device("cuda")
    config = CONFIG.with_parameters({"mask_count": 64, "batch_size": 100})
    need = probe_gpu_memory([config], replicates, data(), gpu)
    assert need.needed_bytes is not None
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats(gpu)
    runs = [ValidatedRun(replace(config, seed=seed), data(), gpu) for seed in range(replicates)]
    for training in group_runs(runs):
        training.next_epoch()
    assert torch.cuda.max_memory_reserved(gpu) + CONTEXT_BYTES <= 1.1 * need.needed_bytes
