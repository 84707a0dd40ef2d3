"""The training steps of an epoch."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager

import torch
from torch import nn

from pnn_core.batches import Batch


def never() -> bool:
    """Do not pause."""
    return False


def train_steps(
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    batches: Iterable[Batch],
    loss_of: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
    precision: Callable[[], AbstractContextManager[None]],
    pause: Callable[[], bool],
    *,
    steps: int,
) -> list[torch.Tensor]:
    """Train to the epoch's end or a pause.

    Args:
        network: Is put into training mode.
        optimizer: Of the network.
        batches: What is left of the epoch.
        loss_of: From logits and labels to a loss, or to one of each of several replicates, whose
            sum is then made smaller: no weight of one replicate has a part in another's loss.
        precision: Gives the context in which the network computes.
        pause: Asked after each step but the last.
        steps: Batches that are left.

    Returns:
        The loss of each step, on the device.
    """
    network.train()
    losses: list[torch.Tensor] = []
    for images, labels in batches:
        with precision():
            loss = loss_of(network(images), labels)
        optimizer.zero_grad(set_to_none=True)
        loss.sum().backward()
        optimizer.step()
        losses.append(loss.detach())
        if len(losses) < steps and pause():
            break
    return losses
