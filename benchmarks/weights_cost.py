"""Cost of keeping weights: bytes and seconds of a file, and a study with and without, in turns.

A worker encodes and writes the file after a run's last epoch; the driver fetches it into the
study's folder in a thread of its own. Networks are untrained: only time and bytes are measured.

Usage: weights_cost.py [--rounds 3] [--trials 12]
"""

import argparse
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from statistics import median

import torch

from pnn_core.config import DatasetShape, ModelConfig, TrialConfig
from pnn_core.models.build import build_model
from pnn_core.models.saved_network import NetworkCard, encode_network, load_network
from study.checkpoints.checkpoint_store import CheckpointStore

DIGITS = DatasetShape(channels=1, height=8, width=8, classes=10)
CIFAR = DatasetShape(channels=3, height=32, width=32, classes=10)
MODELS = (
    ModelConfig(dataset=DIGITS, network="resnet8", mask_count=32),
    ModelConfig(dataset=CIFAR, network="resnet18", mask_count=64),
    ModelConfig(dataset=CIFAR, network="resnet18", mask_count=256),
)
REPEATS = 5


def main() -> None:
    """Print a line for each network, and the ratio of the studies' times."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--trials", type=int, default=12)
    given = parser.parse_args()
    torch.set_num_threads(1)
    print("network   masks        bytes  encode, ms  write, ms  load, ms")
    for model in MODELS:
        print(measure(model))
    if given.rounds:
        with tempfile.TemporaryDirectory() as folder:
            print(compare(Path(folder), given.rounds, given.trials))


def measure(model: ModelConfig) -> str:
    """Encode, write and load one network, and return the medians as a line."""
    channels = model.dataset.channels
    card = NetworkCard(
        trial=TrialConfig(model=model),
        classes=tuple(map(str, range(model.dataset.classes))),
        mean=(0.5,) * channels,
        std=(0.25,) * channels,
    )
    network = build_model(model, 0)
    seconds: list[list[float]] = []
    with tempfile.TemporaryDirectory() as folder:
        store = CheckpointStore(url=folder)
        for _ in range(REPEATS):
            times = [time.perf_counter()]
            content = encode_network(network, card)
            times.append(time.perf_counter())
            store.save("network.safetensors", content)
            times.append(time.perf_counter())
            load_network(Path(folder, "network.safetensors"))
            times.append(time.perf_counter())
            seconds.append([b - a for a, b in pairwise(times)])
    encode, write, load = (1000 * median(each) for each in zip(*seconds, strict=True))
    return (
        f"{model.network:9} {model.mask_count:5} {len(content):12,}  {encode:10.1f} {write:10.1f} "
        f"{load:9.1f}"
    )


def compare(folder: Path, rounds: int, trials: int) -> str:
    """Run a study with and without weights by turns, and return the ratio of each round."""
    ratios = []
    for number in range(rounds):
        seconds = {}
        order = ("front", "none") if number % 2 else ("none", "front")  # a machine has its moods
        for weights in order:
            name = f"{weights}-{number}"
            started = time.perf_counter()
            run_study(folder, name, weights, trials)
            seconds[weights] = time.perf_counter() - started
        ratios.append(seconds["front"] / seconds["none"])
    kept = sum(p.stat().st_size for p in (folder / "studies").glob("front-0/weights/*"))
    each = ", ".join(f"{ratio:.3f}" for ratio in sorted(ratios))
    return (
        f"study of {trials} trials, with weights / without: {median(ratios):.3f} ({each}); kept "
        f"{kept:,} bytes"
    )


def run_study(folder: Path, name: str, weights: str, trials: int) -> None:
    """Run a small study of the digits to its end."""
    options = ("--space", "noise_masks", "--trials", str(trials), "--epochs", "2", "--quiet")
    subprocess.run(
        [sys.executable, "-m", "study.run", *options, "--name", name, "--weights", weights],
        cwd=folder,
        check=True,
        stdout=subprocess.DEVNULL,
    )


if __name__ == "__main__":
    main()
