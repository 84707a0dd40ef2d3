"""Detectors of blood cells: one small network with noise masks, at three levels and four rates."""

from collections.abc import Mapping

from optuna.distributions import CategoricalDistribution

from pnn_core.config import ParameterValue
from search_spaces import SearchSpace

FIXED: Mapping[str, ParameterValue] = {
    "network": "resnet8",
    "stem": "conv7x7",
    "mask_count": 16,
    "fan_out": 1,
    "order": "noise_relu_bn_conv",
    "initialisation": "published",
    "optimizer": "sgd",
    "momentum": 0.9,
    "weight_decay": 5e-4,
    "schedule": "faster_rcnn",
    "batch_size": 2,
    "augment": "crop_flip",
}
"""Settings of the published recipe for detection, but for network, rate and batch size."""

SPACE = SearchSpace(
    name="bccd",
    summary="noise level and learning rate of a detector of one size",
    axes={
        "noise_level": CategoricalDistribution((0.1, 0.3, 1.0)),
        "learning_rate": CategoricalDistribution((0.003, 0.01, 0.03, 0.1)),
    },
    fixed=FIXED,
    is_grid=True,
)
"""Twelve trials of equal size, so that the front is the best of them."""
