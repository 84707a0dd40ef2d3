"""Several networks of one shape as one network, in which each keeps its own channels.

A batched network maps images `[batch, R * channels, height, width]` to logits
`[batch, R * classes]`, those of the first replicate first, and so between all of its layers. Layers
that work on each channel alone (batch normalisation, ReLU, pools) stay as they are; layers that mix
channels must mix those of one replicate alone: a convolution becomes a grouped one, a matrix
product a batched one.
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
    restore_generators,
    set_generator_states,
)

Module = TypeVar("Module", bound=nn.Module)


class DropoutGenerators:
    """Generator states that each replicate's dropout draws from.

    Args:
        device: Device of the network.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.states: list[dict[str, torch.Tensor]] = []
        """States of torch's global generators, for each replicate; see `EpochState.generators`."""

    def restore(self, epoch_states: Sequence[EpochState]) -> None:
        """Take the states after each replicate's last step; sets torch's global generators."""
        self.states = []
        for epoch_state in epoch_states:
            restore_generators(epoch_state, self.device)
            self.states.append(generator_states(self.device))

    def dropout(self, x: torch.Tensor, p: float, replicate: int) -> torch.Tensor:
        """Apply dropout to a replicate's features, by its own draws; sets torch's generators."""
        set_generator_states(self.states[replicate], self.device)
        if x.ndim == 4:
            # A GPU draws in the order of memory: that of the replicate's own maps.
            x = x.contiguous(memory_format=torch.channels_last)
        dropped = functional.dropout(x, p)
        self.states[replicate] = generator_states(self.device)
        return dropped


def batched_network(networks: Sequence[nn.Module], generators: DropoutGenerators) -> nn.Module:
    """Batch networks of one shape; submodules and parameters keep their names and order.

    Args:
        networks: Networks, or modules of them, as `pnn_core.models.build` builds, on one device.
        generators: States that dropout draws from.

    Returns:
        A network whose parameters and buffers are copies of the others', concatenated.

    Raises:
        TypeError: A module holds parameters and has no batched form.
    """
    first = networks[0]
    match first:
        case nn.Conv2d():
            return _batched_convolution(cast("Sequence[nn.Conv2d]", networks))
        case nn.Linear():
            return BatchedLinear(cast("Sequence[nn.Linear]", networks))
        case nn.BatchNorm2d():
            return _batched_norm(cast("Sequence[nn.BatchNorm2d]", networks))
        case nn.Dropout():
            return BatchedDropout(first.p, len(networks), generators)
        case LeafModule():
            return type(first).pack(cast("Sequence[LeafModule]", networks))
    children = OrderedDict(
        (name, batched_network([network.get_submodule(name) for network in networks], generators))
        for name, _ in first.named_children()
    )
    own: list[torch.Tensor] = [*first.parameters(recurse=False), *first.buffers(recurse=False)]
    if own:
        raise TypeError(f"{type(first).__name__} has no batched form")
    batched = deepcopy(first)
    for name, child in children.items():
        setattr(batched, name, child)
    return batched


class BatchedConv1x1(nn.Module):
    """1×1 convolutions as one batched matrix product, which is faster than a grouped convolution.

    Args:
        convs: Convolutions of one shape, ungrouped; a `StridedConv1x1` first picks the pixels.
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
        layers: Layers of one shape.
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
    """Dropout in which each replicate draws from its own generators.

    Args:
        p: Probability that a feature is set to 0.
        replicates: Number of replicates R.
        generators: States of the replicates' generators, shared by all dropout of a network.
    """

    def __init__(self, p: float, replicates: int, generators: DropoutGenerators) -> None:
        super().__init__()
        self.p = p
        self.replicates = replicates
        self.generators = generators
        # The host sets the generator for each replicate in turn, which a CUDA graph cannot.
        self.can_be_captured = p == 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map `[batch, R * features]`, or maps of as many channels, to the same shape."""
        if not self.training or self.p == 0:
            return x
        each = enumerate(x.chunk(self.replicates, dim=1))
        return torch.cat([self.generators.dropout(own, self.p, r) for r, own in each], dim=1)


def _batched_convolution(convs: Sequence[nn.Conv2d]) -> nn.Module:
    first = convs[0]
    if first.kernel_size == (1, 1) and first.groups == 1:
        return BatchedConv1x1(convs)
    count = len(convs)
    batched = nn.Conv2d(
        count * first.in_channels,
        count * first.out_channels,
        kernel_size=cast("tuple[int, int]", first.kernel_size),
        stride=cast("tuple[int, int]", first.stride),
        padding=cast("tuple[int, int]", first.padding),
        groups=count * first.groups,
        bias=first.bias is not None,
        device="meta",
    )
    batched.weight = joined_parameter([conv.weight for conv in convs])
    if first.bias is not None:
        batched.bias = joined_parameter([conv.bias for conv in convs])
    return batched


def _batched_norm(norms: Sequence[nn.BatchNorm2d]) -> nn.BatchNorm2d:
    device = norms[0].weight.device
    batched = nn.BatchNorm2d(len(norms) * norms[0].num_features, device=device)
    batched.weight = joined_parameter([norm.weight for norm in norms])
    batched.bias = joined_parameter([norm.bias for norm in norms])
    return batched


def _multiply_each(
    rows: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, replicates: int
) -> torch.Tensor:
    """Multiply rows `[n, R * p]` by weights `[R * q, p]` to `[n, R * q]`."""
    inputs = rows.unflatten(1, (replicates, -1)).transpose(0, 1)
    weights = weight.unflatten(0, (replicates, -1)).transpose(1, 2)
    if bias is None:
        outputs = torch.bmm(inputs, weights)
    else:
        outputs = torch.baddbmm(bias.unflatten(0, (replicates, 1, -1)), inputs, weights)
    return outputs.transpose(0, 1).flatten(1)
