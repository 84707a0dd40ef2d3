"""Copies between the state of a batched network and those of its replicates, optimisers included.

A batched tensor is the concatenation of the replicates' tensors, along the one axis on which it is
longer than theirs; a tensor without such an axis, such as a count of steps, is common to all.
"""

from collections.abc import Iterator, Sequence

import torch
from torch import nn
from torch.optim import Optimizer


@torch.no_grad()
def networks_to_batched(batched: nn.Module, networks: Sequence[nn.Module]) -> None:
    """Copy the networks' parameters and buffers into the batched network."""
    states = [network.state_dict() for network in networks]
    for name, whole in batched.state_dict().items():
        _join([state[name] for state in states], whole)


@torch.no_grad()
def batched_to_networks(batched: nn.Module, networks: Sequence[nn.Module]) -> None:
    """Copy the batched network's parameters and buffers into the networks."""
    states = [network.state_dict() for network in networks]
    for name, whole in batched.state_dict().items():
        parts = [state[name] for state in states]
        for part, own in zip(parts, _split(whole, parts[0], len(parts)), strict=True):
            part.copy_(own)


@torch.no_grad()
def optimizers_to_batched(batched: Optimizer, optimizers: Sequence[Optimizer]) -> None:
    """Copy the optimisers' state and learning rates into the batched network's optimiser.

    Args:
        batched: Optimiser of the batched network; its parameters are in the same order.
        optimizers: Optimisers of the replicates, all after equally many steps.
    """
    for group, own in zip(batched.param_groups, optimizers[0].param_groups, strict=True):
        group["lr"] = own["lr"]
    for whole, parts in _parameters(batched, optimizers):
        states = [o.state.get(part, {}) for o, part in zip(optimizers, parts, strict=True)]
        # In the same memory from epoch to epoch, as a recorded step needs it.
        kept = batched.state[whole]
        batched.state[whole] = {
            name: kept[name] if name in kept else _new(whole, value)
            for name, value in states[0].items()
        }
        for name, value in batched.state[whole].items():
            _join([state[name] for state in states], value)


@torch.no_grad()
def batched_to_optimizers(batched: Optimizer, optimizers: Sequence[Optimizer]) -> None:
    """Copy the state of the batched network's optimiser into the optimisers."""
    for whole, parts in _parameters(batched, optimizers):
        for name, value in batched.state[whole].items():
            each = _split(value, parts[0] if value.ndim else value, len(parts))
            for optimizer, part, own in zip(optimizers, parts, each, strict=True):
                optimizer.state[part][name] = _new(part, own).copy_(own)


def _new(parameter: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    """Allocate an optimiser's value of a parameter: of its shape and strides, or a number."""
    if value.ndim == 0:
        return torch.empty_like(value)
    return torch.empty_like(parameter, dtype=value.dtype)


def _parameters(
    batched: Optimizer, optimizers: Sequence[Optimizer]
) -> Iterator[tuple[torch.Tensor, tuple[torch.Tensor, ...]]]:
    """Pair each parameter of the batched network with the replicates' parameters."""
    whole = (p for group in batched.param_groups for p in group["params"])
    parts = zip(
        *((p for group in o.param_groups for p in group["params"]) for o in optimizers),
        strict=True,
    )
    return zip(whole, parts, strict=True)


def _join(parts: Sequence[torch.Tensor], whole: torch.Tensor) -> None:
    for own, part in zip(_split(whole, parts[0], len(parts)), parts, strict=True):
        own.copy_(part)


def _split(whole: torch.Tensor, part: torch.Tensor, count: int) -> Sequence[torch.Tensor]:
    """Return each replicate's view of a batched tensor."""
    lengths = zip(whole.shape, part.shape, strict=True)
    axis = next((axis for axis, (ours, theirs) in enumerate(lengths) if ours != theirs), None)
    return [whole] * count if axis is None else whole.chunk(count, dim=axis)
