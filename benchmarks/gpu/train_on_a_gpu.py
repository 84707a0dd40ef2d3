"""Training of a PNN on a GPU with `pnn_core` alone: losses, accuracy, times and peak memory.

Trains PNN-ResNet-18 (ResNet-8 for images below 28 pixels) as a study does, and prints a line
for each epoch, whether steps were captured as CUDA graphs, and the peak of GPU memory. Needs
`pnn_core` and torch alone, and the data set's files.

Usage: PYTHONPATH=. python benchmarks/gpu/train_on_a_gpu.py --dataset cifar10 --data-dir data
"""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import torch

from pnn_core.config import DatasetShape, EpochResult, ModelConfig, OptimConfig, TrialConfig
from pnn_core.data import load_training_data
from pnn_core.device.selection import default_device, describe_device
from pnn_core.training.validated_run import ValidatedRun

SMALL_IMAGE = 28
"""Height in pixels below which the network is a ResNet-8."""


def main(argv: Sequence[str] | None = None) -> int:
    """Train and print a line for each epoch."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--dataset", default="cifar10", help="default: cifar10")
    parser.add_argument("--data-dir", type=Path, default=Path("data"), help="default: data")
    parser.add_argument("--mask-count", type=int, default=64, help="default: 64")
    parser.add_argument("--batch-size", type=int, default=128, help="default: 128")
    parser.add_argument("--epochs", type=int, default=10, help="default: 10")
    parser.add_argument("--seconds", type=float, default=540.0, help="limit; default: 540")
    parser.add_argument("--device", type=torch.device, default=default_device())
    arguments = parser.parse_args(argv)
    data = load_training_data(arguments.dataset, arguments.data_dir)
    config = make_config(data.shape, arguments)
    started = time.perf_counter()
    run = ValidatedRun(config, data, arguments.device)
    while run.epoch < config.epochs:
        run.next_epoch()
        print(format_epoch(run.results[-1]), flush=True)
        if time.perf_counter() - started > arguments.seconds:
            break
    print(f"{describe_device(arguments.device)}, torch {torch.__version__}")
    print(describe_gpu_use(run))
    return 0


def make_config(shape: DatasetShape, arguments: argparse.Namespace) -> TrialConfig:
    """Make the training run's configuration for images of a shape."""
    return TrialConfig(
        model=ModelConfig(
            dataset=shape,
            network="resnet18" if shape.height >= SMALL_IMAGE else "resnet8",
            mask_count=arguments.mask_count,
        ),
        optim=OptimConfig(batch_size=arguments.batch_size),
        epochs=arguments.epochs,
    )


def format_epoch(result: EpochResult) -> str:
    """Format an epoch's losses, accuracy and wall times."""
    return (
        f"epoch {result.epoch}  train_loss {result.train_loss:.4f}  val_loss {result.val_loss:.4f}"
        f"  val_accuracy {result.val_accuracy:.4f}  train {result.train_seconds:.2f} s"
        f"  val {result.val_seconds:.2f} s"
    )


def describe_gpu_use(run: ValidatedRun) -> str:
    """Describe CUDA graphs and the peak of GPU memory, in a sentence."""
    if run.device.type != "cuda":
        return "No GPU: no CUDA graphs, no GPU memory."
    told = "; ".join(run.fallbacks) or "nothing was left out"
    peak = torch.cuda.max_memory_reserved(run.device) / 2**30
    replays = run.step_loop.replays
    return f"CUDA graphs: {replays} steps replayed; {told}. Peak of GPU memory: {peak:.2f} GiB."


if __name__ == "__main__":
    sys.exit(main())
