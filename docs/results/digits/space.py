"""Arms of the experiment on the digits: one network, eleven spatial layers, one size.

Every arm is a ResNet-18 with another spatial layer at the size of the one whose perturbation layers
have 8 masks in the first stage, one for each channel. Learning rates were chosen for each arm by
`tuning.py` beside this file, on validation images.
"""

from collections.abc import Mapping

from pnn_core.architecture import control
from pnn_core.config import DatasetShape, ModelConfig, ParameterValue
from search_spaces import Experiment, PlannedComparison, SearchSpace

MASK_COUNT = 8
NOISE_LEVEL = 1.0

ARMS: Mapping[str, tuple[str, float]] = {
    "noise": ("perturbation", 0.01),
    "noise off": ("noise_off", 0.03),
    "constant masks": ("constant_masks", 0.01),
    "fresh masks": ("fresh_masks", 0.01),
    "blurred masks": ("blurred_masks", 0.01),
    "1x1": ("conv1x1", 0.01),
    "3x3": ("conv3x3", 0.01),
    "shift": ("shift", 0.03),
    "depthwise": ("depthwise", 0.01),
    "random depthwise": ("random_depthwise", 0.03),
    "average": ("average", 0.03),
}
"""Spatial layer of each arm, and the learning rate that `tuning.py` found for it."""

COMPARED: tuple[str, ...] = tuple(arm for arm in ARMS if arm != "noise")
"""Arms that the noise is compared with, noise off first."""


FIXED: Mapping[str, ParameterValue] = {"noise_level": NOISE_LEVEL, "batch_size": 32}
"""Settings that all arms share, as far as they use them."""


def arm_settings(dataset: DatasetShape) -> dict[str, dict[str, ParameterValue]]:
    """Return the settings that each arm does not share with the others."""
    original = ModelConfig(dataset=dataset, mask_count=MASK_COUNT)
    settings: dict[str, dict[str, ParameterValue]] = {}
    for arm, (layer, _) in ARMS.items():
        model = original if layer == original.layer else control(original, layer).model
        settings[arm] = {"layer": layer, "mask_count": model.mask_count}
    return settings


def SPACE(dataset: DatasetShape) -> SearchSpace:  # noqa: N802  # the name that every space file defines
    """List the arms and what the noise is compared with."""
    settings = arm_settings(dataset)
    return SearchSpace(
        name="digits_layers",
        summary="eleven spatial layers of equal size on the digits",
        variants={arm: {**settings[arm], "learning_rate": rate} for arm, (_, rate) in ARMS.items()},
        fixed=FIXED,
        is_grid=True,
        experiment=Experiment(
            comparisons=tuple(
                PlannedComparison(first="noise", second=arm, matters=0.01) for arm in COMPARED
            ),
            seeds=8,
        ),
    )
