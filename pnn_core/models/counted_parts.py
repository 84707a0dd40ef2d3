"""Networks whose parts see different numbers of maps, so that they are counted part by part."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from torch import nn

from pnn_core.config import DatasetShape
from pnn_core.parts.feature_map import FeatureMap


@dataclass(frozen=True, kw_only=True)
class CountedPart:
    """A part of a network, and how often it is applied for one image.

    Attributes:
        module: Module of one tensor.
        inputs: Shape of what it is given.
        times: Maps of that shape for one image.
    """

    module: nn.Module
    inputs: FeatureMap
    times: int


class CountedInParts(nn.Module, ABC):
    """A network of which no pass over a batch of no images shows what one image costs."""

    @abstractmethod
    def counted_parts(self, dataset: DatasetShape, *, training: bool) -> tuple[CountedPart, ...]:
        """List all parts that have layers.

        Args:
            dataset: Shape of the images.
            training: True for a step of training, False for an evaluation; both at most.
        """
