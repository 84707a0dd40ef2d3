"""Networks of other libraries, and of one's own, whose convolutions are turned."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pnn_core.parts.network_libraries import library_of
from pnn_core.parts.networks.network import Network
from pnn_core.parts.stems import STEM_SETTINGS

if TYPE_CHECKING:
    import torch
    from torch import nn

    from pnn_core.config import DatasetShape, ModelConfig

PLAIN_LAYER = "conv3x3"
"""Layer with which nothing is turned: the network with the convolutions that it has."""


@dataclass(frozen=True, kw_only=True)
class ConvertedNetwork(Network):
    """A network as its library or its file builds it, its k×k convolutions turned into a layer.

    Which ones are turned, and which not and why, is what `pnn_core.convert` says. Widths, stem,
    pools and dropout are the network's own.

    Attributes:
        name: Name in `NETWORKS`.
        builder: Function from a data set's shape to a new network, whose weights are drawn from
            torch's global generator; None for a library's own.
        digest: SHA-256 of the file that defines it; its package and version; empty for a library's.
    """

    name: str
    builder: "Callable[[DatasetShape], nn.Module] | None" = field(default=None, repr=False)
    digest: str = ""
    uses: frozenset[str] = frozenset()
    strided: bool = False
    ignores: frozenset[str] = frozenset(
        {"mask_count", "dropout", "stem", "pooling", "before_addition"} | STEM_SETTINGS
    )

    def learnable_params(self, config: "ModelConfig") -> int:
        """Count what the optimiser changes on the network itself: no closed form is known."""
        from pnn_core.models.costs import count_costs

        return count_costs(config).learnable_params

    def new(self, dataset: "DatasetShape") -> "nn.Module":
        """Build the network as it is, before anything is turned.

        Args:
            dataset: Shape of the images, and number of classes.
        """
        from pnn_core.models.library_networks import build_library_network

        if self.builder is None:
            return build_library_network(self.name, dataset)
        return self.builder(dataset)

    def build(self, config: "ModelConfig", generator: "torch.Generator") -> "nn.Module":
        """Build the network and turn its convolutions; see `pnn_core.models.converted`.

        Raises:
            ValueError: The layer cannot stand in the place of each convolution that is turned.
        """
        from pnn_core.models.converted import build_conversion

        return build_conversion(config, self, generator).network


def find_library_network(name: str) -> ConvertedNetwork | None:
    """Return the entry of a library's network; None for any other name.

    If the library has it is known when it is built, as the library is not imported before.
    """
    return ConvertedNetwork(name=name) if library_of(name) else None
