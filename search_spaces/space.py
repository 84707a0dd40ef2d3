"""A search space."""

import itertools
import math
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution

from pnn_core.config import PARAMETER_NAMES, DatasetShape, ModelConfig, ParameterValue, TrialConfig
from pnn_core.config.checks import require_choice, require_known
from search_spaces.axis_values import is_continuous, listed_values
from search_spaces.experiment import Experiment
from search_spaces.network import require_network

Point = Mapping[str, ParameterValue]
"""A value for every axis of a space."""

VARIANT = "variant"
"""The axis whose values are names, each of a bundle of settings."""

CHOSEN_ELSEWHERE = ("epochs", "seed")
"""Settings of a training run that the study gives, not the space."""

POINTS_TRIED = 10_000
"""Number of points that are looked at before a space is taken to hold no network."""


@dataclass(frozen=True, kw_only=True)
class SearchSpace:
    """Axes to search, settings that stay fixed, and nothing about how to search them.

    Axes and fixed settings carry the plain names of `TrialConfig`'s fields: `mask_count`,
    `noise_level`, `learning_rate`, … . What neither names keeps `TrialConfig`'s default.

    Trials that are no product of axes are `variants`: names, each of which stands for several
    settings at once. They make an axis of their own, `variant`, before the others.

    Attributes:
        name: Name on the command line and in records.
        summary: One line for `--list-spaces`.
        axes: An Optuna distribution for each searched parameter, `variant` among them where there
            are variants (it need not be given).
        fixed: Settings that every trial shares.
        grid: For each continuous axis, the values that a grid search tries.
        variants: By name, settings that a variant has of its own; none stands in `axes` or `fixed`.
        is_grid: True if the space is there to be run whole, as a table is, and not to be sampled;
            every combination must then be buildable.
        experiment: Comparisons of its variants that the space was made for; None for none. Each
            variant is an arm then, so that the space is a grid of variants alone.

    Raises:
        ValueError: A name is no parameter or is set in two places, a grid is empty or one of its
            values not on its axis, a space to be run whole has a continuous axis without grid
            values, a fan-out does not divide a fixed mask count, or a comparison names no variant.
    """

    name: str
    summary: str
    axes: Mapping[str, BaseDistribution] = field(default_factory=dict)
    fixed: Mapping[str, ParameterValue] = field(default_factory=dict)
    grid: Mapping[str, Sequence[float]] = field(default_factory=dict)
    variants: Mapping[str, Mapping[str, ParameterValue]] = field(default_factory=dict)
    is_grid: bool = False
    experiment: Experiment | None = None

    def __post_init__(self) -> None:
        self._put_variants_first()
        if not self.axes:
            raise ValueError("axes must name at least one parameter to search")
        for name in (*self._parameter_axes, *self.fixed):
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
        for variant in self.variants:
            self._require_own_settings(variant)
        self._require_divisible_mask_count()
        if self.is_grid:
            self.grid_values()
        if self.experiment is not None:
            self._require_arms(self.experiment)

    def with_network(self, network: str) -> "SearchSpace":
        """Return the same space on another network.

        Args:
            network: Takes the place of the fixed one, if there is one.

        Raises:
            ValueError: There is no network of that name, or the space searches the network, or
                its variants name it, as their sizes may hold for that network alone.
        """
        require_network(network)
        if "network" in self.axes:
            raise ValueError(
                f"network {network} cannot be asked of space {self.name!r}, which searches the "
                "network itself"
            )
        if self._variants_set("network"):
            raise ValueError(
                f"network {network} cannot be asked of space {self.name!r}, whose variants name "
                "theirs; a function SPACE(dataset, network) could make them for it"
            )
        return replace(self, fixed={**self.fixed, "network": network})

    def sets(self, name: str) -> bool:
        """Return True if the space searches or fixes a setting, or a variant sets it."""
        return name in self.axes or name in self.fixed or self._variants_set(name)

    def with_augment(self, augment: str) -> "SearchSpace":
        """Return the same space with another augmentation of its training images.

        Args:
            augment: Takes the place of the fixed one, if there is one.

        Raises:
            ValueError: The space searches it, or its variants name it.
        """
        if "augment" in self.axes or self._variants_set("augment"):
            how = "searches augment itself" if "augment" in self.axes else "names it in variants"
            raise ValueError(f"space {self.name!r} {how}: leave one out")
        return replace(self, fixed={**self.fixed, "augment": augment})

    def configure(
        self, point: Point, *, dataset: DatasetShape, epochs: int, seed: int
    ) -> TrialConfig:
        """Return the training run that a point describes.

        Args:
            point: A value for every axis.
            dataset: Shape of the images, which decides the network's size.
            epochs: Passes over the training images.
            seed: Seed of the training run.

        Raises:
            ValueError: The point describes no network that can be built.
        """
        settings = {**self.fixed, **point}
        if self.variants:
            variant = settings.pop(VARIANT, None)
            require_choice(VARIANT, variant, self.variants)
            settings |= self.variants[str(variant)]
        base = TrialConfig(model=ModelConfig(dataset=dataset), epochs=epochs, seed=seed)
        return base.with_parameters(settings)

    def is_valid(self, point: Point, dataset: DatasetShape) -> bool:
        """Return True if a point describes a network that can be built."""
        return self._trial(point, dataset) is not None

    def run_key(self, point: Point, dataset: DatasetShape) -> Hashable:
        """Return a key that points share if they describe the same training run.

        So are noise levels of a network without noise, and variants of the same settings. Epochs
        and seed, which the study gives, are left aside. A point that cannot be built is its own.
        """
        trial = self._trial(point, dataset)
        return frozenset(point.items()) if trial is None else _settings(trial)

    def grid_values(self) -> dict[str, Sequence[ParameterValue]]:
        """List the values of each axis that a grid search tries.

        Raises:
            ValueError: A continuous axis has no values in `grid`.
        """
        return {name: self._values(name) for name in self.axes}

    def grid_points(self, dataset: DatasetShape) -> Iterator[dict[str, ParameterValue]]:
        """Give every valid point of the grid, the last axis varying fastest.

        Of points that describe the same training run (see `run_key`), the first one.

        Raises:
            ValueError: A continuous axis has no values in `grid`.
        """
        listed: set[Hashable] = set()
        for point in _combinations(self.grid_values()):
            trial = self._trial(point, dataset)
            if trial is not None and (settings := _settings(trial)) not in listed:
                listed.add(settings)
                yield point

    def is_finite(self) -> bool:
        """Return True if the space holds finitely many points: no axis is continuous."""
        return not any(is_continuous(axis) for axis in self.axes.values())

    def grid_size(self) -> int:
        """Points of the grid, those that cannot be built included.

        Raises:
            ValueError: A continuous axis has no values in `grid`.
        """
        return math.prod(len(values) for values in self.grid_values().values())

    def require_a_network(self, dataset: DatasetShape) -> None:
        """Check that the space, and each variant of it, holds a network that can be built.

        Continuous axes stand at their lower ends, and `POINTS_TRIED` points are tried of each. In a
        space that is there to be run whole, every combination must be a network.

        Raises:
            ValueError: None could be, or not every one that must; says why the last one could not.
        """
        if self.is_grid:
            self._require_whole_grid(dataset)
            self._require_distinct_arms(dataset)
            return
        values = self._example_values()
        for variant in self.variants or [None]:
            chosen = {} if variant is None else {VARIANT: variant}
            reason = ""
            for point in itertools.islice(_combinations(values), POINTS_TRIED):
                try:
                    self.configure({**chosen, **point}, dataset=dataset, epochs=1, seed=0)
                except ValueError as error:
                    reason = str(error)
                else:
                    break
            else:
                holder = f"space {self.name!r}" + (f", variant {variant!r}," if variant else "")
                raise ValueError(f"{holder} holds no network that can be built: {reason}")

    def examples(self, dataset: DatasetShape) -> Iterator[TrialConfig]:
        """Give training runs of the space, of each variant in turn those with its first values.

        Continuous axes stand at their lower ends.

        Args:
            dataset: Shape of the images.
        """
        points = [
            _combinations(
                ({} if variant is None else {VARIANT: [variant]}) | self._example_values()
            )
            for variant in self.variants or [None]
        ]
        for alike in itertools.zip_longest(*points):
            for point in alike:
                if point is not None and (trial := self._trial(point, dataset)) is not None:
                    yield trial

    def _example_values(self) -> dict[str, Sequence[ParameterValue]]:
        """List the values of each axis but the variants', of a continuous one its lower end."""
        return {
            name: [axis.low] if isinstance(axis, FloatDistribution) else self._values(name)
            for name, axis in self._parameter_axes.items()
        }

    def _require_whole_grid(self, dataset: DatasetShape) -> None:
        """Refuse a table with cells that cannot be run: they would be missing without a word."""
        for point in _combinations(self.grid_values()):
            try:
                self.configure(point, dataset=dataset, epochs=1, seed=0)
            except ValueError as error:
                cell = ", ".join(f"{name} (={value!r})" for name, value in point.items())
                raise ValueError(
                    f"space {self.name!r} is a grid to be run whole, but {cell} cannot be built: "
                    f"{error}"
                ) from error

    def _trial(self, point: Point, dataset: DatasetShape) -> TrialConfig | None:
        """The training run that a point describes, or None if it cannot be built."""
        try:
            return self.configure(point, dataset=dataset, epochs=1, seed=0)
        except ValueError:
            return None

    @property
    def _parameter_axes(self) -> dict[str, BaseDistribution]:
        return {n: axis for n, axis in self.axes.items() if not (n == VARIANT and self.variants)}

    def _variants_set(self, name: str) -> bool:
        return any(name in settings for settings in self.variants.values())

    def _require_arms(self, experiment: Experiment) -> None:
        """Refuse a plan whose arms are not the variants of the space, each one trial."""
        if not self.is_grid or list(self.axes) != [VARIANT]:
            others = ", ".join(self._parameter_axes) or "none"
            raise ValueError(
                "experiment needs a space with is_grid (=True) and no axis but its variants, which "
                f"are its arms: is_grid is {self.is_grid}, and other axes are {others}"
            )
        for comparison in experiment.comparisons:
            for arm in (comparison.first, comparison.second):
                require_known("an arm of the experiment", arm, self.variants)

    def _require_distinct_arms(self, dataset: DatasetShape) -> None:
        """Refuse an experiment of which two arms would be one training run."""
        if self.experiment is None:
            return
        known: dict[Hashable, str] = {}
        for arm in self.variants:
            other = known.setdefault(self.run_key({VARIANT: arm}, dataset), arm)
            if other != arm:
                raise ValueError(
                    f"arms {other!r} and {arm!r} of space {self.name!r} describe the same network"
                )

    def _put_variants_first(self) -> None:
        """Give the variants their axis; one that is there is theirs, of the space copied from."""
        if not self.variants:
            return
        own = CategoricalDistribution(tuple(self.variants))
        if self.axes.get(VARIANT, own) != own:
            raise ValueError(f"axis {VARIANT!r} is made of `variants`: leave it out of axes")
        object.__setattr__(self, "axes", {VARIANT: own, **self._parameter_axes})

    def _values(self, name: str) -> Sequence[ParameterValue]:
        return list(self.grid[name]) if name in self.grid else listed_values(name, self.axes[name])

    def _require_own_settings(self, variant: str) -> None:
        """Refuse settings of a variant that are no parameters or are set elsewhere too."""
        for name in self.variants[variant]:
            _require_parameter(name)
            if name in self.axes or name in self.fixed:
                elsewhere = "searched" if name in self.axes else "fixed"
                raise ValueError(f"{name!r} is both {elsewhere} and set by variant {variant!r}")

    def _require_grid_within_axis(self, name: str) -> None:
        axis = self.axes.get(name)
        if not isinstance(axis, FloatDistribution):
            raise ValueError(f"grid names {name!r}, which is not a continuous axis")
        if not self.grid[name]:
            raise ValueError(
                f"grid of {name!r} (={self.grid[name]!r}) must hold at least one value"
            )
        steps = [] if axis.step is None else [float(v) for v in listed_values(name, axis)]
        for value in self.grid[name]:
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

    def _require_divisible_mask_count(self) -> None:
        """Refuse fan-outs that no trial could use: a slip, not a corner of the space."""
        if "mask_count" not in self.fixed:
            return
        any_dataset = DatasetShape(channels=1, height=8, width=8, classes=2)
        base = TrialConfig(model=ModelConfig(dataset=any_dataset))
        fixed = [self.fixed.get("fan_out", 1)]
        for fan_out in self._values("fan_out") if "fan_out" in self.axes else fixed:
            base.with_parameters({"mask_count": self.fixed["mask_count"], "fan_out": fan_out})


def _combinations(
    values: Mapping[str, Sequence[ParameterValue]],
) -> Iterator[dict[str, ParameterValue]]:
    """All combinations, the last name's values varying fastest, one at a time.

    `itertools.product` would hold every value of every axis, and a seed has billions.
    """
    if not values:
        yield {}
        return
    (name, own), *others = values.items()
    for value in own:
        for rest in _combinations(dict(others)):
            yield {name: value, **rest}


def _settings(trial: TrialConfig) -> Hashable:
    """All that matters of a training run; see `TrialConfig.parameters`."""
    return frozenset(trial.parameters().items())


def _require_parameter(name: str) -> None:
    if name in CHOSEN_ELSEWHERE:
        raise ValueError(f"{name!r} is given by the study (--{name}), not by a space")
    if name == VARIANT:
        raise ValueError(f"{name!r} is no parameter: say in `variants` what each stands for")
    require_known("a parameter", name, PARAMETER_NAMES)
