"""Layers side by side, at the same parameter counts."""

from collections.abc import Sequence
from dataclasses import fields, replace

from pnn_core.architecture import control, width_for
from pnn_core.config import MaskConfig, ModelConfig, ParameterValue, StemConfig, TrialConfig
from search_spaces.errors import SpaceError

LAYERS = ("perturbation", "conv3x3", "conv1x1", "local_binary")
"""Layers that stand side by side where nobody chooses others."""

SIZE_FREE = (
    "noise_level",
    "noise_distribution",
    "nonzero_share",
    "stem_noise_level",
    "stem_activation",
    "pooling",
    "before_addition",
    "dropout",
    "initialisation",
)
"""Settings of a network that its parameter count does not depend on."""

_DEFAULTS = {
    f.name: f.default for owner in (ModelConfig, MaskConfig, StemConfig) for f in fields(owner)
}


def equal_size_variants(
    base: ModelConfig, *, learnable_params: Sequence[int], layers: Sequence[str] = LAYERS
) -> dict[str, dict[str, ParameterValue]]:
    """Make variants of a network: each layer at each size, within 2% (`SIZE_TOLERANCE`).

    A variant sets all that its size depends on, the network among it, so that nothing else in the
    space can change the size. What the size does not depend on, such as the noise level, it sets
    only where `base` departs from the default, and else leaves to `axes` and `fixed`.

    Args:
        base: Network in which the layers stand, of any width.
        learnable_params: Sizes to reach.
        layers: Names of the layers.

    Returns:
        For `SearchSpace.variants`: settings by names such as "conv3x3 223481", size by size.

    Raises:
        SpaceError: A layer reaches a size at no width, or is none.
    """
    variants = {}
    for size in learnable_params:
        for layer in layers:
            try:
                other = base if layer == base.layer else control(base, layer).model
                width = width_for(other, size)
            except ValueError as error:
                raise SpaceError(str(error)) from error
            model = replace(other, mask_count=width * other.fan_out)
            variants[f"{layer} {size}"] = _settings(model)
    return variants


def _settings(model: ModelConfig) -> dict[str, ParameterValue]:
    return {
        name: value
        for name, value in TrialConfig(model=model).parameters().items()
        if name in _DEFAULTS and (name not in SIZE_FREE or value != _DEFAULTS[name])
    }
