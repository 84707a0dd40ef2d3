"""Workers that import torch while the driver makes the study ready."""

from study.engine.cluster.private_ray import gpus_of_this_machine
from study.results.resources import Resources

WARM_MODULES = (
    "pnn_core.training.validated_run",
    "study.engine.tune.run_group",
    "study.engine.tune.trainable",
)
"""Modules that a warm worker has imported."""


def fills_every_core(wanted: Resources) -> bool:
    """Return True if this machine is to train a trial on each core.

    With a cluster of our own Ray starts a process for each core. Where fewer are to train, most of
    them would import torch in vain.
    """
    on_cpu = wanted.gpus_per_trial == 0 or not gpus_of_this_machine()
    return on_cpu and wanted.cpus_per_trial == 1 and wanted.max_concurrent is None
