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

from pnn_core.layers.local_binary import BinaryConvolution
from pnn_core.layers.perturbation import Perturbation
from pnn_core.models.resnet import StridedConv1x1, every_nth
from pnn_core.training.epoch_state import (
    EpochState,
    generator_states,
    restore_generators,
    set_generator_states,
)

Module = TypeVar("Module", bound=nn.Module)


class DropoutGenerators:
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
            restore_generators(begun, self.device)
            self.states.append(generator_states(self.device))

    def drop(self, x: torch.Tensor, share: float, replicate: int) -> torch.Tensor:
        """Dropout of a replicate's features, by its own draws; sets torch's global generators."""
        set_generator_states(self.states[replicate], self.device)
        dropped = functional.dropout(x, share)
        self.states[replicate] = generator_states(self.device)
        return dropped


def batched_network(networks: Sequence[nn.Module], generators: DropoutGenerators) -> nn.Module:
    """Join networks of one shape; what they share no memory with is of the same names and order.

    Args:
        networks: Of any kind that `pnn_core.models.build` builds, on one device.
        generators: What dropout draws from.

    Returns:
        A network whose parameters and buffers are those of the others, one behind the other.
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
        case Perturbation():
            return BatchedPerturbation(cast("Sequence[Perturbation]", networks))
        case BinaryConvolution():
            return BatchedBinaryConvolution(cast("Sequence[BinaryConvolution]", networks))
    children = OrderedDict(
        (name, batched_network([network.get_submodule(name) for network in networks], generators))
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
        self.weight = _joined_parameter([conv.weight for conv in convs])
        self.bias = None if first.bias is None else _joined_parameter([c.bias for c in convs])

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
        self.weight = _joined_parameter([layer.weight for layer in layers])
        self.bias = _joined_parameter([layer.bias for layer in layers])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map `[batch, R * inputs]` to `[batch, R * outputs]`."""
        return _multiply_each(x, self.weight, self.bias, self.replicates)


class BatchedPerturbation(nn.Module):
    """Noise masks, added to each channel of each replicate.

    Args:
        layers: Of one shape.
    """

    masks: torch.Tensor
    """`[1, R * masks, height, width]`, a buffer or a parameter; see `Perturbation.masks`."""

    def __init__(self, layers: Sequence[Perturbation]) -> None:
        super().__init__()
        first = layers[0]
        self.replicates = len(layers)
        self.fan_out, self.copies, self.scale = first.fan_out, first.copies, first.scale
        if isinstance(first.masks, nn.Parameter):
            self.masks = _joined_parameter([layer.masks for layer in layers], axis=1)
        else:
            self.register_buffer("masks", _joined([layer.masks for layer in layers], axis=1))

    def noise(self) -> torch.Tensor:
        """N of all replicates, `[1, R * m, h, w]`."""
        masks = self.masks if self.scale == 1.0 else self.masks * self.scale
        if self.copies == 1:
            return masks
        each = masks.unflatten(1, (self.replicates, 1, -1))
        repeated: torch.Tensor = each.expand(-1, -1, self.copies, -1, -1, -1).flatten(1, 3)
        return repeated

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Perturb `[batch, R * p, h, w]` to `[batch, R * m, h, w]`."""
        masks = self.masks if self.scale == 1.0 else self.masks * self.scale
        # A channel's masks stand on an axis of their own, so that no channel is repeated in memory.
        shape = (
            (self.replicates, -1, self.fan_out) if self.copies == 1 else (self.replicates, 1, -1)
        )
        channels = x.unflatten(1, (self.replicates, -1, 1))
        maps: torch.Tensor = (channels + masks.unflatten(1, shape)).flatten(1, 3)
        return maps


class BatchedBinaryConvolution(nn.Module):
    """Fixed binary filters of each replicate.

    Args:
        layers: Of one shape.
    """

    filters: torch.Tensor
    """`[R * m, p, 3, 3]`."""

    def __init__(self, layers: Sequence[BinaryConvolution]) -> None:
        super().__init__()
        self.replicates = len(layers)
        self.register_buffer("filters", _joined([layer.filters for layer in layers]))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map `[batch, R * p, h, w]` to `[batch, R * m, h, w]`."""
        return functional.conv2d(x, self.filters, padding=1, groups=self.replicates)


class BatchedDropout(nn.Module):
    """Dropout in which each replicate draws from its own stream.

    Args:
        share: Of the features that are set to 0.
        replicates: R.
        generators: Of the replicates; all dropout of a network draws from the same.
    """

    def __init__(self, share: float, replicates: int, generators: DropoutGenerators) -> None:
        super().__init__()
        self.share = share
        self.replicates = replicates
        self.generators = generators
        # The host sets the generator for each replicate in turn: no CUDA graph can.
        self.can_be_captured = share == 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map `[batch, R * features]` to the same shape."""
        if not self.training or self.share == 0:
            return x
        each = enumerate(x.chunk(self.replicates, dim=1))
        return torch.cat([self.generators.drop(own, self.share, r) for r, own in each], dim=1)


def _batched_convolution(convs: Sequence[nn.Conv2d]) -> nn.Module:
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
    packed.weight = _joined_parameter([conv.weight for conv in convs])
    if first.bias is not None:
        packed.bias = _joined_parameter([conv.bias for conv in convs])
    return packed


def _batched_norm(norms: Sequence[nn.BatchNorm2d]) -> nn.BatchNorm2d:
    device = norms[0].weight.device
    packed = nn.BatchNorm2d(len(norms) * norms[0].num_features, device=device)
    packed.weight = _joined_parameter([norm.weight for norm in norms])
    packed.bias = _joined_parameter([norm.bias for norm in norms])
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


def _joined(tensors: Sequence[torch.Tensor], axis: int = 0) -> torch.Tensor:
    return torch.cat([tensor.detach() for tensor in tensors], dim=axis)


def _joined_parameter(parameters: Sequence[torch.Tensor | None], axis: int = 0) -> nn.Parameter:
    present = [parameter for parameter in parameters if parameter is not None]
    return nn.Parameter(_joined(present, axis), requires_grad=present[0].requires_grad)
