"""Real Ray with several nodes that it takes to have GPUs of different sizes: each is filled."""

import contextlib
import os
import signal
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace

import psutil
import pytest
import ray
from ray._private import ray_constants
from ray._private.node import Node
from ray.cluster_utils import Cluster
from ray.util.placement_group import placement_group, remove_placement_group

from pnn_core.config import DatasetShape, EpochResult, GpuNeed, ModelConfig, TrialConfig
from pnn_core.data import TrainingData
from pnn_core.device.gpu_sharing import counts_to_measure
from study.checkpoints.checkpoint_store import CheckpointStore
from study.config import StudyConfig
from study.engine.cluster import gpu_sharing
from study.engine.cluster.connect import connected
from study.engine.cluster.gpu_kinds import ACCELERATOR_TYPE
from study.engine.cluster.gpu_sharing import share_gpus
from study.engine.cluster.trial_resources import TrialResources, trial_resources
from study.engine.interrupts import Interrupts
from study.engine.tune import places, tuner
from study.results.run_listener import RunListener
from study.results.run_record import RunKey, RunRecord, RunState
from study.search.optuna_storage import StudyStorage
from study.search.trial_manager import TrialManager

GIB = 2**30
MEMORY = {"LARGE": 80, "SMALL": 24}
"""GiB of the pretended GPUs; a trial is pretended to take 20."""

JOINING_SECONDS = 240.0
"""Time within which workers of a node that joins train, also on a busy machine."""

LARGEST = TrialConfig(
    model=ModelConfig(dataset=DatasetShape(channels=1, height=8, width=8, classes=10))
)


def measure(trials, replicates, data, cpus, own, most):
    """What stands in for the measurement, in a real worker on the node that it is asked about."""
    labels = ray.get_runtime_context().get_node_labels()
    memory = MEMORY[labels[ACCELERATOR_TYPE]] * GIB
    need = GpuNeed(
        gpu=f"NVIDIA {labels[ACCELERATOR_TYPE].capitalize()}",
        largest=LARGEST,
        needed_bytes=20 * GIB,
        free_bytes=memory,
        total_bytes=memory,
    )
    room = gpu_sharing.trials_that_fit(need)
    counts = counts_to_measure(min(most, room))
    return replace(need, rates={count: 100.0 * count for count in counts})


class Machines:
    """A head that trains nothing, and nodes each of whose GPUs is of one pretended type."""

    def __init__(self) -> None:
        self._cluster = Cluster(
            initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False}
        )
        self.address = self._cluster.address
        self.nodes: dict[Node, str] = {}

    def add(self, kind: str) -> Node:
        labels = {ACCELERATOR_TYPE: kind}
        node = self._cluster.add_node(num_cpus=4, num_gpus=1, labels=labels)
        self.nodes[node] = kind
        return node

    def remove(self, node: Node) -> None:
        self._cluster.remove_node(node, allow_graceful=False)
        del self.nodes[node]

    def workers(self) -> dict[str, set[int]]:
        """Processes that train, by the kind of their node."""
        found = defaultdict(set)
        for node, kind in self.nodes.items():
            raylet = psutil.Process(node.all_processes["raylet"][0].process.pid)
            for child in raylet.children():
                with contextlib.suppress(psutil.Error):  # it may end meanwhile
                    if " ".join(child.cmdline()).strip().endswith(".train"):
                        found[kind].add(child.pid)
        return found

    def shutdown(self) -> None:
        self._cluster.shutdown()


@pytest.fixture
def machines(monkeypatch: pytest.MonkeyPatch) -> Iterator[Machines]:
    # Ray's own test cluster lives partly in this process, and keeps to 127.0.0.1 by these.
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    monkeypatch.setenv("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
    monkeypatch.setattr(ray_constants, "ENABLE_RAY_CLUSTER", False)
    monkeypatch.setattr(measure, "__module__", "__main__")  # pickled by value
    monkeypatch.setattr(gpu_sharing, "measure_here", measure)
    started = Machines()
    try:
        yield started
    finally:
        ray.shutdown()
        started.shutdown()


def share(config: StudyConfig, data: TrainingData, said: list[str]) -> TrialResources:
    return share_gpus(config, trial_resources(config), data, said.append, pytest.fail)


class AfterEachEpoch(RunListener):
    """Has something done after each epoch of any trial."""

    def __init__(self, do: Callable[[], None]) -> None:
        self._do = do

    def epoch_finished(self, key: RunKey, result: EpochResult) -> None:
        self._do()


def search(
    config: StudyConfig,
    data: TrainingData,
    resources: TrialResources,
    interrupts: Interrupts,
    after_each_epoch: Callable[[], None],
) -> tuple[RunRecord, ...]:
    store = CheckpointStore(url=config.checkpoints)
    store.create()
    manager = TrialManager(config, StudyStorage(config), [AfterEachEpoch(after_each_epoch)])
    with interrupts:
        tuner.train_runs(config, data, manager, store, resources, interrupts, pytest.fail)
    return manager.records


def test_each_gpu_is_filled_with_as_many_trials_as_fit_into_it(
    make_config, digits: TrainingData, machines: Machines
) -> None:
    machines.add("LARGE")
    machines.add("SMALL")
    with connected(machines.address):
        config = make_config(trials=14, epochs=200, address=machines.address)
        said: list[str] = []
        resources = share(config, digits, said)
        assert resources.concurrent == 3 + 1
        trained, all_seen = defaultdict(set), []

        def look() -> None:
            for kind, workers in machines.workers().items():
                trained[kind] |= workers
            if sum(map(len, trained.values())) >= resources.concurrent and not all_seen:
                all_seen.append(True)
                os.kill(os.getpid(), signal.SIGINT)  # a second one would not wait

        records = search(config, digits, resources, Interrupts(), look)
    assert all(record.state in (RunState.COMPLETE, RunState.PAUSED) for record in records)
    assert {kind: len(workers) for kind, workers in trained.items()} == {"LARGE": 3, "SMALL": 1}
    assert said[0].startswith("GPUs: 3 trials at once on each NVIDIA Large of ")
    assert said[1].startswith("GPUs: 1 trial at once on each NVIDIA Small of ")


def test_trials_lined_up_for_gpus_that_leave_go_on_where_there_are_others(
    make_config, digits: TrainingData, machines: Machines
) -> None:
    large = machines.add("LARGE")
    machines.add("SMALL")
    with connected(machines.address):
        config = make_config(trials=9, epochs=25, address=machines.address)
        resources = share(config, digits, [])
        epochs = []

        def strike() -> None:
            epochs.append(None)
            if len(epochs) == 20:
                machines.remove(large)

        records = search(config, digits, resources, Interrupts(), strike)
    assert len(epochs) >= 20
    assert [record.number for record in records] == list(range(9))
    assert all(record.state is RunState.COMPLETE for record in records)
    assert sum(bool(record.retried) for record in records) <= 3  # no attempt of those in line


def test_a_node_that_joins_is_filled_as_its_type_was(
    make_config, digits: TrainingData, machines: Machines
) -> None:
    machines.add("LARGE")
    machines.add("SMALL")
    with connected(machines.address):
        # More epochs than there is time for: a worker that starts is not overtaken by others.
        config = make_config(trials=14, epochs=100_000, address=machines.address)
        resources = share(config, digits, [])
        interrupts = Interrupts()
        began = time.monotonic()
        trained: dict[str, set[int]] = defaultdict(set)

        def join() -> None:
            if len(machines.nodes) == 2 and len(machines.workers()["LARGE"]) == 3:
                machines.add("LARGE")
            for kind, workers in machines.workers().items():
                trained[kind] |= workers
            if len(trained["LARGE"]) >= 6 or time.monotonic() - began > JOINING_SECONDS:
                interrupts.request()

        search(config, digits, resources, interrupts, join)
    assert {kind: len(workers) for kind, workers in trained.items()} == {"LARGE": 6, "SMALL": 1}


def test_gpus_that_another_study_holds_are_not_waited_for_while_others_are_idle(
    make_config, digits: TrainingData, machines: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "WAITING_SECONDS", 2.0)
    machines.add("LARGE")
    machines.add("SMALL")
    with connected(machines.address):
        config = make_config(trials=8, epochs=2, address=machines.address)
        resources = share(config, digits, [])
        selector = resources.shares[0].selector
        held = placement_group([{"GPU": 1.0}], bundle_label_selector=[selector])
        assert held.wait(60)
        records = search(config, digits, resources, Interrupts(), lambda: None)
        assert held.wait(60)  # the large GPU, whole, until the last trial had ended
        remove_placement_group(held)
    assert [record.number for record in records] == list(range(8))
    assert all(record.state is RunState.COMPLETE for record in records)
    assert not any(record.retried for record in records)
