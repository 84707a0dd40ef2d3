"""The space of PNN-Bench: small enough for its whole grid to be recorded on a laptop."""

from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from search_spaces.space import SearchSpace

LAYERS = ("perturbation", "conv3x3", "conv1x1", "local_binary")
"""Layers that were recorded: one that is added later is not among them."""

NOISE_LEVELS = (0.01, 0.05, 0.2, 1.0, 5.0)
LEARNING_RATES = (3e-4, 1e-3, 3e-3, 1e-2)

SPACE = SearchSpace(
    name="pnn_bench",
    summary="layer, mask count, fan-out, noise level and learning rate of PNN-ResNet-8 (PNN-Bench)",
    axes={
        "layer": CategoricalDistribution(LAYERS),
        "mask_count": IntDistribution(4, 16, step=4),
        "fan_out": CategoricalDistribution((1, 2, 4)),
        "noise_level": FloatDistribution(min(NOISE_LEVELS), max(NOISE_LEVELS), log=True),
        "learning_rate": FloatDistribution(min(LEARNING_RATES), max(LEARNING_RATES), log=True),
    },
    fixed={"network": "resnet8", "batch_size": 64},
    grid={"noise_level": NOISE_LEVELS, "learning_rate": LEARNING_RATES},
)
