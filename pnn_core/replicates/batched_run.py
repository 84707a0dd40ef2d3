"""Training runs that differ in their seeds alone, trained at once."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch.nn import functional

from pnn_core.dataloader.batches import DeviceImages
from pnn_core.replicates.batched_modules import DropoutGenerators, batched_network
from pnn_core.replicates.batched_state import (
    batched_to_networks,
    batched_to_optimizers,
    networks_to_batched,
    optimizers_to_batched,
)
from pnn_core.training.epoch_state import EpochState, fork_rng
from pnn_core.training.evaluated_run import EvaluatedRun
from pnn_core.training.evaluation import Evaluation, evaluate
from pnn_core.training.optimizer import make_optimizer
from pnn_core.training.train_steps import no_pause, train_steps
from pnn_core.training.trainer import NonFiniteLossError


class BatchedRun:
    """Several runs as one: each has the numbers that it has alone, but for rounding.

    Each keeps its own state: between two calls of `next_epoch` it may be saved or restored, and may
    go on alone.

    Args:
        runs: Of one configuration but for the seeds, with the same images in memory, and after as
            many steps.

    Attributes:
        runs: As given.

    Raises:
        ValueError: The runs are not after as many steps.
    """

    def __init__(self, runs: Sequence[EvaluatedRun]) -> None:
        if not have_equal_progress(runs):
            raise ValueError("runs that are trained at once must be after as many steps")
        first = runs[0]
        self.runs = tuple(runs)
        self._dropout = DropoutGenerators(first.device)
        self._network = batched_network([run.model for run in runs], self._dropout)
        self._network.to(memory_format=torch.channels_last)
        self._optimizer = make_optimizer(self._network, first.config.optim)

    @property
    def epoch(self) -> int:
        """Number of epochs that all have done."""
        return min(run.epoch for run in self.runs)

    def next_epoch(self, pause: Callable[[], bool] = no_pause) -> bool:
        """See `EvaluatedRun.next_epoch`.

        Raises:
            NonFiniteLossError: Names the epoch, the value and the seed. That run's epoch is not
                done; those of the others are.
        """
        trained = self._train_epoch(pause)
        if trained is None:
            return False
        started = time.perf_counter()
        evaluations = self._evaluate()
        seconds = (time.perf_counter() - started) / len(self.runs)
        failures = []
        for run, epoch, evaluation in zip(self.runs, trained, evaluations, strict=True):
            try:
                run.record(run.end_epoch(epoch.losses, epoch.seconds), evaluation, seconds)
            except NonFiniteLossError as error:
                failures.append(error)
        try:
            if failures:
                raise failures[0]
        finally:
            # The error knows this frame: were it to know the error, all networks would live on
            # until garbage is collected.
            failures.clear()
        return True

    def _train_epoch(self, pause: Callable[[], bool]) -> list[EpochState] | None:
        """Train to the epoch's end, or to a pause, which gives None."""
        started = time.perf_counter()
        first = self.runs[0]
        begun = [run.begin_epoch() for run in self.runs]
        orders = [run.order_generator.get_state() for run in self.runs]
        self._gather()
        with fork_rng(first.device):
            self._dropout.begin(begun)
            steps = self._train_steps(len(begun[0].losses), pause)
        self._scatter()
        seconds = (time.perf_counter() - started) / len(self.runs)
        trained = [
            replace(
                before,
                generators=generators,
                losses=(*before.losses, *losses.unbind()),
                seconds=before.seconds + seconds,
            )
            for before, generators, losses in zip(
                begun, self._dropout.states, torch.stack(steps).unbind(1), strict=True
            )
        ]
        if len(trained[0].losses) == first.steps:
            return trained
        for run, order, epoch in zip(self.runs, orders, trained, strict=True):
            run.order_generator.set_state(order)
            run.pause_epoch(epoch)
        return None

    def _train_steps(self, done: int, pause: Callable[[], bool]) -> list[torch.Tensor]:
        """Train from a step, counted from 0.

        Returns:
            The losses of each step, `[replicates]`, on the device.
        """
        first = self.runs[0]
        batches = _images_in_memory(first).shuffled_replicates(
            first.config.optim.batch_size,
            [run.order_generator for run in self.runs],
            first_batch=done,
        )
        return train_steps(
            self._network,
            self._optimizer,
            batches,
            self._losses,
            first.autocast,
            pause,
            steps=first.steps - done,
        )

    def _losses(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """The mean cross-entropy of each replicate."""
        each = logits.unflatten(1, (len(self.runs), -1)).flatten(0, 1)
        losses = functional.cross_entropy(each, labels, reduction="none")
        means: torch.Tensor = losses.unflatten(0, (-1, len(self.runs))).mean(dim=0)
        return means

    def _evaluate(self) -> list[Evaluation]:
        first = self.runs[0]
        return evaluate(
            self._network,
            first.evaluation_images,
            first.config.model.dataset,
            first.autocast,
            replicates=len(self.runs),
        )

    def _gather(self) -> None:
        """Take up where the runs are."""
        networks_to_batched(self._network, [run.model for run in self.runs])
        optimizers_to_batched(self._optimizer, [run.optimizer for run in self.runs])

    def _scatter(self) -> None:
        """Take the runs to where the pack is."""
        batched_to_networks(self._network, [run.model for run in self.runs])
        batched_to_optimizers(self._optimizer, [run.optimizer for run in self.runs])
        for run in self.runs:
            # A schedule wants to see a step of its optimiser first: without gradients, it is none.
            run.optimizer.zero_grad(set_to_none=True)
            run.optimizer.step()


def have_equal_progress(runs: Sequence[EvaluatedRun]) -> bool:
    """Whether runs have done as many epochs, and as many steps of one that is paused."""
    return len({(run.epoch, run.paused_steps) for run in runs}) == 1


def _images_in_memory(run: EvaluatedRun) -> DeviceImages:
    if not isinstance(run.training_images, DeviceImages):
        raise TypeError("runs that are trained at once must learn from images in memory")
    return run.training_images
