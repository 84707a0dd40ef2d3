"""Number of trials that share a GPU, by the memory that one takes and by what all train."""

import math
from collections.abc import Callable, Sequence
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
from study.engine.cluster.trial_resources import TrialResources, concurrent_trials
from study.engine.failure_reasons import describe_error
from study.results.plural import counted

if TYPE_CHECKING:
    from pnn_core.replicates.training_rate import RateTask

MEMORY_SHARE = 0.9
"""Share of its part of a GPU that the largest trial may take where it is measured: what is
measured for a moment is a little less than what some trial takes at some time."""

MOST_ON_A_GPU = 64
"""Bound on trials at once: Ray counts GPUs in ten-thousandths."""

MOST_COMPARED = 100
"""Number of networks of a space that are compared by count."""

RATE_STEPS = 100
"""Training steps of an epoch where steps per second are measured: enough for an epoch's other costs
to weigh as little as in a study."""

ANSWER_SECONDS = 300.0
"""Time that a GPU that is in use may take to become free and measured."""

Tell = Callable[[str], None]


def share_gpus(
    config: StudyConfig, resources: TrialResources, data: TrainingData, say: Tell, warn: Tell
) -> TrialResources:
    """Let as many trials share each GPU as train more in all than fewer do, if that is asked for.

    No more than its memory and the CPUs allow. Each node measures on a GPU of its own, and the one
    with the fewest decides for all. Where one trial alone is asked for or can be had, nothing is
    measured.

    Args:
        config: The study.
        resources: Resources of each trial, a whole GPU where there are any.
        data: Images that the trials learn from.
        say: Function to tell in a line what was decided.
        warn: Function to tell where a GPU is too small for the largest trial, or nothing could be
            measured; each trial then keeps a GPU to itself.
    """
    if config.gpus_per_trial is not None or resources.gpus != 1:
        return resources
    nodes = _gpu_nodes(resources)
    most = _most_on_a_gpu(config, resources, nodes)
    if most <= 1:
        return resources
    needs, failure = _measure(nodes, config, data, resources, most)
    alone = f"{_decided(1)}: "
    if not needs:
        warn(f"{alone}what one takes could not be measured ({failure})")
        return resources
    tightest = min(needs, key=trials_that_fit)
    if tightest.needed_bytes is None:
        optim, model = tightest.largest.optim, tightest.largest.model
        warn(
            f"{alone}the largest (network {model.network}, mask_count {model.mask_count}, "
            f"batch_size {optim.batch_size}) needs more than the "
            f"{_gib(tightest.free_bytes)} GiB that are free on {tightest.gpu}, and would fail there"
        )
        return resources
    slowest = min(needs, key=lambda need: best_count(need.rates))
    trials = best_count(slowest.rates)
    takes = f"{_gib(tightest.needed_bytes)} of {_gib(tightest.total_bytes)} GiB"
    say(f"{_decided(trials)} ({_rates(slowest)}; the largest measured takes {takes})")
    shared = replace(resources, gpus=1 / trials)
    return replace(shared, concurrent=concurrent_trials(shared))


def trials_that_fit(need: GpuNeed) -> int:
    """Count the trials like the measured one that a GPU has room for; 0 if not even one."""
    if need.needed_bytes is None:
        return 0
    return max(1, int(MEMORY_SHARE * need.free_bytes / need.needed_bytes))


def _rates(need: GpuNeed) -> str:
    """Say what was trained at once, such as `1, 2, 4 at once train 90, 150, 153 steps/s`."""
    counts = ", ".join(map(str, sorted(need.rates)))
    steps = ", ".join(f"{need.rates[count]:.4g}" for count in sorted(need.rates))
    service = "through" if need.mps else "without"
    return f"{counts} at once train {steps} steps/s, {service} CUDA's MPS"


def _decided(trials: int) -> str:
    return f"GPUs: {counted(trials, 'trial')} at once on each"


def _gib(count: int) -> str:
    return f"{count / 2**30:.1f}"


def _gpu_nodes(resources: TrialResources) -> list[dict[str, Any]]:
    """Return those of Ray's nodes on which a trial can run."""
    return [
        node
        for node in ray.nodes()
        if node["Alive"]
        and node["Resources"].get("GPU", 0.0) >= 1
        and node["Resources"].get("CPU", 0.0) >= resources.cpus
    ]


def _most_on_a_gpu(
    config: StudyConfig, resources: TrialResources, nodes: Sequence[dict[str, Any]]
) -> int:
    """Bound the trials on a GPU: more would wait for a CPU, or leave idle what Ray fills last."""
    by_cpus = max(
        (n["Resources"]["CPU"] // resources.cpus // int(n["Resources"]["GPU"]) for n in nodes),
        default=0,
    )
    gpus = sum(int(node["Resources"]["GPU"]) for node in nodes)
    at_once = min(config.trials, resources.most or config.trials)
    return min(int(by_cpus), math.ceil(at_once / max(gpus, 1)), MOST_ON_A_GPU)


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
    most: int,
) -> tuple[list[GpuNeed], str]:
    """Measure on a GPU of each node, all at once; with the reason why some node did not answer."""
    trials = _candidates(config)
    if not trials:
        return [], "no trial was found that can be built"
    # The process ends with its task: what CUDA keeps for it is then free for the trials.
    worker: Any = ray.remote(num_cpus=resources.cpus, num_gpus=1, max_calls=1, max_retries=0)(
        measure_here
    )
    images = ray.put(data)
    own = [code for code in config.own if code.kind in OF_WORKERS]
    answers = [
        worker.options(
            scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
        ).remote(trials, config.replicates, images, resources.cpus, own, most)
        for node in nodes
    ]
    done, late = ray.wait(answers, num_returns=len(answers), timeout=ANSWER_SECONDS)
    failure = f"no GPU was free within {ANSWER_SECONDS:g} s"
    for answer in late:
        ray.cancel(answer, force=True)
    needs = []
    for answer in done:
        try:
            needs.append(ray.get(answer))
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
