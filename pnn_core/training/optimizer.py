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
class StepSchedule:
    """Learning rate that drops at milestones.

    Attributes:
        milestones: Epochs of `published_epochs` after which the rate drops.
        published_epochs: Number of epochs that the milestones were published for.
        gamma: Factor of the rate at each milestone.
    """

    milestones: tuple[int, ...]
    published_epochs: int
    gamma: float

    def scaled(self, epochs: int) -> list[int]:
        """Return the epochs, counted from 1, of `epochs` after which the rate drops.

        Milestones that meet in one epoch stay several milestones. None comes before the first
        epoch, so that even the shortest run starts at the rate asked for.
        """
        return [max(1, round(epoch * epochs / self.published_epochs)) for epoch in self.milestones]


SCHEDULES: Mapping[Schedule, StepSchedule] = {
    "tenth_at_60_90": StepSchedule(milestones=(60, 90), published_epochs=100, gamma=0.1),
    "fifth_at_60_120_160": StepSchedule(milestones=(60, 120, 160), published_epochs=200, gamma=0.2),
    "fifth_at_150_250_300_350_400": StepSchedule(
        milestones=(150, 250, 300, 350, 400), published_epochs=450, gamma=0.2
    ),
    "original": StepSchedule(milestones=(59,), published_epochs=80, gamma=0.1),
    "klachko": StepSchedule(milestones=(59, 89, 119), published_epochs=150, gamma=0.2),
    "update": StepSchedule(milestones=(149, 249, 299, 349, 399), published_epochs=450, gamma=0.2),
    "faster_rcnn": StepSchedule(milestones=(5,), published_epochs=6, gamma=0.1),
    "constant": StepSchedule(milestones=(), published_epochs=1, gamma=1.0),
}
"""Schedules by name: `tenth_at_60_90` is the paper's (Section 5.3).

`original`, `klachko` and `update` are those of the published codes, in shares of the epochs that
each was run for: they lower the rate before the epochs 60, 90 and 120, or 150 to 400, counted from
1, so that the last one at the higher rate is the one before. Drops that those epochs never reach
are left out: at 90 and 120 of 80, at 160 of 150. `faster_rcnn` is that of the code which the paper
detects with, for PASCAL VOC 2007: a tenth after the fifth of six epochs.
"""


class _CompilerLeftOut(Optimizer):
    """Optimiser without torch's compiler, whose import takes 1.3 CPU-seconds in every process.

    torch wraps these methods so that its compiler leaves them alone, and imports it at the first
    call, also in programs that compile nothing. `step` is wrapped too, and given `no_grad` here.
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
    """Make Adam, or SGD with Nesterov momentum, for all learnable parameters.

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
    """Make the named schedule, scaled to the epochs asked for; step it once an epoch."""
    steps = SCHEDULES[schedule]
    return MultiStepLR(optimizer, steps.scaled(epochs), gamma=steps.gamma)
