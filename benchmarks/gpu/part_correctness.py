"""Part of the plan: does training on this machine give what it should?"""

import argparse
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import torch
from printed_verdict import judge, say
from replicates import COLOUR, DIGITS, Case, new_runs

from pnn_core.config import COMPILED, OptimConfig, TrialConfig
from pnn_core.data import load_training_data
from pnn_core.training.evaluated_run import EvaluatedRun
from pnn_core.training.validated_run import train

TESTS = (
    "pnn_core/training/test_cuda_graph_on_gpu.py",
    "pnn_core/device",
    "pnn_core/replicates/test_gpu_memory_probe.py",
    "pnn_core/replicates/test_training_rate.py",
    "pnn_core/training/test_compiled_network.py",
    "pnn_core/training/test_checkpoint.py",
    "pnn_core/models/test_one_graph.py",
    "pnn_core/layers/test_perturbation.py",
)
"""Tests that need a GPU, or that show on any machine that its torch does what is relied on."""

QUICK = TESTS[1:4]


def run(arguments: argparse.Namespace) -> bool:
    """Run the tests, then train on the device and on the CPU, as it is and compiled."""
    device = arguments.device
    kept = [_tests(QUICK if arguments.small else TESTS, arguments.seconds, device)]
    kept.append(_learns_as_the_cpu(device, epochs=2 if arguments.small else 8))
    kept.append(_compiled_trains_alike(device, small=arguments.small))
    return all(kept)


def _tests(names: tuple[str, ...], seconds: float, device: torch.device) -> bool:
    """Run pytest without the project's own rules, which need the whole platform."""
    tests = Path(__file__).parents[2] / "tests"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    command += [f"--confcutdir={tests / 'pnn_core'}", *(str(tests / name) for name in names)]
    try:
        done = subprocess.run(
            command, cwd=tests.parent, capture_output=True, text=True, check=False, timeout=seconds
        )
    except subprocess.TimeoutExpired:
        say(f"  the tests took more than {seconds:g} s")
        return judge("share of test runs that pass", 0, 1, device, least=True)
    for line in done.stdout.splitlines()[-20:]:
        say(f"  {line}")
    passed = done.returncode == 0
    return judge("share of test runs that pass", float(passed), 1, device, least=True) and passed


def _learns_as_the_cpu(device: torch.device, epochs: int) -> bool:
    """Train the digits on the device and on the CPU."""
    data = load_training_data("digits", Path())
    model = replace(DIGITS, dataset=data.shape, mask_count=16)
    config = TrialConfig(
        model=model, optim=OptimConfig(batch_size=32, learning_rate=0.003), epochs=epochs
    )
    accuracy = {}
    for where in (torch.device("cpu"), device):
        *_, last = train(config, data, where)
        accuracy[where.type] = last.val_accuracy
        say(f"digits on {where}: val_accuracy {last.val_accuracy:.4f} after {epochs} epochs")
    difference = accuracy[device.type] - accuracy["cpu"]
    return judge("accuracy on the device minus the CPU's", difference, -0.03, device, least=True)


def _compiled_trains_alike(device: torch.device, *, small: bool) -> bool:
    """Train with a network that is compiled whatever it costs, beside one that never is."""
    case = Case(model=DIGITS if small else COLOUR, batch_size=10)
    compiled, plain = (new_runs(case, 1, device, 20)[0] for _ in range(2))
    for run_of, pays in ((compiled, True), (plain, False)):
        run_of.config = replace(run_of.config, epochs=5)
        with (
            patch("pnn_core.training.train_steps.pays", lambda *_, pays=pays: pays),
            patch("pnn_core.training.train_steps.LEAST_SECONDS_LEFT", 0.0),
        ):
            started = time.perf_counter()
            losses = [_epoch_loss(run_of) for _ in range(4)]
        seconds = time.perf_counter() - started
        told = "; ".join(run_of.fallbacks) or "nothing was left out"
        say(f"{run_of.arithmetic}: losses {losses} in {seconds:.1f} s; {told}")
        say(f"  {run_of.step_loop.replays} steps were replayed")
    is_compiled = float(compiled.arithmetic == COMPILED)
    kept = judge("the long run was compiled (1) or not (0)", is_compiled, 1, device, least=True)
    ratio = _epoch_loss(compiled) / _epoch_loss(plain)
    return (
        judge("distance of the losses' ratio to 1", abs(ratio - 1), 0.1, device, least=False)
        and kept
    )


def _epoch_loss(run_of: EvaluatedRun) -> float:
    trained = run_of.train_epoch()
    return float("nan") if trained is None else round(trained.train_loss, 4)
