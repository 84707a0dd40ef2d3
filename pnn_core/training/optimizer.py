"""Optimiser and learning-rate schedule."""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import nn
from torch.optim import SGD, Adam, Optimizer
from torch.optim.lr_scheduler import LRScheduler, MultiStepLR

from pnn_core.config import OptimConfig, Schedule


@dataclass(frozen=True, kw_only=True)
class Steps:
    """A learning rate that drops in steps.

    Attributes:
        after: Epochs after which it drops, of `of`.
        of: Epochs that the steps were published for.
        decay: What it is multiplied by at each.
    """

    after: tuple[int, ...]
    of: int
    decay: float

    def scaled(self, epochs: int) -> list[int]:
        """The epochs, counted from 1, of `epochs` after which the rate drops.

        Steps that meet in one epoch stay several steps. None comes before the first epoch, so that
        even the shortest run starts at the rate asked for.
        """
        return [max(1, round(epoch * epochs / self.of)) for epoch in self.after]


STEPS: Mapping[Schedule, Steps] = {
    "tenth_at_60_90": Steps(after=(60, 90), of=100, decay=0.1),
    "fifth_at_60_120_160": Steps(after=(60, 120, 160), of=200, decay=0.2),
    "fifth_at_150_250_300_350_400": Steps(after=(150, 250, 300, 350, 400), of=450, decay=0.2),
    "constant": Steps(after=(), of=1, decay=1.0),
}
"""What each word means; `tenth_at_60_90` is the paper's (Section 5.3), the others its critics'."""


class _CompilerLeftOut(Optimizer):
    """Does not import torch's compiler: 1.3 CPU-seconds in every process that trains.

    torch wraps these methods so that its compiler leaves them alone, and imports it at the first
    call, also where nothing is ever compiled. Steps are wrapped likewise, in what else amounts to
    `no_grad`.
    """

    add_param_group = inspect.unwrap(Optimizer.add_param_group)
    load_state_dict = inspect.unwrap(Optimizer.load_state_dict)
    state_dict = inspect.unwrap(Optimizer.state_dict)
    zero_grad = inspect.unwrap(Optimizer.zero_grad)


class _Adam(_CompilerLeftOut, Adam):
    step = torch.no_grad()(inspect.unwrap(Adam.step))


class _SGD(_CompilerLeftOut, SGD):
    step = torch.no_grad()(inspect.unwrap(SGD.step))


def make_optimizer(model: nn.Module, config: OptimConfig) -> Optimizer:
    """Adam, or SGD with Nesterov momentum, over all learnable parameters.

    Fused: one call a step instead of several a parameter, which counts at small batch sizes.
    """
    if config.optimizer == "adam":
        return _Adam(
            model.parameters(),
            lr=config.learning_rate,
            weight_decay=config.weight_decay,
            fused=True,
        )
    return _SGD(
        model.parameters(),
        lr=config.learning_rate,
        momentum=config.momentum,
        nesterov=config.momentum > 0,
        weight_decay=config.weight_decay,
        fused=True,
    )


def make_schedule(optimizer: Optimizer, schedule: Schedule, epochs: int) -> LRScheduler:
    """The named steps, scaled to the epochs asked for; to be stepped once an epoch."""
    steps = STEPS[schedule]
    return MultiStepLR(optimizer, steps.scaled(epochs), gamma=steps.decay)
