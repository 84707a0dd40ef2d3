"""A search space."""

import itertools
import math
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution

from pnn_core.config import (
    DatasetShape,
    ModelConfig,
    Normalisation,
    ParameterValue,
    TrialConfig,
)
from pnn_core.config.checks import require_choice
from pnn_core.parts.networks import NETWORKS
from search_spaces.axis_values import combinations, is_continuous, listed_values
from search_spaces.consistency import require_consistent
from search_spaces.experiment import Experiment
from search_spaces.network import require_network
from search_spaces.setting_names import VARIANT

Point = Mapping[str, ParameterValue]
"""A value for every axis of a space."""


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
        left_out: Names of axes that the space lost with its network, about which they change
            nothing.
        narrowed: Values that it lost to weights of another network; see `search_spaces.narrowed`.

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
    left_out: tuple[str, ...] = field(default=(), compare=False)
    narrowed: tuple[str, ...] = field(default=(), compare=False)

    def __post_init__(self) -> None:
        self._put_variants_first()
        require_consistent(self)

    def with_network(self, network: str) -> "SearchSpace":
        """Return the same space on another network.

        Args:
            network: Takes the place of the fixed one, if there is one.

        A space that searches one's own network among others stays as it is.

        Raises:
            ValueError: There is no network of that name, or the space searches the network, or
                its variants name it, as their sizes may hold for that network alone.
        """
        require_network(network)
        if "network" in self.axes:
            if network in NETWORKS.added and network in self.listed_values("network"):
                return self
            raise ValueError(
                f"network {network} cannot be asked of space {self.name!r}, which searches the "
                "network itself"
            )
        if self._variants_set("network"):
            raise ValueError(
                f"network {network} cannot be asked of space {self.name!r}, whose variants name "
                "theirs; a function SPACE(dataset, network) could make them for it"
            )
        return replace(self, fixed={**self.fixed, "network": network}).without_idle_axes()

    def without_idle_axes(self) -> "SearchSpace":
        """Return the same space without axes that change nothing about its network.

        Raises:
            ValueError: It searches nothing else.
        """
        network = NETWORKS.get(str(self.fixed.get("network")))
        idle = tuple(name for name in self.axes if network and name in network.ignores)
        if not idle:
            return self
        if len(idle) == len(self.axes):
            raise ValueError(
                f"space {self.name!r} searches {', '.join(idle)} alone, which changes nothing "
                f"about network {self.fixed['network']}"
            )
        return replace(
            self,
            axes={name: axis for name, axis in self.axes.items() if name not in idle},
            grid={name: values for name, values in self.grid.items() if name not in idle},
            left_out=(*self.left_out, *idle),
        )

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

    def with_initial_weights(self, name: str, normalisation: Normalisation) -> "SearchSpace":
        """Return the same space with detectors that begin with a network's weights.

        Args:
            name: Name of the weights, as `TrialConfig.initial_weights` has it.
            normalisation: Normalisation of the images that they were learned from.

        Raises:
            ValueError: The space chooses either itself.
        """
        chosen = {"initial_weights": name, "normalisation": normalisation}
        for setting, value in chosen.items():
            if self.sets(setting) and self.fixed.get(setting) != value:
                raise ValueError(f"space {self.name!r} chooses {setting} itself: leave one out")
        return replace(self, fixed={**self.fixed, **chosen})

    def with_own_layer(self, layer: str) -> "SearchSpace":
        """Return the same space with a layer of one's own, if it does not name the layer itself.

        Args:
            layer: Takes the place of the fixed one, if there is one.

        Raises:
            ValueError: The space searches other layers, or its variants name others.
        """
        named = [settings.get("layer") for settings in self.variants.values()]
        if "layer" in self.axes:
            named += self.listed_values("layer")
        if layer in (*named, self.fixed.get("layer")):
            return self
        if any(named):
            raise ValueError(
                f"layer {layer} is none of those that space {self.name!r} compares: a space of "
                "your own can name it"
            )
        return replace(self, fixed={**self.fixed, "layer": layer})

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
        trial = base.with_parameters(settings)
        if refusal := NETWORKS[trial.model.network].refusal(trial.model):
            raise ValueError(refusal)
        return trial

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
        return {name: self.listed_values(name) for name in self.axes}

    def listed_values(self, name: str) -> Sequence[ParameterValue]:
        """List the values of one axis that a grid search tries.

        Raises:
            ValueError: It is continuous and has no values in `grid`.
        """
        return list(self.grid[name]) if name in self.grid else listed_values(name, self.axes[name])

    def grid_points(self, dataset: DatasetShape) -> Iterator[dict[str, ParameterValue]]:
        """Give every valid point of the grid, the last axis varying fastest.

        Of points that describe the same training run (see `run_key`), the first one.

        Raises:
            ValueError: A continuous axis has no values in `grid`.
        """
        listed: set[Hashable] = set()
        for point in combinations(self.grid_values()):
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

    def examples(self, dataset: DatasetShape) -> Iterator[TrialConfig]:
        """Give training runs of the space, of each variant in turn those with its first values.

        Continuous axes stand at their lower ends.

        Args:
            dataset: Shape of the images.
        """
        for alike in itertools.zip_longest(*self.example_points().values()):
            for point in alike:
                if point is not None and (trial := self._trial(point, dataset)) is not None:
                    yield trial

    def example_points(self) -> dict[str | None, Iterator[Point]]:
        """Give points of each variant, of None where there are no variants.

        Continuous axes stand at their lower ends.
        """
        values = {
            name: [axis.low] if isinstance(axis, FloatDistribution) else self.listed_values(name)
            for name, axis in self.parameter_axes.items()
        }
        return {
            variant: combinations(values if variant is None else {VARIANT: [variant], **values})
            for variant in self.variants or [None]
        }

    def _trial(self, point: Point, dataset: DatasetShape) -> TrialConfig | None:
        """The training run that a point describes, or None if it cannot be built."""
        try:
            return self.configure(point, dataset=dataset, epochs=1, seed=0)
        except ValueError:
            return None

    @property
    def parameter_axes(self) -> dict[str, BaseDistribution]:
        """Axes but that of the variants."""
        return {n: axis for n, axis in self.axes.items() if not (n == VARIANT and self.variants)}

    def _variants_set(self, name: str) -> bool:
        return any(name in settings for settings in self.variants.values())

    def _put_variants_first(self) -> None:
        """Give the variants their axis; one that is there is theirs, of the space copied from."""
        if not self.variants:
            return
        own = CategoricalDistribution(tuple(self.variants))
        if self.axes.get(VARIANT, own) != own:
            raise ValueError(f"axis {VARIANT!r} is made of `variants`: leave it out of axes")
        object.__setattr__(self, "axes", {VARIANT: own, **self.parameter_axes})


def _settings(trial: TrialConfig) -> Hashable:
    """All that matters of a training run; see `TrialConfig.parameters`."""
    return frozenset(trial.parameters().items())
