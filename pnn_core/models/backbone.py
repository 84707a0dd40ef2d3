"""A network without its classifier, in two parts, as a detector needs it."""

from dataclasses import dataclass

from torch import nn


@dataclass(frozen=True, kw_only=True)
class Backbone:
    """Two parts of a network.

    Their modules have the names that they have in the classifier, so that weights of one fit the
    other (`pnn_core.models.initial_weights`).

    Attributes:
        features: Maps `[batch, channels, canvas, canvas]` to `[batch, *features]`, and a smaller
            image to as much smaller features.
        head: Maps regions `[regions, *region]` to `[regions, outputs]`.
    """

    features: nn.Module
    head: nn.Module
