"""Sequences of modules that use the fused operators for pools and normalisations."""

from abc import ABC, abstractmethod

import torch
from torch import nn

from pnn_core.fused.operators import max_pool, normalise_add_relu


class NormalisedLayer(ABC, nn.Module):
    """A layer whose operator can include the normalisation that follows it."""

    @abstractmethod
    def normalised(
        self, x: torch.Tensor, norm: nn.BatchNorm2d, shortcut: torch.Tensor | None, *, relu: bool
    ) -> torch.Tensor | None:
        """Apply layer and batch normalisation, then add a shortcut and apply a ReLU, if asked for.

        Args:
            x: Input of the layer.
            norm: Normalisation of the layer's outputs.
            shortcut: Tensor of the outputs' shape, or None.
            relu: True if a ReLU follows.

        Returns:
            The result; None if the modules must be applied one by one.
        """


class FusedSequential(nn.Sequential):
    """`nn.Sequential`, in fewer passes over memory if the fused operators are built."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Apply all modules in order."""
        return _apply(list(self), x, None)

    def add_relu(self, x: torch.Tensor, shortcut: torch.Tensor) -> torch.Tensor:
        """Compute `relu(self(x) + shortcut)`, the end of a residual block.

        Args:
            x: Input of the modules.
            shortcut: Tensor of the outputs' shape.
        """
        return _apply(list(self), x, shortcut)


def _apply(
    modules: list[nn.Module], x: torch.Tensor, shortcut: torch.Tensor | None
) -> torch.Tensor:
    done = 0
    while done < len(modules):
        run = _run(modules[done:])
        is_end = done + len(run) == len(modules) and isinstance(modules[-1], nn.BatchNorm2d)
        added = shortcut if is_end else None
        fused = _fused(run, x, added)
        if fused is not None and added is not None:
            return fused
        x = modules[done](x) if fused is None else fused
        done += 1 if fused is None else len(run)
    return x if shortcut is None else torch.relu_(x + shortcut)


def _run(modules: list[nn.Module]) -> list[nn.Module]:
    """Return the modules, from the first on, that one operator may replace.

    The list is empty if a module has a hook, so that the hook is called.
    """
    match modules:
        case [nn.MaxPool2d(), *_]:
            length = 1
        case [nn.BatchNorm2d(), *rest]:
            length = 1 + isinstance(rest[0] if rest else None, nn.ReLU)
        case [NormalisedLayer(), nn.BatchNorm2d(), *rest]:
            length = 2 + isinstance(rest[0] if rest else None, nn.ReLU)
        case _:
            return []
    run = modules[:length]
    return [] if any(_is_hooked(module) for module in run) else run


def _is_hooked(module: nn.Module) -> bool:
    hooks = (
        module._forward_hooks,
        module._forward_pre_hooks,
        module._backward_hooks,
        module._backward_pre_hooks,
    )
    return any(len(own) > 0 for own in hooks)


def _fused(
    run: list[nn.Module], x: torch.Tensor, shortcut: torch.Tensor | None
) -> torch.Tensor | None:
    """Apply a run as one operator if possible; a shortcut is followed by a ReLU."""
    match run:
        case [nn.MaxPool2d() as pool]:
            return max_pool(x, pool)
        # By length, as torch 2.11's compiler cannot trace the truth value of a sequence.
        case [nn.BatchNorm2d() as norm, *relu]:
            has_relu = len(relu) > 0 or shortcut is not None
            return normalise_add_relu(x, norm, shortcut, relu=has_relu)
        case [NormalisedLayer() as layer, nn.BatchNorm2d() as norm, *relu]:
            has_relu = len(relu) > 0 or shortcut is not None
            return layer.normalised(x, norm, shortcut, relu=has_relu)
    return None
