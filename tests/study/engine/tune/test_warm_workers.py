"""Trials run in processes that Ray started with its cluster, and those have imported torch."""

import os
import sys

import pytest
from ray import tune
from ray._private.accelerators import nvidia_gpu
from ray.tune.execution import class_cache, tune_controller

from study.engine.cluster.connect import connected
from study.engine.tune.private_tune import warm_workers_used
from study.engine.tune.warm_workers import WARM_MODULES, fills_every_core
from study.results.resources import Resources


class Looks(tune.Trainable):
    def setup(self, config) -> None:
        self.seen = {"torch": "torch" in sys.modules, "threads": os.environ["OMP_NUM_THREADS"]}

    def step(self):
        return {**self.seen, "done": True}


def test_a_trial_finds_torch_imported_and_one_thread(tmp_path, monkeypatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS")
    # Not by its name: a worker knows no modules of the tests.
    looks = type("Looks", (tune.Trainable,), {"setup": Looks.setup, "step": Looks.step})
    looks.__module__ = "__main__"
    with connected(None, WARM_MODULES), warm_workers_used():
        results = tune.Tuner(
            tune.with_resources(looks, {"cpu": 1}),
            run_config=tune.RunConfig(storage_path=str(tmp_path), verbose=0),
        ).fit()
    metrics = results[0].metrics
    assert metrics is not None
    assert (metrics["torch"], metrics["threads"]) == (True, "1")
    assert "OMP_NUM_THREADS" not in os.environ


def test_tune_is_as_it_was_afterwards() -> None:
    before = dict(class_cache.DEFAULT_ENV_VARS), tune_controller.PlacementGroupResourceManager
    with warm_workers_used():
        assert not class_cache.DEFAULT_ENV_VARS
    after = dict(class_cache.DEFAULT_ENV_VARS), tune_controller.PlacementGroupResourceManager
    assert before == after


@pytest.mark.parametrize(
    ("gpus", "wanted", "fills"),
    [
        (0, Resources(), True),
        (0, Resources(cpus_per_trial=2), False),
        (0, Resources(max_concurrent=1), False),
        (8, Resources(), False),
        (8, Resources(gpus_per_trial=0.0), True),
    ],
)
def test_torch_is_imported_ahead_where_every_core_trains(monkeypatch, gpus, wanted, fills) -> None:
    manager = nvidia_gpu.NvidiaGPUAcceleratorManager
    monkeypatch.setattr(manager, "get_current_node_num_accelerators", staticmethod(lambda: gpus))
    assert fills_every_core(wanted) is fills
