"""Values of axes, where they can be listed, and their combinations."""

import math
from collections.abc import Iterator, Mapping, Sequence

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from pnn_core.config import ParameterValue
from pnn_core.config.checks import require_choice

_ROUNDING = 1e-9
"""Share of a step by which a value may be beside it."""


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


def read_value(name: str, axis: BaseDistribution, text: str) -> ParameterValue:
    """Read a value of an axis as it is typed.

    Args:
        name: Name of the axis.
        axis: Values that it has.
        text: Value, such as `32` or `perturbation`.

    Raises:
        ValueError: The axis has no such value; says which it has.
    """
    if isinstance(axis, CategoricalDistribution):
        choices: Sequence[ParameterValue] = list(axis.choices)  # type: ignore[arg-type]
        for choice in choices:
            if str(choice).lower() == text.lower() or (
                not isinstance(choice, str | bool) and _number(text) == choice
            ):
                return choice
        require_choice(name, text, map(str, choices))
    number = _number(text)
    low, high = float(axis.low), float(axis.high)  # type: ignore[attr-defined]
    is_whole = isinstance(axis, IntDistribution)
    accepted = f"a {'whole ' if is_whole else ''}number from {low:g} to {high:g}"
    if number is None or not low <= number <= high or (is_whole and not number.is_integer()):
        raise ValueError(f"{name} (={text}) must be {accepted}")
    step: float | None = axis.step  # type: ignore[attr-defined]
    places = 0.0 if step is None else (number - low) / step
    if abs(places - round(places)) > _ROUNDING:
        raise ValueError(f"{name} (={text}) must be {accepted} in steps of {step:g}")
    if is_whole:
        return round(number)
    return number if step is None else min(low + round(places) * step, high)


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
