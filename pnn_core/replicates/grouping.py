"""Choice of the runs of one configuration that are trained at once, or one after another."""

import math
from collections.abc import Sequence
from itertools import pairwise

from pnn_core.config import TrialConfig
from pnn_core.dataloader.batches import DeviceImages
from pnn_core.device.selection import free_bytes
from pnn_core.models.costs import count_activations
from pnn_core.parts.layers import SPATIAL_LAYERS
from pnn_core.parts.networks import NETWORKS
from pnn_core.replicates.batched_run import BatchedRun, have_equal_progress
from pnn_core.training.evaluated_run import EvaluatedRun

MAX_CPU_ACTIVATION_BYTES = 16 * 2**20
"""Bytes of activations in a training step of one run, above which batching saves no time on a CPU:
arithmetic then outweighs the overhead of calls (`benchmarks/replicates.py`)."""

CPU_MEMORY_FRACTION = 0.25
"""Fraction of a machine's free memory for the activations of all runs of a group: other trials may
be about to allocate theirs."""

GPU_MEMORY_FRACTION = 0.75
"""Fraction of a GPU's free memory, which belongs to this process alone."""

_BYTES = 4
ACTIVATION_COPIES = 2
"""Copies of the activations that a step holds: themselves, and at worst as many gradients."""

Training = EvaluatedRun | BatchedRun


def group_runs(runs: Sequence[EvaluatedRun]) -> list[Training]:
    """Group runs that can be trained at once, in the order given.

    Args:
        runs: Runs of one configuration but for the seeds; after any steps, as after a restart.

    Returns:
        Groups of equal sizes, as few as memory allows. Runs that gain nothing from a group, or that
        have done other numbers of steps than their neighbours, stay single.
    """
    if len(runs) == 1:
        return list(runs)
    count = math.ceil(len(runs) / max_group_size(runs[0]))
    bounds = [len(runs) * index // count for index in range(count + 1)]
    trainings: list[Training] = []
    for start, stop in pairwise(bounds):
        neighbours = runs[start:stop]
        if len(neighbours) > 1 and have_equal_progress(neighbours):
            trainings.append(BatchedRun(neighbours))
        else:
            trainings.extend(neighbours)
    return trainings


def max_group_size(run: EvaluatedRun) -> int:
    """Return the number of runs like this one that are worth training at once, at least 1."""
    if not isinstance(run.training_images, DeviceImages):
        return 1  # decoding images costs each replicate its own time
    if run.config.model.layer in SPATIAL_LAYERS.added:
        return 1  # nobody knows a batched form of a module of one's own
    if NETWORKS[run.config.model.network].has_own_widths:
        return 1  # nor of other people's networks
    activations = activation_bytes(run.config, len(run.training_images))
    if run.device.type == "cpu" and activations > MAX_CPU_ACTIVATION_BYTES:
        return 1
    fraction = GPU_MEMORY_FRACTION if run.device.type == "cuda" else CPU_MEMORY_FRACTION
    room = fraction * free_bytes(run.device)
    return max(1, int(room // (ACTIVATION_COPIES * activations)))


def activation_bytes(config: TrialConfig, images: int) -> int:
    """Return an upper bound of the bytes that a training step keeps for its backward pass.

    Args:
        config: The training run.
        images: Number of training images; fewer than a batch make a smaller one.
    """
    batch_size = min(config.optim.batch_size, images)
    return count_activations(config.model) * batch_size * _BYTES
