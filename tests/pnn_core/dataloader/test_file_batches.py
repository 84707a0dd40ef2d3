"""Batches from files are a function of the seed, however they are decoded."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from pnn_core.config import ModelConfig, OptimConfig, StemConfig, TrialConfig
from pnn_core.data import DatasetError, ImageFiles, TrainingData, load_training_data
from pnn_core.data.augmentation import PUBLISHED, Augmentation
from pnn_core.data.decode import decode
from pnn_core.dataloader.batches import Batch, DeviceImages, Normalise
from pnn_core.dataloader.decoding_workers import Decoder, decoding_worker_count
from pnn_core.dataloader.file_batches import FileBatches
from pnn_core.training.validated_run import ValidatedRun

CPU = torch.device("cpu")


pytestmark = pytest.mark.usefixtures("one_thread")


def source(
    data: TrainingData, workers: int, augmentation: Augmentation | None = PUBLISHED
) -> FileBatches:
    assert isinstance(data.train, ImageFiles)
    normalise = Normalise(data.mean, data.std, CPU)
    return FileBatches(data.train, normalise, Decoder(workers), augmentation)


def shuffled(batches: FileBatches | DeviceImages, epochs: int = 1) -> list[Batch]:
    generator = torch.Generator().manual_seed(3)
    return [batch for _ in range(epochs) for batch in batches.shuffled(8, generator)]


def same(first: list[Batch], second: list[Batch]) -> bool:
    pairs = zip(first, second, strict=True)
    return all(torch.equal(a, b) and torch.equal(x, y) for (a, x), (b, y) in pairs)


def test_batches_do_not_depend_on_workers_which_serve_all_epochs_and_end(
    shared_photographs: Path,
) -> None:
    data = load_training_data("imagefolder", shared_photographs)
    plain = source(data, 0)
    with_workers = source(data, 2)
    first = shuffled(with_workers)
    workers = multiprocessing.active_children()
    assert len(workers) == 2
    assert same(first, shuffled(plain))
    assert same(list(with_workers.in_order(10)), list(plain.in_order(10)))
    # An epoch that is left after its first batch, and gone on with from its third.
    left = with_workers.shuffled(8, torch.Generator().manual_seed(3))
    next(left)
    del left
    rest = with_workers.shuffled(8, torch.Generator().manual_seed(3), first_batch=2)
    assert same(list(rest), first[2:])
    assert multiprocessing.active_children() == workers
    del with_workers
    assert multiprocessing.active_children() == []


def test_batches_are_full_normalised_and_new_in_each_epoch(shared_photographs: Path) -> None:
    data = load_training_data("imagefolder", shared_photographs)
    batches = shuffled(source(data, 0), epochs=2)
    assert [images.shape for images, _ in batches] == [(8, 3, 224, 224)] * 8
    assert all(i.is_contiguous(memory_format=torch.channels_last) for i, _ in batches)
    assert abs(float(batches[0][0].mean())) < 1
    assert not same(batches[:4], batches[4:])


def test_without_augmentation_photographs_are_cropped_at_the_centre(
    shared_photographs: Path,
) -> None:
    data = load_training_data("imagefolder", shared_photographs)
    batches = shuffled(source(data, 0, None))
    order = torch.randperm(36, generator=torch.Generator().manual_seed(3))
    expected = decode(data.train.take(order[:8].numpy()))
    normalise = Normalise(data.mean, data.std, CPU)
    assert torch.equal(batches[0][0], normalise(torch.from_numpy(expected)))
    assert batches[0][1].tolist() == data.train.labels[order[:8]].tolist()


def test_photographs_that_are_not_to_be_flipped_have_the_same_crops(
    shared_photographs: Path,
) -> None:
    data = load_training_data("imagefolder", shared_photographs)
    (flipped, _), *_ = shuffled(source(data, 0))
    (plain, _), *_ = shuffled(source(data, 0, Augmentation(shift=28, flip=False)))
    pairs = list(zip(flipped, plain, strict=True))
    assert all(torch.equal(a, b) or torch.equal(a, b.flip(2)) for a, b in pairs)
    assert not all(torch.equal(a, b) for a, b in pairs)


def test_small_images_in_files_give_the_batches_of_those_in_memory(
    small_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_memory = load_training_data("imagefolder", small_folder)
    monkeypatch.setattr("pnn_core.data.memory.memory_bytes", lambda: 1)
    in_files = load_training_data("imagefolder", small_folder)
    normalise = Normalise(in_memory.mean, in_memory.std, CPU)
    held = DeviceImages(in_memory.train, normalise, PUBLISHED)
    decoded = source(in_files, 0)
    assert same(shuffled(held, epochs=2), shuffled(decoded, epochs=2))
    assert same(list(held.in_order(5)), list(decoded.in_order(5)))


@pytest.fixture
def small_folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        (tmp_path / "train" / name).mkdir(parents=True)
        for index in range(10):
            pixels = rng.integers(0, 256, (6, 5, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "train" / name / f"{index}.png")
    return tmp_path


@pytest.mark.parametrize("workers", [0, 1])
def test_a_damaged_image_is_named_and_the_next_epoch_can_begin(
    photographs: Path, workers: int
) -> None:
    data = load_training_data("imagefolder", photographs)
    batches = source(data, workers)
    path = data.train.path(7)
    content = path.read_bytes()
    path.write_bytes(content[:1000])
    with pytest.raises(DatasetError, match=rf"^{path} cannot be read as an image: [^\n]*trunc"):
        shuffled(batches)
    path.write_bytes(content)
    assert same(shuffled(batches), shuffled(source(data, 0)))


def test_batches_before_the_first_asked_for_are_not_decoded(photographs: Path) -> None:
    data = load_training_data("imagefolder", photographs)
    batches = source(data, 0)
    expected = shuffled(batches)
    order = torch.randperm(36, generator=torch.Generator().manual_seed(3))
    for index in order[:24].tolist():
        data.train.path(index).write_bytes(b"damaged")
    rest = batches.shuffled(8, torch.Generator().manual_seed(3), first_batch=3)
    assert same(list(rest), expected[3:])


@pytest.mark.parametrize("stopped_after", [1, 2, 3])
def test_a_run_on_files_goes_on_where_it_was_stopped(
    small_folder: Path, monkeypatch: pytest.MonkeyPatch, stopped_after: int
) -> None:
    monkeypatch.setattr("pnn_core.data.memory.memory_bytes", lambda: 1)
    data = load_training_data("imagefolder", small_folder)
    config = TrialConfig(
        model=ModelConfig(dataset=data.shape, network="resnet8", mask_count=4),
        optim=OptimConfig(batch_size=4),
        epochs=1,
    )
    whole, stopped, other = (ValidatedRun(config, data, CPU) for _ in range(3))
    assert isinstance(stopped.training_images, FileBatches)
    steps = iter(range(1, 4))
    assert not stopped.next_epoch(lambda: next(steps) == stopped_after)
    other.load_state_dict(stopped.state_dict())
    for run in (whole, other):
        run.next_epoch()
    (expected,), (result,) = whole.results, other.results
    assert (result.train_loss, result.val_loss) == (expected.train_loss, expected.val_loss)
    weights = zip(whole.model.parameters(), other.model.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in weights)


def test_torchs_global_generator_is_left_alone(shared_photographs: Path) -> None:
    data = load_training_data("imagefolder", shared_photographs)
    before = torch.random.get_rng_state()
    shuffled(source(data, 0))
    assert torch.equal(before, torch.random.get_rng_state())


def test_a_cpu_keeps_one_thread_for_training_and_a_gpu_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(4)))
    for threads, on_cpu, on_gpu in ((1, 0, 1), (3, 2, 3), (9, 3, 4)):
        monkeypatch.setattr(torch, "get_num_threads", lambda threads=threads: threads)
        assert decoding_worker_count(CPU) == on_cpu
        assert decoding_worker_count(torch.device("cuda")) == on_gpu


KILLED = """
import multiprocessing, sys, time, torch
from pathlib import Path
from pnn_core.dataloader.batches import Normalise
from pnn_core.data import load_training_data
from pnn_core.dataloader.decoding_workers import Decoder
from pnn_core.dataloader.file_batches import FileBatches

if __name__ == "__main__":
    data = load_training_data("imagefolder", Path(sys.argv[1]))
    normalise = Normalise(data.mean, data.std, torch.device("cpu"))
    batches = FileBatches(data.train, normalise, Decoder(1)).in_order(4)
    next(batches)
    print(multiprocessing.active_children()[0].pid, flush=True)
    time.sleep(60)
"""


def is_running(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().rsplit(")", 1)[1].split()[0] != "Z"


def test_workers_end_when_their_parent_is_killed_before_it_took_what_they_sent(
    shared_photographs: Path, tmp_path: Path
) -> None:
    script = tmp_path / "killed.py"
    script.write_text(KILLED)
    with subprocess.Popen(
        [sys.executable, script, shared_photographs],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as parent:
        assert parent.stdout is not None
        worker = int(parent.stdout.readline())
        assert is_running(worker)
        parent.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 20
    while is_running(worker) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_running(worker)


def test_pnn_resnet_50_trains_and_is_evaluated_on_photographs(shared_photographs: Path) -> None:
    data = load_training_data("imagefolder", shared_photographs)
    small = data.train.take(np.array([0, 20]))
    data = replace(
        data,
        train=small,
        validation=data.validation.take(np.array([0])),
        held_out=data.held_out[:1],
    )
    model = ModelConfig(
        dataset=data.shape,
        network="resnet50",
        mask_count=16,
        first_layer=StemConfig(stem="conv7x7"),
    )
    config = TrialConfig(model=model, optim=OptimConfig(batch_size=2), epochs=1)
    run = ValidatedRun(config, data, CPU)
    # Most biases have no gradient, as a normalisation cancels them.
    weights = [p for name, p in run.model.named_parameters() if name.endswith("weight")]
    before = [p.detach().clone() for p in weights]
    run.next_epoch()
    (result,) = run.results
    assert np.isfinite(result.train_loss)
    assert result.val_accuracy in (0.0, 1.0)
    changed = [not torch.equal(a, b) for a, b in zip(before, weights, strict=True)]
    assert all(changed)
