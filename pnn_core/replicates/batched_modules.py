"""Several networks of one shape as one network, in which each keeps its own channels.

A packed network maps images `[batch, R * channels, height, width]` to logits
`[batch, R * classes]`, those of the first replicate first, and so between all of its layers. What
works on each channel alone (batch normalisation, ReLU, pools) then works as it is; what mixes
channels mixes those of one replicate alone: a convolution becomes a grouped one, a matrix product a
batched one.
"""

from collections import OrderedDict
from collections.abc import Sequence
from copy import deepcopy
from typing import TypeVar, cast

import torch
from torch import nn
from torch.nn import functional

from pnn_core.layers.leaf_module import LeafModule, joined_parameter
from pnn_core.models.resnet import StridedConv1x1, every_nth
from pnn_core.training.epoch_state import (
    EpochState,
    generator_states,
    set_generator_states,
    set_generators,
)

Module = TypeVar("Module", bound=nn.Module)


class DropoutStreams:
    """Where each replicate's draws of dropout stand in an epoch.

    Args:
        device: Where the network computes.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.states: list[dict[str, torch.Tensor]] = []
        """Of torch's global generators, of each replicate; see `EpochState.generators`."""

    def begin(self, epochs: Sequence[EpochState]) -> None:
        """Stand where each replicate's last step left off; sets torch's global generators."""
        self.states = []
        for begun in epochs:
            set_generators(begun, self.device)
            self.states.append(generator_states(self.device))

    def drop(self, x: torch.Tensor, share: float, replicate: int) -> torch.Tensor:
        """Dropout of a replicate's features, by its own draws; sets torch's global generators."""
        set_generator_states(self.states[replicate], self.device)
        dropped = functional.dropout(x, share)
        self.states[replicate] = generator_states(self.device)
        return dropped


def pack_networks(networks: Sequence[nn.Module], streams: DropoutStreams) -> nn.Module:
    """Join networks of one shape; what they share no memory with is of the same names and order.

    Args:
        networks: Of any kind that `pnn_core.models.build` builds, on one device.
        streams: What dropout draws from.

    Returns:
        A network whose parameters and buffers are those of the others, one behind the other.
    """
    first = networks[0]
    match first:
        case nn.Conv2d():
            return _pack_convolutions(cast("Sequence[nn.Conv2d]", networks))
        case nn.Linear():
            return BatchedLinear(cast("Sequence[nn.Linear]", networks))
        case nn.BatchNorm2d():
            return _pack_norms(cast("Sequence[nn.BatchNorm2d]", networks))
        case nn.Dropout():
            return BatchedDropout(first.p, len(networks), streams)
        case LeafModule():
            return type(first).pack(cast("Sequence[LeafModule]", networks))
    children = OrderedDict(
        (name, pack_networks([network.get_submodule(name) for network in networks], streams))
        for name, _ in first.named_children()
    )
    own: list[torch.Tensor] = [*first.parameters(recurse=False), *first.buffers(recurse=False)]
    if own:
        raise TypeError(f"{type(first).__name__} cannot be packed")
    packed = deepcopy(first)
    for name, child in children.items():
        setattr(packed, name, child)
    return packed


class BatchedConv1x1(nn.Module):
    """1×1 convolutions as one batched matrix product, which is faster than a grouped convolution.

    Args:
        convs: Of one shape, ungrouped; a `StridedConv1x1` first picks the pixels.
    """

    def __init__(self, convs: Sequence[nn.Conv2d]) -> None:
        super().__init__()
        first = convs[0]
        self.replicates = len(convs)
        self.every = first.every if isinstance(first, StridedConv1x1) else 1
        self.weight = joined_parameter([conv.weight for conv in convs])
        self.bias = None if first.bias is None else joined_parameter([c.bias for c in convs])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map `[batch, R * p, h, w]` to `[batch, R * q, ⌈h/every⌉, ⌈w/every⌉]`."""
        if self.every > 1:
            x = every_nth(x, self.every)
        pixels = x.permute(0, 2, 3, 1)  # for maps that are channels last, no copy
        outputs = _multiply_each(
            pixels.flatten(0, 2), self.weight.flatten(1), self.bias, self.replicates
        )
        maps: torch.Tensor = outputs.unflatten(0, pixels.shape[:3]).permute(0, 3, 1, 2)
        return maps


class BatchedLinear(nn.Module):
    """Linear layers as one batched matrix product.

    Args:
        layers: Of one shape.
    """

    def __init__(self, layers: Sequence[nn.Linear]) -> None:
        super().__init__()
        self.replicates = len(layers)
        self.weight = joined_parameter([layer.weight for layer in layers])
        self.bias = joined_parameter([layer.bias for layer in layers])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map `[batch, R * inputs]` to `[batch, R * outputs]`."""
        return _multiply_each(x, self.weight, self.bias, self.replicates)


class BatchedDropout(nn.Module):
    """Dropout in which each replicate draws from its own stream.

    Args:
        share: Of the features that are set to 0.
        replicates: R.
        streams: Of the replicates; all dropout of a network draws from the same.
    """

    def __init__(self, share: float, replicates: int, streams: DropoutStreams) -> None:
        super().__init__()
        self.share = share
        self.replicates = replicates
        self.streams = streams
        # The host sets the generator for each replicate in turn: no CUDA graph can.
        self.can_be_captured = share == 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map `[batch, R * features]` to the same shape."""
        if not self.training or self.share == 0:
            return x
        each = enumerate(x.chunk(self.replicates, dim=1))
        return torch.cat([self.streams.drop(own, self.share, r) for r, own in each], dim=1)


def _pack_convolutions(convs: Sequence[nn.Conv2d]) -> nn.Module:
    first = convs[0]
    if first.kernel_size == (1, 1) and first.groups == 1:
        return BatchedConv1x1(convs)
    count = len(convs)
    packed = nn.Conv2d(
        count * first.in_channels,
        count * first.out_channels,
        kernel_size=cast("tuple[int, int]", first.kernel_size),
        stride=cast("tuple[int, int]", first.stride),
        padding=cast("tuple[int, int]", first.padding),
        groups=count * first.groups,
        bias=first.bias is not None,
        device="meta",
    )
    packed.weight = joined_parameter([conv.weight for conv in convs])
    if first.bias is not None:
        packed.bias = joined_parameter([conv.bias for conv in convs])
    return packed


def _pack_norms(norms: Sequence[nn.BatchNorm2d]) -> nn.BatchNorm2d:
    device = norms[0].weight.device
    packed = nn.BatchNorm2d(len(norms) * norms[0].num_features, device=device)
    packed.weight = joined_parameter([norm.weight for norm in norms])
    packed.bias = joined_parameter([norm.bias for norm in norms])
    return packed


def _multiply_each(
    rows: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, replicates: int
) -> torch.Tensor:
    """From rows `[n, R * p]` by weights `[R * q, p]` to `[n, R * q]`."""
    inputs = rows.unflatten(1, (replicates, -1)).transpose(0, 1)
    weights = weight.unflatten(0, (replicates, -1)).transpose(1, 2)
    if bias is None:
        outputs = torch.bmm(inputs, weights)
    else:
        outputs = torch.baddbmm(bias.unflatten(0, (replicates, 1, -1)), inputs, weights)
    return outputs.transpose(0, 1).flatten(1)
