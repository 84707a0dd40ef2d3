"""Sizes of networks in closed form: no network is built, and torch is not needed.

- `parameter_count`: learnable parameters, of whole networks and of backbones
- `matched_size`: the same network with another spatial layer at the same size
"""

from pnn_core.architecture.matched_size import SIZE_TOLERANCE, Control, control, width_for
from pnn_core.architecture.parameter_count import (
    count_backbone_params,
    count_learnable_params,
    count_size,
    size_metric,
)

__all__ = [
    "SIZE_TOLERANCE",
    "Control",
    "control",
    "count_backbone_params",
    "count_learnable_params",
    "count_size",
    "size_metric",
    "width_for",
]
