"""Runs are trained at once where that is possible and pays, and one after another elsewhere."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from pnn_core.config import DatasetShape, ModelConfig, OptimConfig, TrialConfig
from pnn_core.data import LabelledImages, TrainingData, load_training_data
from pnn_core.models.build import build_model
from pnn_core.models.costs import count_activations
from pnn_core.replicates import grouping as module
from pnn_core.replicates.batched_run import BatchedRun
from pnn_core.replicates.grouping import (
    CPU_MEMORY_FRACTION,
    MAX_CPU_ACTIVATION_BYTES,
    group_runs,
    max_group_size,
)
from pnn_core.training.validated_run import ValidatedRun

CPU = torch.device("cpu")
SHAPE = DatasetShape(channels=1, height=8, width=8, classes=3)
CONFIG = TrialConfig(
    model=ModelConfig(dataset=SHAPE, network="resnet8", mask_count=4),
    optim=OptimConfig(batch_size=7),
)


def data(count: int) -> TrainingData:
    images = LabelledImages(
        images=np.zeros((count, 1, 8, 8), dtype=np.uint8), labels=np.arange(count) % 3
    )
    return TrainingData(
        name="digits",
        train=images,
        validation=images,
        held_out=np.arange(count),
        classes=("a", "b", "c"),
        mean=(0.5,),
        std=(0.25,),
        augment=False,
    )


def runs(count: int, config: TrialConfig = CONFIG) -> list[ValidatedRun]:
    return [ValidatedRun(replace(config, seed=seed), data(22), CPU) for seed in range(count)]


def room_for(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    activations = 4 * 7 * count_activations(CONFIG.model)
    free = round(count * 2 * activations / CPU_MEMORY_FRACTION)
    monkeypatch.setattr(module, "free_bytes", lambda device: free)


def test_runs_of_a_small_configuration_are_one_group() -> None:
    several = runs(3)
    (group,) = group_runs(several)
    assert isinstance(group, BatchedRun)
    assert group.runs == tuple(several)


def test_one_run_stands_for_itself() -> None:
    (run,) = runs(1)
    assert group_runs([run]) == [run]


@pytest.mark.parametrize(("count", "room", "sizes"), [(5, 4, [2, 3]), (6, 3, [3, 3]), (3, 1, [])])
def test_packs_are_as_large_as_memory_allows(
    monkeypatch: pytest.MonkeyPatch, count: int, room: int, sizes: list[int]
) -> None:
    room_for(monkeypatch, room)
    several = runs(count)
    trainings = group_runs(several)
    groups = [training for training in trainings if isinstance(training, BatchedRun)]
    assert [len(group.runs) for group in groups] == sizes
    assert [
        run for t in trainings for run in (t.runs if isinstance(t, BatchedRun) else [t])
    ] == several


def test_runs_that_do_not_fit_twice_are_trained_one_after_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "free_bytes", lambda device: 0)
    several = runs(3)
    assert group_runs(several) == several


def test_large_steps_gain_nothing_on_a_cpu() -> None:
    images = MAX_CPU_ACTIVATION_BYTES // (4 * count_activations(CONFIG.model))
    for batch_size, groups in ((images, True), (images + 1, False)):
        config = replace(CONFIG, optim=OptimConfig(batch_size=batch_size))
        run = ValidatedRun(config, data(images + 1), CPU)
        assert (max_group_size(run) > 1) == groups
    few = ValidatedRun(config, data(22), CPU)  # its only batch is smaller than asked for
    assert max_group_size(few) > 1


def test_runs_at_different_steps_are_trained_one_after_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    room_for(monkeypatch, 2)
    several = runs(4)
    several[0].next_epoch()
    first, second, group = group_runs(several)
    assert [first, second] == several[:2]
    assert isinstance(group, BatchedRun)


def test_images_in_files_are_decoded_for_one_run_at_a_time(shared_photographs: Path) -> None:
    photographs = load_training_data("imagefolder", shared_photographs)
    model = ModelConfig(dataset=photographs.shape, network="resnet8", mask_count=1)
    run = ValidatedRun(TrialConfig(model=model), photographs, CPU)
    assert max_group_size(run) == 1


@pytest.mark.parametrize("network", ["resnet8", "resnet50", "vgg16", "lenet"])
def test_the_estimate_is_no_less_than_what_is_kept_for_the_backward_pass(network: str) -> None:
    config = CONFIG.with_parameters({"network": network, "dropout": 0.5}).model
    model = build_model(config, 0)
    parameters = {p.data_ptr() for p in [*model.parameters(), *model.buffers()]}
    kept: dict[int, int] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        if tensor.data_ptr() not in parameters and tensor.is_floating_point():
            kept[tensor.data_ptr()] = tensor.numel()
        return tensor

    images = torch.zeros(64, 1, 8, 8)
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        outputs = model(images)
    estimate = 64 * count_activations(config)
    assert outputs.requires_grad
    # The fused operators keep little: no perturbed map, and of a pool a byte a number.
    assert estimate / 5 < sum(kept.values()) < 1.1 * estimate
