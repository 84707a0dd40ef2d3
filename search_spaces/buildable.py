"""Checks of a space's networks for images of one shape."""

import itertools
from collections.abc import Hashable

from pnn_core.config import DatasetShape
from pnn_core.parts.networks import NETWORKS
from search_spaces.axis_values import combinations
from search_spaces.setting_names import VARIANT
from search_spaces.space import SearchSpace

POINTS_TRIED = 10_000
"""Number of points that are looked at before a space is taken to hold no network."""


def require_a_network(space: SearchSpace, dataset: DatasetShape) -> None:
    """Check that a space, and each variant of it, holds a network that can be built.

    Continuous axes stand at their lower ends, and `POINTS_TRIED` points are tried of each. In a
    space that is there to be run whole, every combination must be a network.

    Args:
        space: Space to check.
        dataset: Shape of the images.

    Raises:
        ValueError: None could be, or not every one that must; says why the last one could not.
    """
    if space.is_grid:
        _require_whole_grid(space, dataset)
        _require_distinct_arms(space, dataset)
        _require_distinct_variants(space, dataset)
        return
    for variant, points in space.example_points().items():
        reason = ""
        for point in itertools.islice(points, POINTS_TRIED):
            try:
                space.configure(point, dataset=dataset, epochs=1, seed=0)
            except ValueError as error:
                reason = str(error)
            else:
                break
        else:
            holder = f"space {space.name!r}" + (f", variant {variant!r}," if variant else "")
            raise ValueError(f"{holder} holds no network that can be built: {reason}")


def _require_whole_grid(space: SearchSpace, dataset: DatasetShape) -> None:
    """Refuse a table with cells that cannot be run: they would be missing without a word."""
    for point in combinations(space.grid_values()):
        try:
            space.configure(point, dataset=dataset, epochs=1, seed=0)
        except ValueError as error:
            cell = ", ".join(f"{name} (={value!r})" for name, value in point.items())
            raise ValueError(
                f"space {space.name!r} is a grid to be run whole, but {cell} cannot be built: "
                f"{error}"
            ) from error


def _require_distinct_variants(space: SearchSpace, dataset: DatasetShape) -> None:
    """Refuse a converted network in a comparison of sizes and stems, which are its own."""
    network = NETWORKS.get(str(space.fixed.get("network")))
    if network is None or not network.has_own_widths:
        return
    known: dict[Hashable, str | None] = {}
    for variant, points in space.example_points().items():
        other = known.setdefault(space.run_key(next(points), dataset), variant)
        if other != variant:
            raise ValueError(
                f"variants {other!r} and {variant!r} of space {space.name!r} are one with network "
                f"{space.fixed['network']}, whose widths, stem and pools are its own"
            )


def _require_distinct_arms(space: SearchSpace, dataset: DatasetShape) -> None:
    """Refuse an experiment of which two arms would be one training run."""
    if space.experiment is None:
        return
    known: dict[Hashable, str] = {}
    for arm in space.variants:
        other = known.setdefault(space.run_key({VARIANT: arm}, dataset), arm)
        if other != arm:
            raise ValueError(
                f"arms {other!r} and {arm!r} of space {space.name!r} describe the same network"
            )
