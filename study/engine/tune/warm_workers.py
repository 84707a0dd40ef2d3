"""Workers that import torch while the driver makes the study ready, and Tune that takes them."""

import contextlib
from collections.abc import Iterator
from unittest.mock import patch

from ray._private.accelerators import nvidia_gpu
from ray.air.execution import FixedResourceManager
from ray.tune.execution import class_cache, tune_controller

from study.results.settings import Resources

WARM_MODULES = (
    "pnn_core.training.validated_run",
    "pnn_core.models.costs",
    "study.engine.tune.trainable",
)
"""What a warm worker has imported."""


def fills_every_core(wanted: Resources) -> bool:
    """Whether this machine is to train a trial on each core.

    With a cluster of our own Ray starts a process for each core. Where fewer are to train, most of
    them would import torch in vain.
    """
    gpus = nvidia_gpu.NvidiaGPUAcceleratorManager.get_current_node_num_accelerators()
    on_cpu = wanted.gpus_per_trial == 0 or not gpus
    return on_cpu and wanted.cpus_per_trial == 1 and wanted.max_concurrent is None


@contextlib.contextmanager
def warm_workers_used() -> Iterator[None]:
    """Have Tune take the processes that Ray started, for as long as the context lasts.

    By itself it leaves them alone, in two ways that nothing needs on a single node:

    - Ray hands them to whoever asks for no environment of its own. Tune asks for one, by a variable
      that means something to PyTorch Lightning alone.
    - Tune reserves a placement group for each trial and asks Ray to run a task when it is there.
      That task would take them, and groups come and go with every trial even where one worker
      trains them all. A count of the node's cores does as well.
    """
    with (
        patch.dict(class_cache.DEFAULT_ENV_VARS, clear=True),
        patch.object(tune_controller, "PlacementGroupResourceManager", FixedResourceManager),
    ):
        yield
