"""Layers whose maps have noise."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pnn_core.parts.layers.map_layer import COMBINATION_SETTINGS, MapLayer

if TYPE_CHECKING:
    from pnn_core.config import ModelConfig

NOISE_SETTINGS = frozenset({"noise_level", "noise_distribution", "unique_masks"})
"""Settings of noise, however often it is drawn."""


@dataclass(frozen=True, kw_only=True)
class NoiseLayer(MapLayer):
    """A layer that adds noise; at level 0, `noise_off` under another name."""

    uses: frozenset[str] = COMBINATION_SETTINGS | NOISE_SETTINGS | {"trained_masks"}

    def idle(self, config: "ModelConfig") -> frozenset[str]:
        """Name the distribution where there is no noise to distribute."""
        return frozenset({"noise_distribution"} if config.mask.noise_level == 0 else ())

    def also(self, config: "ModelConfig") -> str:
        """Name `noise_off` where there is no noise."""
        return "noise_off" if config.mask.noise_level == 0 else ""
