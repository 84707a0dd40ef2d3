"""Networks: architectures as lists of shapes, in which any spatial layer can stand.

Every network is a stem, spatial layers in residual blocks or one after the other, and a classifier.
All widths are multiples of p (`ModelConfig.width`), but for two 1×1s of `nin`.

- `network`: `Network`, entry with all that the platform must know
- `residual`, `plain`: families with and without shortcuts
- one module for each entry of `NETWORKS`, under the network's name
"""

from pnn_core.parts.entries import Registry, load_entries
from pnn_core.parts.networks.network import Network

NETWORKS: Registry[Network] = load_entries(
    __name__,
    "NETWORK",
    "resnet8",
    "resnet18",
    "resnet34",
    "resnet50",
    "vgg16",
    "lenet",
    "resnet20",
    "resnet56",
    "resnet110",
    "nin",
)
"""Every network by its name, the value of `ModelConfig.network`."""

NETWORK_SETTINGS = frozenset[str]().union(*(network.uses for network in NETWORKS.values()))
"""Settings of `ModelConfig` that some network uses and others do not."""
