"""A space without the values of which some weights are no network's."""

from collections.abc import Callable
from dataclasses import replace
from itertools import islice

from optuna.distributions import CategoricalDistribution

from pnn_core.config import DatasetShape, ModelConfig, ParameterValue
from search_spaces.axis_values import is_continuous
from search_spaces.setting_names import VARIANT
from search_spaces.space import SearchSpace

POINTS_TRIED = 2000
"""Number of a space's points whose networks are asked."""


def narrow(
    space: SearchSpace, dataset: DatasetShape, require_fit: Callable[[ModelConfig], None]
) -> SearchSpace:
    """Leave out the variants, and the values of axes, of which no network fits.

    A value is kept where it fits with some values of the other axes. Continuous axes stay.

    Args:
        space: Search space.
        dataset: Shape of the images.
        require_fit: Function that refuses a network that does not fit, by a `ValueError`.

    Returns:
        Space of whose points, as far as they were tried, each network fits; `narrowed` tells what
        it lost.

    Raises:
        ValueError: Of no network that was tried, of a planned experiment, or of some combination of
            values that each fit with others; the reason of the first.
    """
    refusals: dict[ModelConfig, ValueError | None] = {}

    def refusal(model: ModelConfig) -> ValueError | None:
        if model not in refusals:
            refusals[model] = None
            try:
                require_fit(model)
            except ValueError as error:
                refusals[model] = error
        return refusals[model]

    kept: dict[str, set[ParameterValue]] = {name: set() for name in space.axes}
    first: ValueError | None = None
    for points in space.example_points().values():
        for point in islice(points, POINTS_TRIED):
            if not space.is_valid(point, dataset):
                continue
            model = space.configure(point, dataset=dataset, epochs=1, seed=0).model
            if (error := refusal(model)) is None:
                for name, value in point.items():
                    kept[name].add(value)
            else:
                first = first or error
    if first is None:
        return space
    if space.experiment is not None or not all(kept.values()):
        raise first
    narrowed = _without_lost(space, kept)
    for trial in islice(narrowed.examples(dataset), POINTS_TRIED):
        if (error := refusal(trial.model)) is not None:
            raise error
    return narrowed


def _without_lost(space: SearchSpace, kept: dict[str, set[ParameterValue]]) -> SearchSpace:
    lost = []
    axes, fixed = dict(space.parameter_axes), dict(space.fixed)
    variants = {name: own for name, own in space.variants.items() if name in kept[VARIANT]}
    if left := [name for name in space.variants if name not in variants]:
        lost.append(f"{VARIANT} {', '.join(left)}")
    for name, axis in space.parameter_axes.items():
        if is_continuous(axis):
            continue
        values = space.listed_values(name)
        staying = [value for value in values if value in kept[name]]
        if len(staying) == len(values):
            continue
        lost.append(f"{name} {', '.join(str(v) for v in values if v not in kept[name])}")
        if len(staying) == 1:
            del axes[name]
            fixed[name] = staying[0]
        else:
            axes[name] = CategoricalDistribution(tuple(staying))
    return replace(space, axes=axes, fixed=fixed, variants=variants, narrowed=tuple(lost))
