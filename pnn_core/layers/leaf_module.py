"""Modules with tensors of their own, beside torch's."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Self

import torch
from torch import nn


class LeafModule(nn.Module, ABC):
    """A module with tensors of its own, which says what torch's modules need not say."""

    @property
    @abstractmethod
    def macs_per_output(self) -> int:
        """Multiply-accumulates for each value that the module gives."""

    @classmethod
    @abstractmethod
    def pack(cls, modules: Sequence[Self]) -> nn.Module:
        """Join R modules of one shape into one that keeps the channels of each apart.

        Args:
            modules: Modules on one device.

        Returns:
            A module that maps `[batch, R * channels, height, width]`, those of the first module
            first, and whose tensors are those of the others, one behind the other.
        """


def joined(tensors: Sequence[torch.Tensor], axis: int = 0) -> torch.Tensor:
    """Copy tensors one behind the other."""
    return torch.cat([tensor.detach() for tensor in tensors], dim=axis)


def joined_parameter(parameters: Sequence[torch.Tensor | None], axis: int = 0) -> nn.Parameter:
    """Copy parameters one behind the other into one that is trained if they are."""
    present = [parameter for parameter in parameters if parameter is not None]
    return nn.Parameter(joined(present, axis), requires_grad=present[0].requires_grad)
