"""Learnable parameters of a network in closed form.

`pnn_core.models.costs` counts the same on the network itself.
"""

from pnn_core.config import DETECTION, TASKS, ModelConfig
from pnn_core.parts.networks import NETWORKS
from pnn_core.parts.networks.network import ShapedNetwork


def count_learnable_params(config: ModelConfig) -> int:
    """Count what the optimiser changes; grows with the width, all else being equal.

    In closed form, but for networks of other libraries and of one's own, which are built for it.
    """
    return NETWORKS[config.network].learnable_params(config)


def count_backbone_params(config: ModelConfig) -> int:
    """Count what the optimiser changes in a network without its heads, in closed form.

    That is the stem and all spatial layers and 1×1s with their normalisations: without a classifier
    or, in detection, without the proposals' network, fully connected layers and outputs.

    Raises:
        ValueError: The network is of another library or of one's own: its parts are not known.
    """
    network = NETWORKS[config.network]
    if not isinstance(network, ShapedNetwork):
        raise ValueError(
            f"network {config.network} is converted: which of its parts are a backbone is not known"
        )
    return network.backbone_params(config)


def size_metric(config: ModelConfig) -> str:
    """Name the metric by which networks of a task count as of the same size."""
    return TASKS[config.dataset.task].size


def count_size(config: ModelConfig) -> int:
    """Count the parameters by which networks of a task count as of the same size."""
    if config.dataset.task == DETECTION:
        return count_backbone_params(config)
    return count_learnable_params(config)
