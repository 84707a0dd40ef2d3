"""Faults within a trial, without a hook in the product.

A folder with this file stands in PYTHONPATH of a study's driver, whose workers inherit it: Python
imports it in each of them. Where the environment variable names a folder, a training step that
finds a fault's file there takes the file away, so that each fault comes once, and acts as it says.
Each epoch that begins is written to `epochs.log` there: seed, epoch, process. While a file `hold`
is there, no training run goes on after its first epoch, so that what a test does to a study finds
it training, however fast or slow the machine is.
"""

import importlib.util
import os
import sys
import time
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

FOLDER = os.environ.get("PNN_FAULTS", "")
TARGET = "pnn_core.training.trainer"
CHUNK_BYTES = 256 << 20
HOG_SECONDS = 30.0
POLL_SECONDS = 0.05


def take(fault: str) -> str | None:
    """What the file of a waiting fault says, None without one; nobody else takes the same one."""
    armed = Path(FOLDER, fault)
    if not armed.exists():  # cheaper than the exception
        return None
    done = armed.with_suffix(".done")
    try:
        armed.rename(done)
    except FileNotFoundError:
        return None
    return done.read_text()


def act(trainer: object) -> None:
    """What is done between two training steps."""
    import torch

    if take("exception") is not None:
        raise RuntimeError("injected fault")
    if take("nan") is not None:
        with torch.no_grad():
            next(trainer.model.parameters()).fill_(float("nan"))
    if size := take("memory"):
        hoarded = []
        deadline = time.monotonic() + HOG_SECONDS
        while time.monotonic() < deadline:
            if len(hoarded) * CHUNK_BYTES < int(size):
                hoarded.append(b"\1" * CHUNK_BYTES)
            else:
                time.sleep(0.1)


def patch(module: ModuleType) -> None:
    """Have every trainer act as it asks whether to pause."""
    original = module.Trainer.train_epoch

    def train_epoch(self, pause=lambda: False):
        with Path(FOLDER, "epochs.log").open("a") as log:
            log.write(f"{self.config.seed} {self.epoch + 1} {os.getpid()}\n")
        while self.epoch > 0 and Path(FOLDER, "hold").exists():
            time.sleep(POLL_SECONDS)

        def asked():
            act(self)
            return pause()

        return original(self, asked)

    module.Trainer.train_epoch = train_epoch


class PatchingFinder:
    """Finds the target as everyone else does, and patches it once it is loaded."""

    def __init__(self) -> None:
        self._looking = False

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """Python's protocol of `sys.meta_path`."""
        if name != TARGET or self._looking:
            return None
        self._looking = True
        try:
            spec = importlib.util.find_spec(name)
        finally:
            self._looking = False
        if spec is not None and spec.loader is not None:
            load = spec.loader.exec_module

            def exec_module(module: ModuleType) -> None:
                load(module)
                patch(module)

            spec.loader.exec_module = exec_module
        return spec


if FOLDER:
    sys.meta_path.insert(0, PatchingFinder())
