"""Networks: architectures as lists of shapes, in which any spatial layer can stand.

Every network of this project is a stem, spatial layers in residual blocks or one after the other,
and a classifier. All widths are multiples of p (`ModelConfig.width`), but for two 1×1s of `nin`.
Those of other libraries, and of one's own, are converted.

- `network`: `Network`, entry with all that the platform must know
- `detector_network`: the same of one that can be a detector
- `residual`, `plain`: families with and without shortcuts
- `converted`: other people's networks, whose convolutions are turned
- one module for each entry of `NETWORKS`, under the network's name
"""

from pnn_core.parts.entries import Registry, load_entries
from pnn_core.parts.networks.converted import find_library_network
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
    find=find_library_network,
)
"""Every network by its name, the value of `ModelConfig.network`; those of other libraries, such as
`timm:resnet18`, without being listed."""

NETWORK_SETTINGS = frozenset[str]().union(*(network.uses for network in NETWORKS.values()))
"""Settings of `ModelConfig` that some network uses and others do not."""
