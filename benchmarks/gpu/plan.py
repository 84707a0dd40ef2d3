"""The first hour on a GPU: one part a call, each of at most nine minutes, with verdicts.

Needs `pnn_core`, torch, torchvision, scikit-learn, hypothesis and pytest, nothing else. README.md
beside this file has the order and what each part is to show. Every part runs on a CPU as well, with
`--device cpu --small`, to be rehearsed: nothing is judged there.

Usage: PYTHONPATH=. python benchmarks/gpu/plan.py PART [--device cpu --small]
"""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # the benchmarks that the parts share

import torch
from printed_verdict import footer, say

from pnn_core.data import DatasetError
from pnn_core.device.mps import mps_runs
from pnn_core.device.selection import default_device

PARTS: Mapping[str, tuple[str, str]] = {
    "correctness": ("part_correctness", "recorded and compiled steps, shares of a GPU, learning"),
    "layer": ("part_layer", "one training step in every form, published and ours, at batch 128"),
    "layer-10": ("part_layer", "one training step in every form, published and ours, at batch 10"),
    "small-batches": ("part_steps", "steps per second, plain and recorded"),
    "seeds": ("part_steps", "eight seeds at once against one"),
    "sharing": ("part_sharing", "1, 2, 4 and 8 processes at once"),
    "accuracy": ("part_accuracy", "PNN-ResNet-18 and its 3x3 control; goes on where it stopped"),
    "tune": ("part_experiment", "learning rate of each arm; goes on where it stopped"),
    "experiment": ("part_experiment", "arms and seeds, tested; goes on where it stopped"),
}
"""Module of each part, and what it measures."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one part; return 0 if no verdict was missed, 1 if one was, 2 for bad input."""
    arguments = _parser().parse_args(argv)
    module, about = PARTS[arguments.part]
    device = arguments.device
    if device.type == "cuda" and not torch.cuda.is_available():
        print("--device cuda: torch finds no GPU: accepted is cpu", file=sys.stderr)
        return 2
    say(f"{arguments.part}: {about}, on {device}; CUDA's MPS {'runs' if mps_runs() else 'is off'}")
    run: Callable[[argparse.Namespace], bool] = import_module(module).run
    try:
        kept = run(arguments)
    except DatasetError as error:
        print(f"--dataset {arguments.dataset}: {error}", file=sys.stderr)
        return 2
    footer(device)
    return 0 if kept else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--device", type=torch.device, default=default_device())
    parser.add_argument("--seconds", type=float, default=540.0, help="limit; default: 540")
    parser.add_argument("--small", action="store_true", help="sizes for a rehearsal on a CPU")
    parser.add_argument("--compile", action="store_true", help="compiled forms on a CPU, too")
    parser.add_argument("--dataset", default="imagefolder", help="default: imagefolder")
    parser.add_argument("--data-dir", type=Path, default=Path("data"), help="default: data")
    parser.add_argument("--out", type=Path, default=Path("gpu-results"), help="states and results")
    parser.add_argument("--epochs", type=int, default=30, help="default: 30; of tuning: a fifth")
    parser.add_argument("--seeds", type=int, default=8, help="of the experiment; default: 8")
    return parser


if __name__ == "__main__":
    sys.exit(main())
