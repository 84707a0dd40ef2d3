"""The state of several networks and their optimisers, to and from that of a packed network.

A packed tensor holds those of the replicates one behind the other, along the one axis on which it
is longer than theirs; what has no such axis, such as a count of steps, they have in common.
"""

from collections.abc import Iterator, Sequence

import torch
from torch import nn
from torch.optim import Optimizer


@torch.no_grad()
def networks_to_batched(packed: nn.Module, networks: Sequence[nn.Module]) -> None:
    """Copy the networks' parameters and buffers into the packed network."""
    states = [network.state_dict() for network in networks]
    for name, whole in packed.state_dict().items():
        _join([state[name] for state in states], whole)


@torch.no_grad()
def batched_to_networks(packed: nn.Module, networks: Sequence[nn.Module]) -> None:
    """Copy the packed network's parameters and buffers into the networks."""
    states = [network.state_dict() for network in networks]
    for name, whole in packed.state_dict().items():
        parts = [state[name] for state in states]
        for part, own in zip(parts, _split(whole, parts[0], len(parts)), strict=True):
            part.copy_(own)


@torch.no_grad()
def optimizers_to_batched(packed: Optimizer, optimizers: Sequence[Optimizer]) -> None:
    """Copy the optimisers' state and learning rates into the packed network's optimiser.

    Args:
        packed: Its parameters are those of the others, one behind the other, in the same order.
        optimizers: All after as many steps.
    """
    for group, own in zip(packed.param_groups, optimizers[0].param_groups, strict=True):
        group["lr"] = own["lr"]
    for whole, parts in _parameters(packed, optimizers):
        states = [o.state.get(part, {}) for o, part in zip(optimizers, parts, strict=True)]
        packed.state[whole] = {name: _new(whole, value) for name, value in states[0].items()}
        for name, value in packed.state[whole].items():
            _join([state[name] for state in states], value)


@torch.no_grad()
def batched_to_optimizers(packed: Optimizer, optimizers: Sequence[Optimizer]) -> None:
    """Copy the state of the packed network's optimiser into the optimisers."""
    for whole, parts in _parameters(packed, optimizers):
        for name, value in packed.state[whole].items():
            each = _split(value, parts[0] if value.ndim else value, len(parts))
            for optimizer, part, own in zip(optimizers, parts, each, strict=True):
                optimizer.state[part][name] = _new(part, own).copy_(own)


def _new(parameter: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    """Room for an optimiser's value of a parameter: of its shape and strides, or a number."""
    if value.ndim == 0:
        return torch.empty_like(value)
    return torch.empty_like(parameter, dtype=value.dtype)


def _parameters(
    packed: Optimizer, optimizers: Sequence[Optimizer]
) -> Iterator[tuple[torch.Tensor, tuple[torch.Tensor, ...]]]:
    """Each parameter of the packed network with those that it holds."""
    whole = (p for group in packed.param_groups for p in group["params"])
    parts = zip(
        *((p for group in o.param_groups for p in group["params"]) for o in optimizers),
        strict=True,
    )
    return zip(whole, parts, strict=True)


def _join(parts: Sequence[torch.Tensor], whole: torch.Tensor) -> None:
    for own, part in zip(_split(whole, parts[0], len(parts)), parts, strict=True):
        own.copy_(part)


def _split(whole: torch.Tensor, part: torch.Tensor, count: int) -> Sequence[torch.Tensor]:
    """Views of what each replicate has of a packed tensor."""
    lengths = zip(whole.shape, part.shape, strict=True)
    axis = next((axis for axis, (ours, theirs) in enumerate(lengths) if ours != theirs), None)
    return [whole] * count if axis is None else whole.chunk(count, dim=axis)
