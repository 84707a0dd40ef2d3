"""Training runs that differ in their seeds alone, trained at once."""

import time
from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch.nn import functional

from pnn_core.dataloader.batches import Batch, DeviceImages
from pnn_core.replicates.batched_modules import DropoutGenerators, batched_network
from pnn_core.replicates.batched_state import (
    batched_to_networks,
    batched_to_optimizers,
    networks_to_batched,
    optimizers_to_batched,
)
from pnn_core.training.compiled_network import Forward
from pnn_core.training.epoch_state import EpochState, fork_rng
from pnn_core.training.evaluated_run import EvaluatedRun
from pnn_core.training.evaluation import ClassEvaluation, evaluate
from pnn_core.training.optimizer import make_optimizer
from pnn_core.training.train_steps import TrainingSteps, no_pause
from pnn_core.training.trainer import NonFiniteLossError


class BatchedRun:
    """Several runs trained as one network, each with the numbers that it has alone, up to rounding.

    Each run keeps its own state: between two calls of `next_epoch` it may be saved, restored, or
    trained alone.

    Args:
        runs: Runs of one configuration but for the seeds, with the same images in memory, after
            equally many steps.

    Attributes:
        runs: The runs, in the order given.
        step_loop: Their training steps, from epoch to epoch.

    Raises:
        ValueError: The runs have done different numbers of steps.
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
        self.step_loop = TrainingSteps(
            self._network,
            self._optimizer,
            partial(batch_losses, replicates=len(runs)),
            first.device,
            float32=first.float32,
        )

    @property
    def epoch(self) -> int:
        """Number of epochs that all runs have done."""
        return min(run.epoch for run in self.runs)

    def next_epoch(self, pause: Callable[[], bool] = no_pause) -> bool:
        """Train and evaluate one epoch of all runs; see `EvaluatedRun.next_epoch`.

        Raises:
            NonFiniteLossError: Names the epoch, the value and the seed of one run. That run's epoch
                is not done; the other runs' epochs are.
        """
        trained = self._train_epoch(pause)
        if trained is None:
            return False
        started = time.perf_counter()
        evaluations = self._evaluate()
        seconds = (time.perf_counter() - started) / len(self.runs)
        failures = []
        for run, epoch, own in zip(self.runs, trained, evaluations, strict=True):
            try:
                run.record(run.end_epoch(epoch.losses, epoch.seconds), own, seconds)
            except NonFiniteLossError as error:
                failures.append(error)
        try:
            if failures:
                raise failures[0]
        finally:
            # The error refers to this frame: a reference back would keep all networks alive until
            # garbage is collected.
            failures.clear()
        return True

    def _train_epoch(self, pause: Callable[[], bool]) -> list[EpochState] | None:
        """Train to the epoch's end and return each run's epoch; return None after a pause."""
        started = time.perf_counter()
        first = self.runs[0]
        epoch_states = [run.begin_epoch() for run in self.runs]
        orders = [run.order_generator.get_state() for run in self.runs]
        self._load_runs()
        with fork_rng(first.device):
            self._dropout.restore(epoch_states)
            steps = self._train_steps(len(epoch_states[0].losses), pause)
        self._update_runs()
        seconds = (time.perf_counter() - started) / len(self.runs)
        trained = [
            epoch_state.advanced(losses.unbind(), generators, seconds)
            for epoch_state, losses, generators in zip(
                epoch_states, torch.stack(steps).unbind(1), self._dropout.states, strict=True
            )
        ]
        if len(trained[0].losses) == first.steps:
            return trained
        for run, order, epoch_state in zip(self.runs, orders, trained, strict=True):
            run.order_generator.set_state(order)
            run.pause_epoch(epoch_state)
        return None

    def _train_steps(self, done: int, pause: Callable[[], bool]) -> list[torch.Tensor]:
        """Train from a step, counted from 0, to the epoch's end or a pause.

        Returns:
            The losses of each step, `[replicates]`, on the device.
        """
        first = self.runs[0]
        batches = _images_in_memory(first).shuffled_replicates(
            first.config.optim.batch_size,
            [run.order_generator for run in self.runs],
            first_batch=done,
        )
        loop = self.step_loop
        loop.failure = next((r.step_loop.failure for r in self.runs if r.step_loop.failure), "")
        losses = loop.train(batches, pause, steps=first.steps - done, later=first.later_steps)
        for run in self.runs:
            run.train_plainly(loop.failure)
            run.step_loop.was_compiled |= loop.was_compiled
            run.step_loop.not_compiled = run.step_loop.not_compiled or loop.not_compiled
        return losses

    def _evaluate(self) -> list[tuple[ClassEvaluation, ...]]:
        """Return the evaluations of each run after the epoch that is about to end."""
        first = self.runs[0]
        evaluations = [
            evaluate(
                self._network,
                source,
                first.config.model.dataset,
                first.device,
                replicates=len(self.runs),
                float32=first.float32,
            )
            for source in first.evaluated_after(first.epoch + 1)
        ]
        return list(zip(*evaluations, strict=True))

    def _load_runs(self) -> None:
        """Copy the runs' states into the batched network and its optimiser."""
        networks_to_batched(self._network, [run.model for run in self.runs])
        optimizers_to_batched(self._optimizer, [run.optimizer for run in self.runs])

    def _update_runs(self) -> None:
        """Copy the batched network's and its optimiser's state back into the runs."""
        batched_to_networks(self._network, [run.model for run in self.runs])
        batched_to_optimizers(self._optimizer, [run.optimizer for run in self.runs])
        for run in self.runs:
            # A schedule expects a step of its optimiser first; without gradients, it is empty.
            run.optimizer.zero_grad(set_to_none=True)
            run.optimizer.step()


def batch_losses(forward: Forward, batch: Batch, *, replicates: int) -> torch.Tensor:
    """Return the mean cross-entropy of each replicate on a batch, `[replicates]`.

    Args:
        forward: The network of all replicates.
        batch: Images `[n, replicates * channels, height, width]` and labels `[n * replicates]`.
        replicates: Number of replicates.
    """
    images, labels = batch
    return mean_losses(forward(images), labels, replicates=replicates)


def mean_losses(logits: torch.Tensor, labels: torch.Tensor, *, replicates: int) -> torch.Tensor:
    """Return the mean cross-entropy of each replicate, `[replicates]`.

    Args:
        logits: `[n, replicates * classes]`.
        labels: `[n * replicates]`: one of each replicate, then the next of each.
        replicates: Number of replicates.
    """
    each = logits.unflatten(1, (replicates, -1)).flatten(0, 1)
    losses = functional.cross_entropy(each, labels, reduction="none")
    means: torch.Tensor = losses.unflatten(0, (-1, replicates)).mean(dim=0)
    return means


def have_equal_progress(runs: Sequence[EvaluatedRun]) -> bool:
    """Return True if all runs have done equally many epochs, and steps of a paused one."""
    return len({(run.epoch, run.paused_steps) for run in runs}) == 1


def _images_in_memory(run: EvaluatedRun) -> DeviceImages:
    if not isinstance(run.training_images, DeviceImages):
        raise TypeError("runs that are trained at once must learn from images in memory")
    return run.training_images
