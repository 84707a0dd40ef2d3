"""Arms of the experiment on CIFAR-10: one network, eight spatial layers, one size.

Every arm is a ResNet-8 with another spatial layer at the size of the one whose perturbation layers
have 15 masks in the first stage, one for each channel: 11,530 learnable parameters. The 3×3 network
has 1.2% fewer. The 1×1 network is the perturbation network without noise, ReLU and the
normalisation between them, and so has 2.9% fewer.

Each arm's learning rate is the one that `tuning.py` beside this file found on validation images.
"""

from collections.abc import Mapping

from pnn_core.architecture import control
from pnn_core.config import DatasetShape, ModelConfig, ParameterValue, TrialConfig
from search_spaces import Experiment, PlannedComparison, SearchSpace

MASK_COUNT = 15

FIXED: Mapping[str, ParameterValue] = {
    "network": "resnet8",
    "stem": "conv3x3",
    "initialisation": "published",
    "order": "noise_relu_bn_conv",
    "optimizer": "adam",
    "schedule": "tenth_at_60_90",
    "batch_size": 64,
}
"""Settings that all arms share: those of the published code but for network and epochs."""

ARMS: Mapping[str, tuple[str, float | None]] = {
    "noise 1.0": ("perturbation", 1.0),
    "noise 0.1": ("perturbation", 0.1),
    "noise off": ("noise_off", None),
    "constant masks 1.0": ("constant_masks", 1.0),
    "fresh masks 1.0": ("fresh_masks", 1.0),
    "1x1": ("conv1x1", None),
    "3x3": ("conv3x3", None),
    "shift": ("shift", None),
}
"""Spatial layer and noise level of each arm."""

LEARNING_RATES: Mapping[str, float] = {
    "noise 1.0": 0.03,
    "noise 0.1": 0.03,
    "noise off": 0.03,
    "constant masks 1.0": 0.03,
    "fresh masks 1.0": 0.01,
    "1x1": 0.03,
    "3x3": 0.01,
    "shift": 0.03,
}
"""Learning rate that `tuning.py` found for each arm."""

COMPARED: tuple[tuple[str, str], ...] = (
    ("noise 1.0", "noise off"),
    ("noise 0.1", "noise off"),
    ("noise 1.0", "constant masks 1.0"),
    ("noise 1.0", "fresh masks 1.0"),
    ("noise 1.0", "1x1"),
    ("noise 1.0", "3x3"),
    ("noise 1.0", "shift"),
)
"""Pairs of arms that are compared, the one that is named first in front."""

MATTERS = 0.005
"""Difference of test accuracy that would matter, as a fraction."""


def arm_settings(dataset: DatasetShape) -> dict[str, dict[str, ParameterValue]]:
    """Return the settings that each arm does not share with the others."""
    model = ModelConfig(dataset=dataset, mask_count=MASK_COUNT)
    model = TrialConfig(model=model).with_parameters(FIXED).model
    settings: dict[str, dict[str, ParameterValue]] = {}
    for arm, (layer, level) in ARMS.items():
        chosen = model if layer == model.layer else control(model, layer).model
        settings[arm] = {"layer": layer, "mask_count": chosen.mask_count}
        if level is not None:
            settings[arm]["noise_level"] = level
    return settings


def SPACE(dataset: DatasetShape) -> SearchSpace:  # noqa: N802  # the name that every space file defines
    """List the arms and the comparisons named beforehand."""
    settings = arm_settings(dataset)
    return SearchSpace(
        name="cifar10_layers",
        summary="eight spatial layers of equal size on CIFAR-10",
        variants={
            arm: {**settings[arm], "learning_rate": rate} for arm, rate in LEARNING_RATES.items()
        },
        fixed=FIXED,
        is_grid=True,
        experiment=Experiment(
            comparisons=tuple(
                PlannedComparison(first=first, second=second, matters=MATTERS)
                for first, second in COMPARED
            ),
            seeds=8,
        ),
    )
