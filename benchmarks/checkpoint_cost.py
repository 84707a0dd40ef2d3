"""Cost of checkpoints: the same training with and without them, in one process, in turns.

A worker saves a run at an epoch's end unless writing would take more than 5% of its time. Images
are random: only time and bytes are measured.

Usage: checkpoint_cost.py [--epochs 16]
"""

import argparse
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np
import torch

from pnn_core.config import DatasetShape, ModelConfig, OptimConfig, TrialConfig
from pnn_core.data import ImageTraits, LabelledImages
from pnn_core.training.trainer import Trainer
from study.checkpoints.checkpoint_store import CheckpointStore
from study.checkpoints.worker_checkpoint import WorkerCheckpoint

IMAGES = {"resnet8": 1000, "resnet18": 200}
"""Images in an epoch: few, so that checkpoints weigh more than in any real study."""

MODELS = (
    ModelConfig(
        dataset=DatasetShape(channels=1, height=8, width=8, classes=10),
        network="resnet8",
        mask_count=8,
    ),
    ModelConfig(dataset=DatasetShape(channels=3, height=32, width=32, classes=10)),
)


def main() -> None:
    """Print a line for each network."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=16)
    epochs = parser.parse_args().epochs
    torch.set_num_threads(1)
    print("network   epoch, s  with checkpoints / without  written  bytes of one")
    for model in MODELS:
        with tempfile.TemporaryDirectory() as folder:
            print(measure(model, epochs, Path(folder)))


def measure(model: ModelConfig, epochs: int, folder: Path) -> str:
    """Train a network twice at once, epoch by epoch in turns, one of the two with checkpoints."""
    store = CheckpointStore(url=str(folder))
    plain, saved = trainer(model, epochs), trainer(model, epochs)
    checkpoint = WorkerCheckpoint(store, "trial.ckpt", "benchmark")
    with_seconds, without_seconds, written = [], [], 0
    for _ in range(epochs):
        started = time.perf_counter()
        plain.train_epoch()
        without_seconds.append(time.perf_counter() - started)
        started = time.perf_counter()
        saved.train_epoch()
        if checkpoint.is_due:
            checkpoint.save([saved])
            written += 1
        with_seconds.append(time.perf_counter() - started)
    size = len(store.load("trial.ckpt") or b"")
    ratio = sum(with_seconds) / sum(without_seconds)
    name = f"{model.network:9} {median(without_seconds):8.2f}"
    return f"{name}  {ratio:26.3f}  {written:3}/{epochs:<3}  {size:12,}"


def trainer(model: ModelConfig, epochs: int) -> Trainer:
    """Make a trainer on random images."""
    shape, count = model.dataset, IMAGES[model.network]
    rng = np.random.default_rng(0)
    size = (count, shape.channels, shape.height, shape.width)
    images = LabelledImages(
        images=rng.integers(0, 256, size, dtype=np.uint8),
        labels=rng.integers(0, shape.classes, count),
    )
    channels = shape.channels
    traits = ImageTraits(shape=shape, mean=(0.5,) * channels, std=(0.25,) * channels, augment=False)
    config = TrialConfig(model=model, optim=OptimConfig(batch_size=50), epochs=epochs)
    return Trainer(config, traits, images, torch.device("cpu"))


if __name__ == "__main__":
    main()
