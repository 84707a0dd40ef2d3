"""Test of the noise: all layers at equal parameter counts."""

import math
from dataclasses import replace

from pnn_core.architecture import SIZE_TOLERANCE, control
from pnn_core.architecture.parameter_count import count_size
from pnn_core.config import DatasetShape, ModelConfig, StemConfig
from pnn_core.parts.networks import NETWORKS
from search_spaces.equal_size import LAYERS, equal_size_variants
from search_spaces.errors import SpaceError
from search_spaces.network import require_network
from search_spaces.noise_masks import SMALLEST_RESNET18_IMAGE
from search_spaces.paper import first_layer
from search_spaces.space import SearchSpace

RUNGS = 5
"""Sizes of the ladder."""

FEWEST_MASKS = 24
"""Mask count from which the ladder's lowest PNN is sought. The 3×3 network of that size is some
nine channels wide; below, one channel more or less is too much of a step to match anything but by
luck."""

MOST_MASKS = {"resnet8": 64, "lenet": 64}
"""Mask count up to which the highest is sought: networks for small images stay small."""

MOST_MASKS_ELSEWHERE = 128
"""Mask count up to which other networks are sought; that of the published code."""


def SPACE(dataset: DatasetShape, network: str | None = None) -> SearchSpace:  # noqa: N802  # the name that every space file defines
    """List perturbation, 3×3, 1×1 and local binary layers, each at five sizes.

    All else is `TrialConfig`'s default: Adam, an initial learning rate of 1e-3 divided by 10 at
    epochs 60 and 90 of 100 (paper, Section 5.3), batches of 10.
    """
    large = min(dataset.height, dataset.width) >= SMALLEST_RESNET18_IMAGE
    base = ModelConfig(
        dataset=dataset,
        network=require_network(network or ("resnet18" if large else "resnet8")),
        first_layer=StemConfig(stem=first_layer(dataset)),
    )
    return SearchSpace(
        name="controls",
        summary="noise masks against 3×3, 1×1 and local binary layers of equal size, at five sizes",
        variants=equal_size_variants(base, learnable_params=equal_size_ladder(base)),
        is_grid=True,
    )


def equal_size_ladder(base: ModelConfig) -> list[int]:
    """Find sizes of PNNs, about evenly spaced in their logarithm, that all layers can match.

    The smallest and the largest that the other layers match within 2%, and between them those
    nearest to even spacing.

    Args:
        base: PNN of any width.

    Raises:
        SpaceError: There are not enough of them.
    """
    if NETWORKS[base.network].has_own_widths:
        raise SpaceError(
            f"network {base.network} has widths of its own, so that layers cannot be compared at "
            "equal sizes: --confirm compares them at the sizes that they have"
        )
    most_masks = MOST_MASKS.get(base.network, MOST_MASKS_ELSEWHERE)
    models = (replace(base, mask_count=m) for m in range(FEWEST_MASKS, most_masks + 1))
    sizes = {count_size(model): model for model in models}

    def nearest(ideal: float) -> int | None:
        by_distance = sorted(sizes, key=lambda size: abs(math.log(size / ideal)))
        return next((size for size in by_distance if _all_layers_match(sizes[size])), None)

    ladder = set()
    lowest, highest = nearest(min(sizes)), nearest(max(sizes))
    if lowest is not None and highest is not None:
        step = (highest / lowest) ** (1 / (RUNGS - 1))
        ladder = {nearest(lowest * step**rung) for rung in range(RUNGS)}
    if len(ladder) < RUNGS:
        raise SpaceError(
            f"network {base.network} has no {RUNGS} sizes between {min(sizes)} and {max(sizes)} "
            f"learnable parameters that layers {', '.join(LAYERS)} all reach within "
            f"{SIZE_TOLERANCE:.0%}"
        )
    return sorted(size for size in ladder if size is not None)


def _all_layers_match(pnn: ModelConfig) -> bool:
    others = (layer for layer in LAYERS if layer != pnn.layer)
    return all(abs(control(pnn, layer).size_difference) <= SIZE_TOLERANCE for layer in others)
