"""Optimiser and learning-rate schedule."""

import torch
from torch import nn
from torch.optim.lr_scheduler import LRScheduler, MultiStepLR

from pnn_core.config import OptimConfig

MILESTONES = (0.6, 0.9)
"""Shares of the epochs after which the learning rate drops: the paper's 60 and 90 of 100."""

DECAY = 0.1
"""What it is multiplied by (paper, Section 5.3)."""


def make_optimizer(model: nn.Module, config: OptimConfig) -> torch.optim.Optimizer:
    """Adam, or SGD with Nesterov momentum, over all learnable parameters.

    Fused: one call a step instead of several a parameter, which counts at small batch sizes.
    """
    if config.optimizer == "adam":
        return torch.optim.Adam(
            model.parameters(),
            lr=config.learning_rate,
            weight_decay=config.weight_decay,
            fused=True,
        )
    return torch.optim.SGD(
        model.parameters(),
        lr=config.learning_rate,
        momentum=config.momentum,
        nesterov=config.momentum > 0,
        weight_decay=config.weight_decay,
        fused=True,
    )


def make_schedule(optimizer: torch.optim.Optimizer, epochs: int) -> LRScheduler:
    """The paper's steps, scaled to the epochs asked for; to be stepped once an epoch."""
    milestones = [round(share * epochs) for share in MILESTONES]
    return MultiStepLR(optimizer, milestones, gamma=DECAY)
