"""The training steps of an epoch."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import nn

from pnn_core.dataloader.batches import Batch, DeviceBatches
from pnn_core.device.precision import autocast
from pnn_core.training.cuda_graph import (
    WARM_UP_STEPS,
    GraphCapture,
    GraphedStep,
    Step,
    graph_capture,
)

MIN_STEPS_TO_CAPTURE = 5 * WARM_UP_STEPS
"""Fewest steps for which a CUDA graph is captured: a capture takes the time of a few steps."""


def no_pause() -> bool:
    """Never ask for a pause."""
    return False


@dataclass(frozen=True, kw_only=True, eq=False)
class TrainingStep:
    """Forward and backward pass and the optimiser's step, on the next batch.

    Nothing in it waits for what the device computes.

    Attributes:
        network: The network, in training mode.
        optimizer: The network's optimiser.
        next_batch: Function that returns the next batch.
        loss_function: See `train_steps`.
        device: Device that trains.
    """

    network: nn.Module
    optimizer: torch.optim.Optimizer
    next_batch: Callable[[], Batch]
    loss_function: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
    device: torch.device

    def __call__(self) -> torch.Tensor:
        """Do the step and return its loss."""
        images, labels = self.next_batch()
        with autocast(self.device):
            loss = self.loss_function(self.network(images), labels)
        self.optimizer.zero_grad(set_to_none=True)
        loss.sum().backward()
        self.optimizer.step()
        return loss.detach()


def train_steps(
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    batches: Iterator[Batch],
    loss_function: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
    device: torch.device,
    pause: Callable[[], bool],
    *,
    steps: int,
) -> list[torch.Tensor]:
    """Train to the epoch's end or a pause.

    Args:
        network: The network, which is put into training mode.
        optimizer: The network's optimiser.
        batches: Batches left in the epoch.
        loss_function: Maps logits and labels to a loss, or to one loss per replicate, whose sum is
            then minimised: no weight of one replicate has a part in another's loss.
        device: Device that trains.
        pause: Asked after each step but the last; True ends the training here.
        steps: Number of batches left.

    Returns:
        The loss of each step, on the device.
    """
    network.train()
    step: Step = TrainingStep(
        network=network,
        optimizer=optimizer,
        next_batch=batches.take if isinstance(batches, DeviceBatches) else batches.__next__,
        loss_function=loss_function,
        device=device,
    )
    capture = choose_graph_capture(network, batches, steps)
    if capture is not None:
        step = GraphedStep(step, optimizer, capture)
    losses: list[torch.Tensor] = []
    for done in range(1, steps + 1):
        losses.append(step())
        if done < steps and pause():
            break
    # Gradients lie in the graph's memory, which is freed with the last of them.
    optimizer.zero_grad(set_to_none=True)
    return losses


def choose_graph_capture(
    network: nn.Module, batches: Iterator[Batch], steps: int
) -> GraphCapture | None:
    """Return what captures the steps left of an epoch; None if they should run without capture.

    A graph serves one call of `train_steps`, so that none outlives a learning rate, a loaded state
    or a batched network that it was captured with.
    """
    if not isinstance(batches, DeviceBatches):
        return None  # the host decodes the images of each step
    if not all(getattr(module, "can_be_captured", True) for module in network.modules()):
        return None  # such as dropout in a batched network
    if steps < MIN_STEPS_TO_CAPTURE:
        return None
    capture = graph_capture(batches.device)
    return capture if capture is not None and capture.works else None
