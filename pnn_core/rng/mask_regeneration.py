"""Noise masks drawn again from their seed, for who has the configuration alone. Needs no torch.

The counterpart of `pnn_core.layers.masks.draw_masks`: torch's CPU generator is the Mersenne
Twister, seeded with the low 32 bits of a seed, and so is NumPy's frozen `RandomState`.
"""

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pnn_core.config import ModelConfig, TrialConfig
from pnn_core.parts.layers import SPATIAL_LAYERS
from pnn_core.parts.networks import NETWORKS
from pnn_core.parts.networks.network import ShapedNetwork
from pnn_core.parts.noise_masks import NoiseMasks
from pnn_core.parts.stems import STEMS
from pnn_core.rng.blur import blur_matrix
from pnn_core.rng.seeds import Seeds, spawned_seed

MaskPlace = Literal["stem", "layer"]
"""Place of masks: the perturbation stem, or the first perturbation layer behind any stem."""

_BLOCK = 16
"""Normal values that torch makes of as many uniform ones at once; fewer are made one by one."""


@dataclass(frozen=True, kw_only=True)
class MaskDraw(NoiseMasks):
    """Masks of one layer with what they are drawn from.

    Attributes:
        place: Place of the layer.
        seed: Seed of the generator that draws nothing before them.
    """

    place: MaskPlace
    seed: int


def mask_places(model: ModelConfig) -> tuple[MaskPlace, ...]:
    """List where a network has masks, in the order in which an image meets them.

    None of a converted network, whose shapes are not known without building it.
    """
    return tuple(_masks_by_place(model))


def describe_draw(trial: TrialConfig, place: MaskPlace) -> MaskDraw:
    """Find out what a training run draws the masks of one layer from.

    Raises:
        ValueError: The network has no masks in that place.
    """
    model = trial.model
    masks = _masks_by_place(model).get(place)
    if masks is None:
        raise ValueError(
            f"place (={place!r}) has no masks with layer (={model.layer!r}) and "
            f"stem (={model.first_layer.stem!r})"
        )
    seed = Seeds.of(trial).generator_seed("masks")
    own = spawned_seed(seed) if place == "stem" else seed
    return MaskDraw(place=place, seed=own, **vars(masks))


def _masks_by_place(model: ModelConfig) -> dict[MaskPlace, NoiseMasks]:
    network = NETWORKS[model.network]
    if not isinstance(network, ShapedNetwork):
        return {}
    inputs = network.first_inputs(model)
    masks: dict[MaskPlace, NoiseMasks | None] = {
        "stem": STEMS[model.first_layer.stem].noise_masks(model),
        "layer": SPATIAL_LAYERS[model.layer].noise_masks(model, inputs),
    }
    return {place: found for place, found in masks.items() if found is not None}


def replay_masks(draw: MaskDraw, limit: int | None = None) -> NDArray[np.float32]:
    """Draw the masks N of one layer again.

    Uniform ones are equal bit for bit on a CPU with fused multiply-add; without it torch rounds
    twice and its last bit may differ. Normal ones differ by the rounding of log and cos, blurred
    ones by that of sums.

    Args:
        draw: Distribution and level of the noise.
        limit: Masks wanted, from the first one on; None for all.

    Returns:
        `[min(limit, count), height, width]`.
    """
    level = draw.mask.noise_level
    # Trained masks are kept as N/ℓ.
    drawn = replace(draw.mask, noise_level=1.0) if draw.mask.trained_masks else draw.mask
    count = draw.count if limit is None else min(limit, draw.count)
    pixels = draw.height * draw.width
    if drawn.noise_distribution == "uniform":
        values = _uniform(_words(draw.seed, count * pixels), drawn.noise_level)
    else:
        deviation = drawn.noise_level / math.sqrt(3.0)
        values = _normal(draw.seed, draw.count * pixels, count * pixels) * deviation
    masks = values.astype(np.float32).reshape(count, draw.height, draw.width)
    if draw.blur > 0:
        rows, columns = (blur_matrix(side, draw.blur) for side in masks.shape[1:])
        masks = (rows @ masks.astype(np.float64) @ columns.T).astype(np.float32)
    return masks * np.float32(level) if draw.mask.trained_masks else masks


def _words(seed: int, count: int) -> NDArray[np.uint32]:
    """The generator's first numbers of 32 bits."""
    generator = np.random.RandomState(seed & 0xFFFFFFFF)
    return generator.randint(0, 2**32, size=count, dtype=np.uint32)


def _shares(words: NDArray[np.uint32]) -> NDArray[np.float64]:
    """The low 24 bits of each word as a number in [0, 1)."""
    return (words & 0xFFFFFF).astype(np.float64) * 2.0**-24


def _uniform(words: NDArray[np.uint32], level: float) -> NDArray[np.float64]:
    """U(−ℓ, ℓ). Exact: 24 bits times the 24 bits of a float32 level, rounded by who asks."""
    return (2.0 * _shares(words) - 1.0) * float(np.float32(level))


def _normal(seed: int, total: int, wanted: int) -> NDArray[np.float64]:
    """The first of `total` values of mean 0 and variance 1."""
    if total < _BLOCK:
        return _one_by_one(seed, total)[:wanted]
    if wanted <= total - _BLOCK:
        # Only the last values depend on how many there are.
        total = wanted + -wanted % _BLOCK
    rest = total % _BLOCK
    words = _words(seed, total + (_BLOCK if rest else 0))
    values = np.empty(total)
    values[: total - rest] = _blocks(words[: total - rest])
    if rest:
        values[-_BLOCK:] = _blocks(words[total:])  # drawn anew, over the end of the last block
    return values[:wanted]


def _blocks(words: NDArray[np.uint32]) -> NDArray[np.float64]:
    """Box and Muller's transform: the first half of a block gives radii, the second angles."""
    radius_share, angle_share = np.moveaxis(_shares(words).reshape(-1, 2, _BLOCK // 2), 1, 0)
    radius = np.sqrt(-2.0 * np.log(1.0 - radius_share))
    angle = 2.0 * np.pi * angle_share
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1).ravel()


def _one_by_one(seed: int, count: int) -> NDArray[np.float64]:
    """The same transform of 53 bits, two values of two uniform ones: the angle, then the radius."""
    words = _words(seed, 4 * math.ceil(count / 2)).astype(np.uint64).reshape(-1, 2, 2)
    long_words = words[..., 0] << np.uint64(32) | words[..., 1]
    angle_share, radius_share = ((long_words & np.uint64(2**53 - 1)) * 2.0**-53).T
    radius = np.sqrt(-2.0 * np.log1p(-radius_share))
    angle = 2.0 * np.pi * angle_share
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1).ravel()[:count]
