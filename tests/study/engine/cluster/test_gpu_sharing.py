"""As many trials share a GPU as train more in all, and as its memory allows: pretended GPUs."""

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import ray
from hypothesis import given
from hypothesis import strategies as st
from optuna.distributions import CategoricalDistribution
from ray.air.execution import FixedResourceManager, ResourceRequest
from ray.util.placement_group import placement_group, remove_placement_group

from pnn_core.config import DatasetShape, GpuNeed, ModelConfig, TrialConfig
from pnn_core.data import TrainingData
from pnn_core.device.gpu_memory_limit import CONTEXT_BYTES, allocator_fraction
from pnn_core.device.gpu_sharing import counts_to_measure
from pnn_core.replicates.training_rate import measure_rate
from study.checkpoints.checkpoint_store import CheckpointStore
from study.config import StudyConfig
from study.engine.cluster import gpu_sharing
from study.engine.cluster.connect import connected
from study.engine.cluster.gpu_kinds import NODE_ID
from study.engine.cluster.gpu_sharing import share_gpus
from study.engine.cluster.gpu_words import MEMORY_SHARE, trials_that_fit
from study.engine.cluster.trial_resources import TrialResources, trial_resources
from study.engine.interrupts import Interrupts
from study.engine.tune import tuner
from study.engine.tune.trainable import TrialTrainable
from study.results.run_record import RunRecord, RunState
from study.search.optuna_storage import StudyStorage
from study.search.trial_manager import TrialManager

GIB = 2**30
CPUS, GPUS = 8, 2
PLACES = 2 * GPUS
MEETING_SECONDS = 240.0
LARGEST = TrialConfig(
    model=ModelConfig(dataset=DatasetShape(channels=1, height=8, width=8, classes=10))
)
Measure = Callable[..., GpuNeed]


def need(needed: float | None, free: float = 80.0) -> GpuNeed:
    return GpuNeed(
        gpu="NVIDIA Pretence",
        largest=LARGEST,
        needed_bytes=None if needed is None else round(needed * GIB),
        free_bytes=round(free * GIB),
        total_bytes=80 * GIB,
    )


@pytest.fixture(scope="module")
def gpu_cluster() -> Iterator[None]:
    """One node, which Ray takes to have GPUs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ray, "init", partial(ray.init, num_cpus=CPUS, num_gpus=GPUS))
        with connected(None):
            yield


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> Callable[[Measure], None]:
    """What stands in for the measurement, in a real worker."""

    def stand_in(measure: Measure) -> None:
        # Pickled by its name, the worker would find the real one.
        measure.__module__ = "__main__"
        monkeypatch.setattr(gpu_sharing, "measure_here", measure)

    return stand_in


def shared(config: StudyConfig, data: TrainingData) -> tuple[TrialResources, list[str], list[str]]:
    """The decision, what was said and what was warned of."""
    said: list[str] = []
    warned: list[str] = []
    resources = trial_resources(config)
    return share_gpus(config, resources, data, said.append, warned.append), said, warned


@given(
    needed=st.integers(CONTEXT_BYTES + 1, 80 * GIB),
    free=st.integers(2 * GIB, 80 * GIB),
    most=st.integers(1, 64),
)
def test_the_largest_trial_fits_into_the_share_that_bounds_it(
    needed: int, free: int, most: int
) -> None:
    tight = replace(need(1.0), needed_bytes=needed, free_bytes=free)
    trials = min(trials_that_fit(tight), most)
    assert trials >= 1
    if trials > 1:
        assert trials * needed <= MEMORY_SHARE * free * (1 + 1e-9)
        allowed = allocator_fraction(1 / trials, tight.total_bytes) * tight.total_bytes
        assert allowed >= needed - CONTEXT_BYTES


@pytest.mark.usefixtures("gpu_cluster")
def test_as_many_trials_run_at_once_as_were_decided(
    make_config, digits: TrainingData, measured, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    met = tmp_path / "met"
    met.mkdir()

    class Meeting(TrialTrainable):
        """Trains nothing before as many workers are up as there are places."""

        def step(self) -> dict[str, Any]:
            (met / str(os.getpid())).touch()
            late = time.monotonic() + MEETING_SECONDS
            while len(list(met.iterdir())) < PLACES and time.monotonic() < late:
                time.sleep(0.05)
            return super().step()

    Meeting.__module__ = "__main__"  # pickled by its name, the worker would not find it
    monkeypatch.setattr(tuner, "TrialTrainable", Meeting)

    def measure(trials, replicates, data, cpus, own, most):
        # Four would train more still, and have no room.
        return replace(need(25.0), rates={n: 100.0 * n for n in counts_to_measure(min(most, 2))})

    # What they count on loses a place to rounding.
    monkeypatch.setattr(tuner, "warm_workers_used", pytest.fail)
    measured(measure)
    config = make_config(trials=6)
    resources, said, warned = shared(config, digits)
    assert (resources.gpus, resources.concurrent) == (0.5, PLACES)
    assert said == [
        "GPUs: 2 trials at once on each (1, 2 at once train 100, 200 steps/s, without CUDA's MPS; "
        "the largest measured takes 25.0 of 80.0 GiB)"
    ]
    assert warned == []
    records = run(config, digits, resources)
    assert all(record.state is RunState.COMPLETE for record in records)
    assert len({record.worker for record in records}) == PLACES


def run(
    config: StudyConfig, data: TrainingData, resources: TrialResources
) -> tuple[RunRecord, ...]:
    store = CheckpointStore(url=config.checkpoints)
    store.create()
    manager = TrialManager(config, StudyStorage(config), [])
    with Interrupts() as interrupts:
        tuner.train_runs(config, data, manager, store, resources, interrupts, pytest.fail)
    return manager.records


@pytest.mark.usefixtures("gpu_cluster")
@pytest.mark.parametrize("trials", [3, 7, 14])
def test_ray_has_room_for_as_many_equal_parts_of_a_gpu(trials: int) -> None:
    groups = [placement_group([{"GPU": 1 / trials}]) for _ in range(GPUS * trials)]
    try:
        assert all(group.wait(30) for group in groups)
    finally:
        for group in groups:
            remove_placement_group(group)


@pytest.mark.usefixtures("gpu_cluster")
def test_tunes_count_of_a_node_loses_a_place_where_trials_take_parts_of_a_gpu() -> None:
    """Why `train_runs` does without it there; once this fails, it need not."""
    manager = FixedResourceManager({"CPU": 64.0, "GPU": 1.0})
    asked = ResourceRequest([{"CPU": 1.0, "GPU": 1 / 14}])
    places = 0
    manager.request_resources(asked)
    while manager.acquire_resources(asked):
        manager.request_resources(asked)
        places += 1
    assert places == 13


@pytest.mark.usefixtures("gpu_cluster")
def test_the_worker_has_the_gpu_to_itself_and_every_size_of_network_the_space_holds(
    make_config, digits: TrainingData, measured
) -> None:
    def measure(trials, replicates, data, cpus, own, most):
        sizes = sorted((trial.model.mask_count, trial.optim.batch_size) for trial in trials)
        whole = ray.get_runtime_context().get_assigned_resources()["GPU"]
        raise RuntimeError(f"{sizes} {replicates} {len(data.train)} {cpus} {whole}")

    measured(measure)
    config = make_config(trials=12, replicates=5, cpus_per_trial=2)
    _, _, (warned,) = shared(config, digits)
    assert f"[(2, 200), (4, 200)] 5 {len(digits.train)} 2 1.0" in warned


@pytest.mark.usefixtures("gpu_cluster")
def test_where_nothing_is_measured_each_trial_keeps_a_gpu_and_the_reason_is_told(
    make_config, digits: TrainingData
) -> None:
    resources, said, warned = shared(make_config(trials=12), digits)
    assert (resources.gpus, resources.concurrent) == (1.0, GPUS)
    assert said == []
    assert warned == [
        "GPUs: 1 trial at once on each: what one takes could not be measured "
        "(RuntimeError: torch finds no GPU where Ray has one)"
    ]


@pytest.mark.usefixtures("gpu_cluster")
def test_a_worker_that_dies_while_it_measures_ends_no_study(
    make_config, digits: TrainingData, measured
) -> None:
    def measure(trials, replicates, data, cpus, own, most):
        import os

        os.kill(os.getpid(), 9)

    measured(measure)
    resources, _, (warned,) = shared(make_config(trials=12), digits)
    assert resources.gpus == 1.0
    assert "could not be measured" in warned


@pytest.mark.usefixtures("gpu_cluster")
def test_a_trial_that_no_gpu_has_room_for_is_named(
    make_config, digits: TrainingData, measured
) -> None:
    def measure(trials, replicates, data, cpus, own, most):
        return need(None, free=78.5)

    measured(measure)
    resources, said, (warned,) = shared(make_config(trials=12), digits)
    assert (resources.gpus, said) == (1.0, [])
    assert warned == (
        "GPUs: 1 trial at once on each: the largest (network resnet18, mask_count 64, batch_size "
        "10) needs more than the 78.5 GiB that are free on NVIDIA Pretence, and would fail there"
    )


@pytest.mark.usefixtures("gpu_cluster")
def test_a_gpu_that_others_use_is_waited_for_and_then_done_without(
    make_config, digits: TrainingData, measured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gpu_sharing, "ANSWER_SECONDS", 0.5)

    def measure(trials, replicates, data, cpus, own, most):
        import time

        time.sleep(600)

    measured(measure)
    resources, _, (warned,) = shared(make_config(trials=12), digits)
    assert resources.gpus == 1.0
    assert "(no GPU was free within 0.5 s)" in warned


@pytest.mark.usefixtures("gpu_cluster")
@pytest.mark.parametrize(
    "changes",
    [
        {"gpus_per_trial": 1.0},
        {"gpus_per_trial": 0.25},
        {"gpus_per_trial": 0.0},
        {"max_concurrent": 2},  # one on each
        {"cpus_per_trial": 3},  # no CPUs for a second one on each
        {"trials": 2},
    ],
)
def test_where_there_is_nothing_to_decide_nothing_is_measured(
    make_config, digits: TrainingData, monkeypatch: pytest.MonkeyPatch, changes
) -> None:
    monkeypatch.setattr(gpu_sharing, "_measure", pytest.fail)
    config = make_config(**{"trials": 12, **changes})
    resources, said, warned = shared(config, digits)
    assert resources == trial_resources(config)
    assert said == warned == []


@pytest.mark.parametrize(
    ("nodes", "needs", "wanted", "trials"),
    [
        ([(64, 1)], [2.0], {}, 36),
        ([(16, 1)], [2.0], {}, 16),  # one for each CPU
        ([(16, 1)], [2.0], {"cpus_per_trial": 4}, 4),
        ([(16, 4)], [2.0], {}, 4),
        ([(64, 4)], [2.0], {"max_concurrent": 10}, 3),  # not 10 on one and 3 that idle
        ([(256, 1)], [0.1], {}, 64),
        ([(64, 0), (8, 1)], [10.0], {}, 7),  # a node without GPUs has no part
        ([(64, 1)], [50.0], {}, 1),
    ],
)
def test_memory_cpus_and_what_was_asked_for_bound_the_trials_on_a_gpu(
    make_config,
    digits: TrainingData,
    monkeypatch: pytest.MonkeyPatch,
    nodes: list[tuple[int, int]],
    needs: list[float],
    wanted: dict[str, int],
    trials: int,
) -> None:
    cluster = [
        pretended(f"node{number}", float(cpus), float(gpus))
        for number, (cpus, gpus) in enumerate(nodes)
    ]
    monkeypatch.setattr(ray, "nodes", lambda: cluster)

    def measure(*arguments):
        measured, *_, most = arguments
        return {
            node["NodeID"]: every_process_gains(need(own), most[node["NodeID"]])
            for node, own in zip(measured, needs, strict=True)
        }, ""

    monkeypatch.setattr(gpu_sharing, "_measure", measure)
    config = make_config(trials=1000, **wanted)
    resources, (said,), _ = shared(config, digits)
    assert resources.gpus == 1 / trials
    assert said.startswith(f"GPUs: {trials} trial")
    by_cpus = sum(cpus // config.cpus_per_trial for cpus, gpus in nodes if gpus)
    at_once = min(by_cpus, sum(gpus for _, gpus in nodes) * trials)
    assert resources.concurrent == min(at_once, wanted.get("max_concurrent", 1000))


def pretended(name: str, cpus: float, gpus: float, **labels: str) -> dict:
    """A node as `ray.nodes` describes it."""
    return {
        "Alive": True,
        "NodeID": name,
        "NodeManagerAddress": f"10.0.0.{name[-1]}",
        "Resources": {"CPU": cpus, **({"GPU": gpus} if gpus else {})},
        "Labels": {NODE_ID: name, **labels},
    }


def every_process_gains(need: GpuNeed, most: int) -> GpuNeed:
    counts = counts_to_measure(min(most, trials_that_fit(need)))
    return replace(need, rates={count: float(count) for count in counts})


@pytest.mark.parametrize(
    ("rates", "trials", "told"),
    [
        ([{1: 90.0, 2: 95.0}], 1, "1, 2 at once train 90, 95 steps/s, through"),  # they take turns
        ([{1: 90.0, 2: 150.0, 4: 155.5}], 2, "1, 2, 4 at once train 90, 150, 155.5 steps/s"),
        # Alike in all but the load of the moment, and told by the slower one.
        ([{1: 90.0, 2: 170.0}, {1: 90.0, 2: 150.0}], 2, "90, 170 steps/s"),
    ],
)
def test_trials_that_gain_nothing_by_sharing_share_nothing(
    make_config,
    digits: TrainingData,
    monkeypatch: pytest.MonkeyPatch,
    rates: list[dict[int, float]],
    trials: int,
    told: str,
) -> None:
    nodes = [pretended(f"node{number}", 64.0, 1.0) for number in range(len(rates))]
    monkeypatch.setattr(ray, "nodes", lambda: nodes)
    needs = {
        f"node{number}": replace(need(2.0), rates=own, mps=True) for number, own in enumerate(rates)
    }
    monkeypatch.setattr(gpu_sharing, "_measure", lambda *_: (needs, ""))
    resources, (said,), warned = shared(make_config(trials=1000), digits)
    assert resources.gpus == 1 / trials
    assert told in said
    assert warned == []


def test_a_machine_without_gpus_waits_for_nothing(
    make_config, digits: TrainingData, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray, "nodes", lambda: [pretended("node0", 8.0, 0.0)])
    monkeypatch.setattr(gpu_sharing, "_candidates", pytest.fail)
    resources, said, warned = shared(make_config(trials=12), digits)
    assert (resources.gpus, resources.concurrent) == (0.0, 8)
    assert said == warned == []


def test_candidates_are_each_size_once(make_config) -> None:
    config = make_config()
    axes = {**config.space.axes, "batch_size": CategoricalDistribution((100, 200))}
    fixed = {"network": "resnet8"}
    config = make_config(space=replace(config.space, axes=axes, fixed=fixed))
    trials = gpu_sharing._candidates(config)
    sizes = [(trial.model.mask_count, trial.optim.batch_size) for trial in trials]
    assert sorted(sizes) == [(2, 100), (2, 200), (4, 100), (4, 200)]


def test_processes_that_are_measured_at_once_train_the_network_in_the_middle_of_the_sizes(
    make_config, digits: TrainingData
) -> None:
    config = make_config()
    trials = gpu_sharing._candidates(config)
    trials += [replace(t, model=replace(t.model, mask_count=64)) for t in trials[:1]]
    task = gpu_sharing.rate_task(trials, 2, digits, 1, [])
    assert task.config.model.mask_count == 4  # of 2, 4 and 64
    assert (task.replicates, task.threads) == (2, 1)
    resnet8 = replace(task.config, model=replace(task.config.model, network="resnet8"))
    assert measure_rate(replace(task, config=resnet8), 1, 0.1) > 0
