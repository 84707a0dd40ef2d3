"""Modules one after another, pools and normalisations as the fused operators."""

from itertools import zip_longest

import torch
from torch import nn

from pnn_core.fused.operators import max_pool, normalise_add_relu


class FusedSequential(nn.Sequential):
    """`nn.Sequential`, in fewer passes over memory where the fused operators are built."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Apply all modules in order."""
        return _apply(list(self), x)

    def add_relu(self, x: torch.Tensor, shortcut: torch.Tensor) -> torch.Tensor:
        """`relu(self(x) + shortcut)`, the end of a residual block.

        Args:
            x: What the modules take.
            shortcut: Of the shape that they give.
        """
        *before, last = self
        y = _apply(before, x)
        if isinstance(last, nn.BatchNorm2d):
            fused = normalise_add_relu(y, last, shortcut, relu=True)
            if fused is not None:
                return fused
        return torch.relu_(last(y) + shortcut)


def _apply(modules: list[nn.Module], x: torch.Tensor) -> torch.Tensor:
    is_done = False
    for module, after in zip_longest(modules, modules[1:]):
        if is_done:  # a ReLU, with the normalisation before it
            is_done = False
            continue
        fused = None
        if isinstance(module, nn.BatchNorm2d):
            has_relu = isinstance(after, nn.ReLU)
            fused = normalise_add_relu(x, module, None, relu=has_relu)
            is_done = has_relu and fused is not None
        elif isinstance(module, nn.MaxPool2d):
            fused = max_pool(x, module)
        x = module(x) if fused is None else fused
    return x
