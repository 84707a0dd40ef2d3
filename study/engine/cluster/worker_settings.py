"""Settings that the driver tells every worker once."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pnn_core.config import Arithmetic
from pnn_core.parts.own_code import OwnCode
from pnn_core.parts.own_parts import add_part
from study.checkpoints.checkpoint_store import CheckpointStore

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class WorkerSettings:
    """Settings of all workers of a study.

    Attributes:
        cpus: Number of threads.
        store: Store of the checkpoints.
        keep_checkpoints: True if a complete trial leaves its last state there.
        keep_weights: True if a complete run leaves its weights there.
        stop_key: Key of the flag at which workers save their trials and stop.
        may_be_drained: True if the worker's node may be told to leave.
        arithmetic: Arithmetic that trains networks on the CPU; None for what the machine has.
        measured: Names of the objectives that are measured after a trial's last epoch.
        own: Code of one's own that networks are built with or measured by; its text comes along.
    """

    cpus: int
    store: CheckpointStore
    keep_checkpoints: bool
    keep_weights: bool
    stop_key: str
    may_be_drained: bool = False
    arithmetic: Arithmetic | None = None
    own: tuple[OwnCode, ...] = ()
    measured: tuple[str, ...] = ()

    def prepare(self, gpus: float) -> "torch.device":
        """Bound this process's threads and its share of a GPU; choose its device and arithmetic.

        Args:
            gpus: Number of GPUs; 0 for the CPU, also where the machine has GPUs; a fraction where
                others train on the same GPU.

        Raises:
            OperatorsError: It cannot have the arithmetic of the study.
            ValueError: It cannot have code of one's own, such as that of a package it lacks.
        """
        import torch

        from pnn_core.device.gpu_memory_limit import limit_gpu_memory
        from pnn_core.device.malloc import keep_freed_memory
        from pnn_core.device.selection import default_device
        from pnn_core.fused.operators import use_operators

        for code in self.own:
            add_part(code)
        torch.set_num_threads(self.cpus)
        keep_freed_memory()
        device = default_device() if gpus else torch.device("cpu")
        limit_gpu_memory(device, gpus)
        if device.type == "cpu":
            use_operators(self.arithmetic)
        return device
