"""Controls: the same network with another spatial layer, of nearly the same size."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from pnn_core.architecture.parameter_count import count_size, size_metric
from pnn_core.config import ModelConfig
from pnn_core.parts.layers import SPATIAL_LAYERS
from pnn_core.parts.networks import NETWORKS

SIZE_TOLERANCE = 0.02
"""Relative difference up to which two networks count as of the same size."""


@dataclass(frozen=True, kw_only=True)
class Control:
    """A control and how well its size fits.

    Attributes:
        model: Network of the control.
        size_difference: Learnable parameters of the control over those of the original, minus 1; in
            detection those of the backbone.
            A width is a whole number: in a small network one step of it can be more than
            `SIZE_TOLERANCE`.
    """

    model: ModelConfig
    size_difference: float


def control(config: ModelConfig, layer: str) -> Control:
    """Put another spatial layer into a network and choose the width that comes nearest in size.

    The size is that of the learnable parameters, in detection of the backbone's.

    Data set, first layer and switches stay, but for those that the other layer does not use. A
    local binary layer has as many filters per channel as the original has masks or, only where that
    misses `SIZE_TOLERANCE`, one if that comes nearer. A network of widths of its own keeps them,
    whatever its size is then.

    Args:
        config: Original network.
        layer: Name of the layer to put into it.

    Raises:
        ValueError: There is no such layer, it cannot stand in a converted network, or a detector
            cannot take its canvas.
    """
    size = count_size(config)
    replaced = config.with_layer(layer)
    if NETWORKS[config.network].has_own_widths:
        return Control(model=replaced, size_difference=count_size(replaced) / size - 1)

    def nearest(fan_out: int) -> Control:
        other = _at_fan_out(replaced, fan_out)
        below, above = _nearest_widths(other, size)
        all_near = range(max(1, below - 1), above + 2)
        near = [w for w in all_near if _can_stand(_at_width(other, w))]
        if not near:
            raise ValueError(NETWORKS[config.network].refusal(_at_width(other, below)))
        width = min(near, key=_misses(other, size))
        model = _at_width(other, width)
        return Control(model=model, size_difference=count_size(model) / size - 1)

    if "fan_out" not in SPATIAL_LAYERS[layer].uses:
        return nearest(1)
    found = nearest(config.fan_out)
    if abs(found.size_difference) <= SIZE_TOLERANCE:
        return found
    return min(found, nearest(1), key=lambda c: abs(c.size_difference))


def width_for(config: ModelConfig, learnable_params: int) -> int:
    """Return the width at which a network has that many learnable parameters.

    In detection they are those of the backbone.

    Args:
        config: Network of any width.
        learnable_params: Wanted size.

    Returns:
        `ModelConfig.width`; `mask_count` is `fan_out` times that.

    Raises:
        ValueError: No width comes within `SIZE_TOLERANCE`, or the network has widths of its own.
    """
    if NETWORKS[config.network].has_own_widths:
        raise ValueError(
            f"network {config.network} has widths of its own, so that it has one size with each "
            f"layer: {size_metric(config)} (={learnable_params}) cannot be chosen"
        )
    below, above = _nearest_widths(config, learnable_params)
    width = min(below, above, key=_misses(config, learnable_params))
    if _misses(config, learnable_params)(width) <= SIZE_TOLERANCE * learnable_params:
        return width
    sizes = " and ".join(
        f"width {w} has {count_size(_at_width(config, w))}" for w in sorted({below, above})
    )
    raise ValueError(
        f"{size_metric(config)} (={learnable_params}) is out of reach of "
        f"{config.network} with layer {config.layer}: {sizes}; accepted are sizes within "
        f"{SIZE_TOLERANCE:.0%} of a width's"
    )


def _nearest_widths(config: ModelConfig, size: int) -> tuple[int, int]:
    """Return the widest that is not larger, and the next width; twice 1 where all are larger."""

    def fits(width: int) -> bool:
        return count_size(_at_width(config, width)) <= size

    if not fits(1):
        return 1, 1
    above = 2
    while fits(above):
        above *= 2
    below = above // 2
    while above - below > 1:
        middle = (below + above) // 2
        below, above = (middle, above) if fits(middle) else (below, middle)
    return below, above


def _misses(config: ModelConfig, size: int) -> Callable[[int], int]:
    """Return how many learnable parameters a width misses the wanted size by."""
    return lambda width: abs(count_size(_at_width(config, width)) - size)


def _can_stand(config: ModelConfig) -> bool:
    return not NETWORKS[config.network].refusal(config)


def _at_width(config: ModelConfig, width: int) -> ModelConfig:
    return replace(config, mask_count=width * config.fan_out)


def _at_fan_out(config: ModelConfig, fan_out: int) -> ModelConfig:
    return replace(config, mask_count=config.width * fan_out, fan_out=fan_out)
