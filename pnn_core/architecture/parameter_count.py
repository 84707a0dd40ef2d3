"""Learnable parameters of a network in closed form.

`pnn_core.models.costs` counts the same on the network itself.
"""

from pnn_core.config import ModelConfig
from pnn_core.parts.networks import NETWORKS


def count_learnable_params(config: ModelConfig) -> int:
    """Count what the optimiser changes; grows with the width, all else being equal.

    In closed form, but for networks of other libraries and of one's own, which are built for it.
    """
    return NETWORKS[config.network].learnable_params(config)
