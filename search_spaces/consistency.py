"""Checks of what a space says of itself, whatever the images."""

import math
from typing import TYPE_CHECKING

from optuna.distributions import BaseDistribution, FloatDistribution

from pnn_core.config import DatasetShape, ModelConfig, TrialConfig
from pnn_core.config.checks import require_known
from search_spaces.axis_values import listed_values
from search_spaces.experiment import Experiment
from search_spaces.setting_names import VARIANT, require_parameter

if TYPE_CHECKING:
    from search_spaces.space import SearchSpace


def require_consistent(space: "SearchSpace") -> None:
    """Refuse a space that makes no sense.

    Raises:
        ValueError: See `SearchSpace`.
    """
    if not space.axes:
        raise ValueError("axes must name at least one parameter to search")
    for name in (*space.parameter_axes, *space.fixed):
        require_parameter(name)
    for name, distribution in space.axes.items():
        if name in space.fixed:
            raise ValueError(f"{name!r} is both searched and fixed")
        if not isinstance(distribution, BaseDistribution):
            raise ValueError(f"axis {name!r} must be an Optuna distribution, not {distribution!r}")
    for name in space.grid:
        _require_grid_within_axis(space, name)
    for variant in space.variants:
        _require_own_settings(space, variant)
    _require_divisible_mask_count(space)
    if space.is_grid:
        space.grid_values()
    if space.experiment is not None:
        _require_arms(space, space.experiment)


def _require_own_settings(space: "SearchSpace", variant: str) -> None:
    """Refuse settings of a variant that are no parameters or are set elsewhere too."""
    for name in space.variants[variant]:
        require_parameter(name)
        if name in space.axes or name in space.fixed:
            elsewhere = "searched" if name in space.axes else "fixed"
            raise ValueError(f"{name!r} is both {elsewhere} and set by variant {variant!r}")


def _require_grid_within_axis(space: "SearchSpace", name: str) -> None:
    axis = space.axes.get(name)
    if not isinstance(axis, FloatDistribution):
        raise ValueError(f"grid names {name!r}, which is not a continuous axis")
    if not space.grid[name]:
        raise ValueError(f"grid of {name!r} (={space.grid[name]!r}) must hold at least one value")
    steps = [] if axis.step is None else [float(v) for v in listed_values(name, axis)]
    for value in space.grid[name]:
        if not axis.low <= value <= axis.high:
            raise ValueError(
                f"grid value {value} of {name!r} lies outside its axis, "
                f"{axis.low:g} to {axis.high:g}"
            )
        if steps and not any(math.isclose(value, step) for step in steps):
            raise ValueError(
                f"grid value {value} of {name!r} is no step of its axis: accepted are "
                f"{', '.join(f'{step:g}' for step in steps)}"
            )


def _require_divisible_mask_count(space: "SearchSpace") -> None:
    """Refuse fan-outs that no trial could use: a slip, not a corner of the space."""
    if "mask_count" not in space.fixed:
        return
    any_dataset = DatasetShape(channels=1, height=8, width=8, classes=2)
    base = TrialConfig(model=ModelConfig(dataset=any_dataset))
    fixed = [space.fixed.get("fan_out", 1)]
    for fan_out in space.listed_values("fan_out") if "fan_out" in space.axes else fixed:
        base.with_parameters({"mask_count": space.fixed["mask_count"], "fan_out": fan_out})


def _require_arms(space: "SearchSpace", experiment: Experiment) -> None:
    """Refuse a plan whose arms are not the variants of the space, each one trial."""
    if not space.is_grid or list(space.axes) != [VARIANT]:
        others = ", ".join(space.parameter_axes) or "none"
        raise ValueError(
            "experiment needs a space with is_grid (=True) and no axis but its variants, which "
            f"are its arms: is_grid is {space.is_grid}, and other axes are {others}"
        )
    for comparison in experiment.comparisons:
        for arm in (comparison.first, comparison.second):
            require_known("an arm of the experiment", arm, space.variants)
