"""A search space."""

import difflib
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from pnn_core.config import PARAMETER_NAMES, DatasetShape, ModelConfig, ParameterValue, TrialConfig

Point = Mapping[str, ParameterValue]
"""A value for every axis of a space."""

CHOSEN_ELSEWHERE = ("epochs", "seed")
"""Settings of a training run that the study gives, not the space."""

POINTS_TRIED = 10_000
"""How many points are looked at before a space is taken to hold no network."""


@dataclass(frozen=True, kw_only=True)
class SearchSpace:
    """Axes to search, settings that stay fixed, and nothing about how to search them.

    Axes and fixed settings carry the plain names of `TrialConfig`'s fields: `mask_count`,
    `noise_level`, `learning_rate`, … . What neither names keeps `TrialConfig`'s default.

    Attributes:
        name: How the command line and the records name it.
        summary: One line for `--list-spaces`.
        axes: An Optuna distribution for each searched parameter.
        fixed: Settings that every trial shares.
        grid: For each continuous axis, the values that a grid search tries.

    Raises:
        ValueError: A name is no parameter or stands in both `axes` and `fixed`, a grid value lies
            outside its axis, or a fan-out does not divide a fixed mask count.
    """

    name: str
    summary: str
    axes: Mapping[str, BaseDistribution]
    fixed: Mapping[str, ParameterValue] = field(default_factory=dict)
    grid: Mapping[str, Sequence[float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.axes:
            raise ValueError("axes must name at least one parameter to search")
        for name in (*self.axes, *self.fixed):
            _require_parameter(name)
        for name, distribution in self.axes.items():
            if name in self.fixed:
                raise ValueError(f"{name!r} is both searched and fixed")
            if not isinstance(distribution, BaseDistribution):
                raise ValueError(
                    f"axis {name!r} must be an Optuna distribution, not {distribution!r}"
                )
        for name in self.grid:
            self._require_grid_within_axis(name)
        self._require_divisible_mask_count()

    def configure(
        self, point: Point, *, dataset: DatasetShape, epochs: int, seed: int
    ) -> TrialConfig:
        """The training run that a point describes.

        Args:
            point: A value for every axis.
            dataset: Shape of the images, which decides the network's size.
            epochs: Passes over the training images.
            seed: Of the training run.

        Raises:
            ValueError: The point describes no network that can be built.
        """
        base = TrialConfig(model=ModelConfig(dataset=dataset), epochs=epochs, seed=seed)
        return base.with_parameters({**self.fixed, **point})

    def is_valid(self, point: Point, dataset: DatasetShape) -> bool:
        """Whether a point describes a network that can be built."""
        try:
            self.configure(point, dataset=dataset, epochs=1, seed=0)
        except ValueError:
            return False
        return True

    def grid_values(self) -> dict[str, list[ParameterValue]]:
        """The values of each axis that a grid search tries.

        Raises:
            ValueError: A continuous axis has no values in `grid`.
        """
        return {name: self._values(name) for name in self.axes}

    def grid_points(self, dataset: DatasetShape) -> Iterator[dict[str, ParameterValue]]:
        """Every valid point of the grid, the last axis varying fastest.

        Raises:
            ValueError: A continuous axis has no values in `grid`.
        """
        values = self.grid_values()
        for combination in itertools.product(*values.values()):
            point = dict(zip(values, combination, strict=True))
            if self.is_valid(point, dataset):
                yield point

    def is_finite(self) -> bool:
        """Whether the space holds finitely many points: no axis is continuous."""
        return not any(_is_continuous(axis) for axis in self.axes.values())

    def grid_size(self) -> int:
        """Points of the grid, those that cannot be built included.

        Raises:
            ValueError: A continuous axis has no values in `grid`.
        """
        return math.prod(len(values) for values in self.grid_values().values())

    def require_a_network(self, dataset: DatasetShape) -> None:
        """Check that the space holds a network that can be built.

        Continuous axes stand at their lower ends, and `POINTS_TRIED` points are tried.

        Raises:
            ValueError: None could be; says why the last one could not.
        """
        values = {
            name: [axis.low] if isinstance(axis, FloatDistribution) else self._values(name)
            for name, axis in self.axes.items()
        }
        reason = ""
        for combination in itertools.islice(itertools.product(*values.values()), POINTS_TRIED):
            try:
                point = dict(zip(values, combination, strict=True))
                self.configure(point, dataset=dataset, epochs=1, seed=0)
            except ValueError as error:
                reason = str(error)
            else:
                return
        raise ValueError(f"space {self.name!r} holds no network that can be built: {reason}")

    def _values(self, name: str) -> list[ParameterValue]:
        axis = self.axes[name]
        if name in self.grid:
            return list(self.grid[name])
        if isinstance(axis, CategoricalDistribution):
            return list(axis.choices)  # type: ignore[arg-type]  # None is no setting's value
        if isinstance(axis, IntDistribution):
            return list(range(axis.low, axis.high + 1, axis.step))
        if isinstance(axis, FloatDistribution) and not _is_continuous(axis):
            steps = 0 if axis.step is None else round((axis.high - axis.low) / axis.step)
            # Rounding must not carry the last value beyond the axis.
            return [min(axis.low + i * (axis.step or 0.0), axis.high) for i in range(steps + 1)]
        raise ValueError(
            f"axis {name!r} is continuous: name the values that a grid tries in `grid`"
        )

    def _require_grid_within_axis(self, name: str) -> None:
        axis = self.axes.get(name)
        if not isinstance(axis, FloatDistribution):
            raise ValueError(f"grid names {name!r}, which is not a continuous axis")
        for value in self.grid[name]:
            if not axis.low <= value <= axis.high:
                raise ValueError(
                    f"grid value {value} of {name!r} lies outside its axis, "
                    f"{axis.low:g} to {axis.high:g}"
                )

    def _require_divisible_mask_count(self) -> None:
        """Refuse fan-outs that no trial could use: a slip, not a corner of the space."""
        if "mask_count" not in self.fixed:
            return
        any_dataset = DatasetShape(channels=1, height=8, width=8, classes=2)
        base = TrialConfig(model=ModelConfig(dataset=any_dataset))
        fixed = [self.fixed.get("fan_out", 1)]
        for fan_out in self._values("fan_out") if "fan_out" in self.axes else fixed:
            base.with_parameters({"mask_count": self.fixed["mask_count"], "fan_out": fan_out})


def _is_continuous(axis: BaseDistribution) -> bool:
    return isinstance(axis, FloatDistribution) and axis.step is None and not axis.single()


def _require_parameter(name: str) -> None:
    if name in CHOSEN_ELSEWHERE:
        raise ValueError(f"{name!r} is given by the study (--{name}), not by a space")
    if name not in PARAMETER_NAMES:
        near = difflib.get_close_matches(name, PARAMETER_NAMES, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise ValueError(
            f"{name!r} is not a parameter: accepted are {', '.join(PARAMETER_NAMES)}{hint}"
        )
