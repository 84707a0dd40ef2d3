"""Number of trials that share a GPU, by the memory that one takes and by what all train."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import ray
from ray.exceptions import RayError, RayTaskError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from pnn_core.config import GpuNeed, ModelConfig, TrialConfig
from pnn_core.data import TrainingData
from pnn_core.device.gpu_sharing import best_count
from pnn_core.parts.own_code import OwnCode
from pnn_core.parts.own_parts import OF_WORKERS, add_part
from search_spaces.extremes import extreme_points
from study.config import StudyConfig
from study.engine.cluster.gpu_kinds import gpu_kinds
from study.engine.cluster.gpu_words import Tell, decided, tell_decided, too_small, trials_that_fit
from study.engine.cluster.trial_resources import TrialResources, concurrent_trials, has_labels
from study.engine.failure_reasons import describe_error

if TYPE_CHECKING:
    from pnn_core.replicates.training_rate import RateTask

MOST_ON_A_GPU = 64
"""Bound on trials at once: Ray counts GPUs in ten-thousandths."""

MOST_COMPARED = 100
"""Number of networks of a space that are compared by count."""

RATE_STEPS = 100
"""Training steps of an epoch where steps per second are measured: enough for an epoch's other costs
to weigh as little as in a study."""

ANSWER_SECONDS = 300.0
"""Time that a GPU that is in use may take to become free and measured."""


def share_gpus(
    config: StudyConfig, resources: TrialResources, data: TrainingData, say: Tell, warn: Tell
) -> TrialResources:
    """Let as many trials share each GPU as train more in all than fewer do, if that is asked for.

    No more than its memory and the CPUs allow. Each node measures on a GPU of its own and decides
    for its GPUs, which are taken to be alike; one that could not measure holds the fewest. Where
    one trial alone is asked for or can be had, nothing is measured.

    Args:
        config: The study.
        resources: Resources of each trial, a whole GPU where there are any.
        data: Images that the trials learn from.
        say: Function to tell in a line what was decided, for each kind of GPU.
        warn: Function to tell where a GPU is too small for the largest trial, or nothing could be
            measured; each trial then keeps a GPU to itself.
    """
    if config.gpus_per_trial is not None or resources.gpus != 1:
        return resources
    nodes = _gpu_nodes(config, resources)
    most = _most_on_a_gpu(config, resources, nodes)
    if max(most.values(), default=0) <= 1:
        return resources
    needs, failure = _measure(nodes, config, data, resources, most)
    if not needs:
        warn(f"{decided(1)}: what one takes could not be measured ({failure})")
        return resources
    for said in dict.fromkeys(map(too_small, needs.values())):
        if said:
            warn(said)
    trials = _spread(
        {node: _wanted(need) for node, need in needs.items()},
        {node["NodeID"]: int(node["Resources"]["GPU"]) for node in nodes},
        _at_once(config, resources),
    )
    kinds = gpu_kinds(trials, {node["NodeID"]: node.get("Labels", {}) for node in nodes})
    tell_decided(trials, needs, nodes, kinds, say)
    shared = replace(resources, gpus=1 / min(trials.values()), kinds=kinds)
    return replace(shared, concurrent=concurrent_trials(shared))


def _wanted(need: GpuNeed) -> int:
    """Return the number of trials for a GPU; one has it to itself where it was too small."""
    return best_count(need.rates) if need.needed_bytes is not None else 1


def _spread(wanted: Mapping[str, int], gpus: Mapping[str, int], at_once: int) -> dict[str, int]:
    """Bound the trials on a GPU where they are few: by the least that has room for all of them.

    Args:
        wanted: Number of trials for each GPU of a node, by Ray's identifier of the node.
        gpus: Number of its GPUs.
        at_once: Number of trials that are to run at once.
    """
    for level in range(1, MOST_ON_A_GPU):
        spread = {node: min(count, level) for node, count in wanted.items()}
        if sum(count * gpus[node] for node, count in spread.items()) >= at_once:
            return spread
    return dict(wanted)


def _gpu_nodes(config: StudyConfig, resources: TrialResources) -> list[dict[str, Any]]:
    """Return those of Ray's nodes on which a trial can run, or a run that confirms."""
    either = (resources.labels, resources.confirming(config).labels)
    return [
        node
        for node in ray.nodes()
        if node["Alive"]
        and node["Resources"].get("GPU", 0.0) >= 1
        and node["Resources"].get("CPU", 0.0) >= resources.cpus
        and any(has_labels(node, labels) for labels in either)
    ]


def _at_once(config: StudyConfig, resources: TrialResources) -> int:
    return min(config.trials, resources.most or config.trials)


def _most_on_a_gpu(
    config: StudyConfig, resources: TrialResources, nodes: Sequence[dict[str, Any]]
) -> dict[str, int]:
    """Bound the trials on each GPU of a node: more would wait for a CPU, or leave other GPUs idle.

    Returns:
        Bounds by Ray's identifier of the node.
    """
    gpus = {node["NodeID"]: int(node["Resources"]["GPU"]) for node in nodes}
    left = _at_once(config, resources) - sum(gpus.values()) + 1  # the others hold one each
    most = min(left, MOST_ON_A_GPU)
    cpus = {node["NodeID"]: int(node["Resources"]["CPU"] // resources.cpus) for node in nodes}
    return {node: max(1, min(cpus[node] // gpus[node], most)) for node in gpus}


def _candidates(config: StudyConfig) -> list[TrialConfig]:
    """Return trials among which the largest is, each size of network and batch once."""
    found: dict[tuple[ModelConfig, int], TrialConfig] = {}
    for point in extreme_points(config.space, config.shape, config.seed):
        trial = config.space.configure(
            point, dataset=config.shape, epochs=config.epochs, seed=config.seed
        )
        # Noise takes the same at every level; trained masks need one above 0.
        mask = replace(trial.model.mask, noise_level=1.0)
        model = replace(trial.model, mask=mask)
        found.setdefault((model, trial.optim.batch_size), trial)
        if len(found) == MOST_COMPARED:
            break
    return [*found.values()]


def _measure(
    nodes: Sequence[dict[str, Any]],
    config: StudyConfig,
    data: TrainingData,
    resources: TrialResources,
    most: Mapping[str, int],
) -> tuple[dict[str, GpuNeed], str]:
    """Measure on a GPU of each node, all at once; with the reason why some node did not answer."""
    trials = _candidates(config)
    if not trials:
        return {}, "no trial was found that can be built"
    # The process ends with its task: what CUDA keeps for it is then free for the trials.
    worker: Any = ray.remote(num_cpus=resources.cpus, num_gpus=1, max_calls=1, max_retries=0)(
        measure_here
    )
    images = ray.put(data)
    own = [code for code in config.own if code.kind in OF_WORKERS]
    asked = {}
    for node in (node["NodeID"] for node in nodes):
        there = worker.options(scheduling_strategy=NodeAffinitySchedulingStrategy(node, soft=False))
        question = (trials, config.replicates, images, resources.cpus, own, most[node])
        asked[there.remote(*question)] = node
    done, late = ray.wait([*asked], num_returns=len(asked), timeout=ANSWER_SECONDS)
    failure = f"no GPU was free within {ANSWER_SECONDS:g} s"
    for answer in late:
        ray.cancel(answer, force=True)
    needs = {}
    for answer in done:
        try:
            needs[asked[answer]] = ray.get(answer)
        except RayTaskError as error:
            failure = describe_error(error.cause)
        except RayError as error:
            failure = describe_error(error)
    return needs, failure


def measure_here(
    trials: Sequence[TrialConfig],
    replicates: int,
    data: TrainingData,
    cpus: int,
    own: Sequence[OwnCode],
    most: int,
) -> GpuNeed:
    """Measure in a worker that has a GPU: see `probe_gpu_memory` and `measure_rates`."""
    import torch

    from pnn_core.device.gpu_memory_limit import release_gpu_memory
    from pnn_core.device.mps import mps_runs
    from pnn_core.device.selection import default_device
    from pnn_core.replicates.gpu_memory_probe import probe_gpu_memory
    from pnn_core.replicates.training_rate import measure_rates

    device = default_device()
    if device.type != "cuda":
        raise RuntimeError("torch finds no GPU where Ray has one")
    torch.set_num_threads(cpus)
    for code in own:
        add_part(code)
    need = probe_gpu_memory(trials, replicates, data, device)
    if need.needed_bytes is None:
        return need
    release_gpu_memory(device)
    task = rate_task(trials, replicates, data, cpus, own)
    rates = measure_rates(replace(task, device="cuda"), min(most, trials_that_fit(need)))
    return replace(need, rates=rates, mps=mps_runs())


def rate_task(
    trials: Sequence[TrialConfig],
    replicates: int,
    data: TrainingData,
    cpus: int,
    own: Sequence[OwnCode],
) -> "RateTask":
    """Return what processes are to train at once: the trial in the middle of all sizes."""
    from pnn_core.replicates.gpu_memory_probe import by_size, sample
    from pnn_core.replicates.training_rate import RateTask

    config, few = sample(by_size(trials, data)[len(trials) // 2], data, RATE_STEPS)
    return RateTask(
        config=config, replicates=replicates, data=few, device="cpu", threads=cpus, own=own
    )
