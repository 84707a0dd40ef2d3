"""Values of axes, where they can be listed, and their combinations."""

from collections.abc import Iterator, Mapping, Sequence

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from pnn_core.config import ParameterValue


def is_continuous(axis: BaseDistribution) -> bool:
    """Return True if an axis holds more values than can be listed."""
    return isinstance(axis, FloatDistribution) and axis.step is None and not axis.single()


def listed_values(name: str, axis: BaseDistribution) -> Sequence[ParameterValue]:
    """List every value of an axis, in its order; whole numbers take no memory until asked for.

    Raises:
        ValueError: The axis is continuous.
    """
    if isinstance(axis, CategoricalDistribution):
        return list(axis.choices)  # type: ignore[arg-type]  # None is no setting's value
    if isinstance(axis, IntDistribution):
        return range(axis.low, axis.high + 1, axis.step)
    if isinstance(axis, FloatDistribution) and not is_continuous(axis):
        steps = 0 if axis.step is None else round((axis.high - axis.low) / axis.step)
        # Rounding must not carry the last value beyond the axis.
        return [min(axis.low + i * (axis.step or 0.0), axis.high) for i in range(steps + 1)]
    raise ValueError(f"axis {name!r} is continuous: name the values that a grid tries in `grid`")


def combinations(
    values: Mapping[str, Sequence[ParameterValue]],
) -> Iterator[dict[str, ParameterValue]]:
    """Give all combinations, the last name's values varying fastest, one at a time.

    `itertools.product` would hold every value of every axis, and a seed has billions.
    """
    if not values:
        yield {}
        return
    (name, own), *others = values.items()
    for value in own:
        for rest in combinations(dict(others)):
            yield {name: value, **rest}
