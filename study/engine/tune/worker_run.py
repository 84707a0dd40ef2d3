"""A run of the study in a worker process: its seeds and its checkpoint."""

from dataclasses import replace
from typing import Any

import torch

from pnn_core.device.selection import describe_device
from pnn_core.models.costs import count_costs
from pnn_core.training.evaluated_run import EvaluatedRun
from study.checkpoints.checkpoint_store import CheckpointStore
from study.checkpoints.cleanup import checkpoint_file
from study.checkpoints.worker_checkpoint import WorkerCheckpoint
from study.engine.cluster.worker_name import worker_name
from study.engine.tune.worker_task import Circumstances, WorkerTask
from study.search.messages import ProposedRun, RunReport


class WorkerRun:
    """Training runs of all seeds of one run of the study, where its checkpoint was written.

    Args:
        proposed: The run.
        task: Images, and what is done with them.
        store: Store of the checkpoint.
        device: Device to train on.
        beside: Number of runs that the worker saves in turn with this one, itself included.

    Attributes:
        key: Identity within the study.
        epochs: Number of epochs to train.
        seeds: Training run of each seed.
        checkpoint: The one checkpoint of all seeds.

    Raises:
        ValueError: The images have another shape than the config says.
    """

    def __init__(
        self,
        proposed: ProposedRun,
        task: WorkerTask[Any],
        store: CheckpointStore,
        device: torch.device,
        *,
        beside: int,
    ) -> None:
        config = proposed.config
        self.key = proposed.key
        self.epochs = config.epochs
        seeds = range(config.seed, config.seed + proposed.replicates)
        self.seeds: list[EvaluatedRun] = [
            task.new_run(replace(config, seed=seed), device) for seed in seeds
        ]
        self.checkpoint = WorkerCheckpoint(
            store, checkpoint_file(proposed.key), task.identity(proposed), beside=beside
        )
        self.checkpoint.restore(self.seeds)
        self._task = task
        self._costs = count_costs(config.model)
        self._device = describe_device(device)

    @property
    def epoch(self) -> int:
        """Number of epochs that all seeds have done."""
        return min(run.epoch for run in self.seeds)

    @property
    def is_done(self) -> bool:
        """True if nothing is left to train."""
        return self.epoch == self.epochs

    def save(self) -> None:
        """Write the checkpoint; see `WorkerCheckpoint.save`."""
        self.checkpoint.save(self.seeds)

    def report(self) -> RunReport | None:
        """Report what an epoch gave; None if nothing is to be told yet."""
        told = Circumstances(self._costs, self._device, worker_name(), self.checkpoint.unsaved)
        return self._task.report(self.seeds, told)
