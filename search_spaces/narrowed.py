"""A space without the values of which some weights are no network's."""

from collections.abc import Callable
from dataclasses import replace
from itertools import islice

from optuna.distributions import CategoricalDistribution, FloatDistribution

from pnn_core.config import DatasetShape, ModelConfig, ParameterValue
from search_spaces.setting_names import VARIANT
from search_spaces.space import SearchSpace

POINTS_TRIED = 1000
"""Number of networks of each variant that are asked. A space of more is not narrowed."""


def narrow(
    space: SearchSpace, dataset: DatasetShape, require_fit: Callable[[ModelConfig], None]
) -> SearchSpace:
    """Leave out the variants, and the values of axes, of which no network fits.

    A value is kept where it fits with some values of the other axes. Axes of floats stay: no shape
    of a network is one. Whole numbers of which some are left out become choices.

    Args:
        space: Search space.
        dataset: Shape of the images.
        require_fit: Function that refuses a network that does not fit, by a `ValueError`.

    Returns:
        Space each of whose networks fits; `narrowed` tells what it lost.

    Raises:
        ValueError: No network fits, the space is a planned experiment, holds too many networks to
            ask each, or some combination of values that fit with others does not; the reason of
            the first that does not fit.
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
    has_more = False
    for points in space.example_points().values():
        for number, point in enumerate(points):
            if number >= POINTS_TRIED:
                has_more = True
                break
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
    if has_more or space.experiment is not None or not all(kept.values()):
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
        if isinstance(axis, FloatDistribution):
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
