"""The question of the noise masks, for detectors that two cores can train."""

from optuna.distributions import CategoricalDistribution, FloatDistribution

from search_spaces.detection import RECIPE
from search_spaces.space import SearchSpace

SPACE = SearchSpace(
    name="detection_masks",
    summary="mask count, noise level, fan-out, layer and canvas of small detectors",
    axes={
        "mask_count": CategoricalDistribution((8, 16, 24, 32)),
        "noise_level": FloatDistribution(0.01, 1.0, log=True),
        "fan_out": CategoricalDistribution((1, 2)),
        "layer": CategoricalDistribution(("perturbation", "conv3x3", "conv1x1")),
        "canvas": CategoricalDistribution((160, 224)),
    },
    fixed={
        **RECIPE,
        "network": "resnet8",
        "stem": "conv7x7",
        "batch_size": 2,
        "learning_rate": 0.01,
    },
)
"""Faster R-CNN with a ResNet-8, from scratch: its rate is higher than that for trained weights."""
