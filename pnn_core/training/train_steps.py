"""The training steps of an epoch."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass

import torch
from torch import nn

from pnn_core.dataloader.batches import Batch, DeviceBatches
from pnn_core.training.cuda_graph import (
    WARM_UP_STEPS,
    GraphCapture,
    GraphedStep,
    Step,
    graph_capture,
)

MIN_STEPS_TO_CAPTURE = 5 * WARM_UP_STEPS
"""For which a recording is made: it takes the time of a few."""


def no_pause() -> bool:
    """Do not pause."""
    return False


@dataclass(frozen=True, kw_only=True, eq=False)
class TrainingStep:
    """Both passes and the optimiser's step, on the batch that is next.

    Nothing in it waits for what the device computes.

    Attributes:
        network: In training mode.
        optimizer: Of the network.
        next_batch: Gives it.
        loss_function: See `train_steps`.
        autocast: See `train_steps`.
    """

    network: nn.Module
    optimizer: torch.optim.Optimizer
    next_batch: Callable[[], Batch]
    loss_function: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
    autocast: Callable[[], AbstractContextManager[None]]

    def __call__(self) -> torch.Tensor:
        """Do it; gives the loss."""
        images, labels = self.next_batch()
        with self.autocast():
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
    autocast: Callable[[], AbstractContextManager[None]],
    pause: Callable[[], bool],
    *,
    steps: int,
) -> list[torch.Tensor]:
    """Train to the epoch's end or a pause.

    Args:
        network: Is put into training mode.
        optimizer: Of the network.
        batches: What is left of the epoch.
        loss_function: Maps logits and labels to a loss, or to one loss per replicate, whose sum is
            then minimised: no weight of one replicate has a part in another's loss.
        autocast: Gives the context in which the network computes.
        pause: Asked after each step but the last.
        steps: Batches that are left.

    Returns:
        The loss of each step, on the device.
    """
    network.train()
    step: Step = TrainingStep(
        network=network,
        optimizer=optimizer,
        next_batch=batches.take if isinstance(batches, DeviceBatches) else batches.__next__,
        loss_function=loss_function,
        autocast=autocast,
    )
    records = choose_graph_capture(network, batches, steps)
    if records is not None:
        step = GraphedStep(step, optimizer, records)
    losses: list[torch.Tensor] = []
    for done in range(1, steps + 1):
        losses.append(step())
        if done < steps and pause():
            break
    # They lie in the recording's memory, which goes when the last of them does.
    optimizer.zero_grad(set_to_none=True)
    return losses


def choose_graph_capture(
    network: nn.Module, batches: Iterator[Batch], steps: int
) -> GraphCapture | None:
    """What records the steps left of an epoch; None where they stay as they are.

    A recording serves one call of `train_steps`, so that no learning rate, no state that was loaded
    and no network that was packed anew can find an old one.
    """
    if not isinstance(batches, DeviceBatches):
        return None  # the host decodes the images of each step
    if not all(getattr(module, "can_be_captured", True) for module in network.modules()):
        return None  # such as dropout in a batched network
    if steps < MIN_STEPS_TO_CAPTURE:
        return None
    records = graph_capture(batches.device)
    return records if records is not None and records.works else None
