"""Parts of the plan: the planned experiment of `docs/results/cifar10` with a ResNet-18 of 64 masks.

First the learning rate of each arm, on validation images, then arms and seeds that are tested. No
test figure is printed before all are in.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Mapping
from dataclasses import replace

from printed_verdict import say
from resumable import Job, ResumableJobs

from pnn_core.architecture import control
from pnn_core.config import DatasetShape, ModelConfig, ParameterValue, TrialConfig
from pnn_core.data import confirm_step, load_test_data, load_training_data

SHARED: Mapping[str, ParameterValue] = {
    "stem": "conv3x3",
    "initialisation": "published",
    "order": "noise_relu_bn_conv",
    "optimizer": "adam",
    "schedule": "tenth_at_60_90",
    "batch_size": 64,
    "augment": "crop_flip",
}
"""Settings that all arms share, as in `docs/results/cifar10/space.py`."""

ARMS: Mapping[str, tuple[str, float | None]] = {
    "noise 1.0": ("perturbation", 1.0),
    "noise 0.1": ("perturbation", 0.1),
    "noise off": ("noise_off", None),
    "constant masks 1.0": ("constant_masks", 1.0),
    "fresh masks 1.0": ("fresh_masks", 1.0),
    "1x1": ("conv1x1", None),
    "3x3": ("conv3x3", None),
    "shift": ("shift", None),
}
"""Spatial layer and noise level of each arm, as there."""

LEARNING_RATES = (0.003, 0.01, 0.03, 0.1)
FIRST_SEED = 0


def run(arguments: argparse.Namespace) -> bool:
    """Tune, or train the experiment, as far as the time reaches."""
    deadline = time.perf_counter() + arguments.seconds
    data = load_training_data(arguments.dataset, arguments.data_dir)
    tuning = ResumableJobs(arguments.out / "tune", data, None, arguments.device, deadline)
    grid = {arm: _grid(arm, data.shape, arguments) for arm in _arms(arguments)}
    if arguments.part == "tune":
        tuning.train([job for jobs in grid.values() for job in jobs])
    rates = {arm: rate for arm, jobs in grid.items() if (rate := _best_rate(tuning, jobs))}
    for arm, rate in rates.items():
        say(f"{arm}: learning rate {rate:g}")
    if arguments.part == "tune":
        return True
    if missing := [arm for arm in grid if arm not in rates]:
        print(f"--out {arguments.out}: {missing[0]} is not tuned: run tune first", file=sys.stderr)
        sys.exit(2)
    with confirm_step():
        test = load_test_data(arguments.dataset, arguments.data_dir)
    tested = ResumableJobs(arguments.out / "experiment", data, test, arguments.device, deadline)
    jobs = {
        (arm, seed): _job(arm, data.shape, arguments, rate, arguments.epochs, seed)
        for seed in range(FIRST_SEED, FIRST_SEED + arguments.seeds)
        for arm, rate in rates.items()
    }
    if tested.train(list(jobs.values())):
        _print_table(tested, jobs)
    else:
        done = sum(tested.result(job) is not None for job in jobs.values())
        say(f"{done} of {len(jobs)} runs are done; no test figure is shown before the last")
    return True


def _arms(arguments: argparse.Namespace) -> list[str]:
    return list(ARMS)[:3:2] if arguments.small else list(ARMS)


def _grid(arm: str, shape: DatasetShape, arguments: argparse.Namespace) -> list[Job]:
    epochs = max(1, arguments.epochs // 5)
    rates = LEARNING_RATES[:2] if arguments.small else LEARNING_RATES
    seed = FIRST_SEED + 10_000  # none of the experiment's
    jobs = [_job(arm, shape, arguments, rate, epochs, seed) for rate in rates]
    return [
        replace(job, name=f"{job.name} rate {rate:g}")
        for job, rate in zip(jobs, rates, strict=True)
    ]


def _job(
    arm: str,
    shape: DatasetShape,
    arguments: argparse.Namespace,
    rate: float,
    epochs: int,
    seed: int,
) -> Job:
    network, masks = ("resnet8", 4) if arguments.small else ("resnet18", 64)
    layer, level = ARMS[arm]
    shared = {**SHARED, "network": network}
    model = ModelConfig(dataset=shape, mask_count=masks)
    config = TrialConfig(model=model, epochs=epochs, seed=seed).with_parameters(shared)
    chosen = config.model if layer == config.model.layer else control(config.model, layer).model
    own = {"learning_rate": rate} | ({} if level is None else {"noise_level": level})
    config = replace(config, model=chosen).with_parameters(own)
    return Job(name=f"{arm} seed {seed}", config=config)


def _best_rate(tuning: ResumableJobs, jobs: list[Job]) -> float | None:
    """Return the rate of the best validation accuracy; None if some are not done."""
    results = [tuning.result(job) for job in jobs]
    if any(result is None for result in results):
        return None
    accuracies = [result["val_accuracy"] for result in results if result is not None]
    return jobs[accuracies.index(max(accuracies))].config.optim.learning_rate


def _print_table(tested: ResumableJobs, jobs: Mapping[tuple[str, int], Job]) -> None:
    found = {key: (tested.result(job) or {})["test_accuracy"] for key, job in jobs.items()}
    arms = list(dict.fromkeys(arm for arm, _ in found))
    seeds = list(dict.fromkeys(seed for _, seed in found))
    for arm in arms:
        own = [found[arm, seed] for seed in seeds]
        less = [a - found[arms[0], seed] for a, seed in zip(own, seeds, strict=True)]
        say(
            f"{arm}: test_accuracy {statistics.fmean(own):.4f} over {len(own)} seeds, "
            f"{statistics.fmean(less):+.4f} against {arms[0]} (standard error {_error(less):.4f})"
        )


def _error(values: list[float]) -> float:
    return statistics.stdev(values) / len(values) ** 0.5 if len(values) > 1 else float("nan")
