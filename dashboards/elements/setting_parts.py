"""The values of a setting in parts: one by one while they are few, else in bins."""

import itertools
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from dashboards.elements.quantity import Quantity

FEW_VALUES = 12
"""Up to so many values of a setting stand each for itself; more are put together."""


FEWEST_IN_A_BIN = 3
"""Number of trials that a bin holds in the mean: the median of two says nothing."""

_RANGE = 6
"""Number of distinct values from which on values that hardly return are those of a range."""


class Part(NamedTuple):
    """A part of the values of a setting.

    Attributes:
        label: Its one value, or both ends.
        low: Its lower end, as `high` None of names.
        high: Its upper end.
        places: Places of its members in the sequence that was divided, in order.
    """

    label: str
    low: float | None
    high: float | None
    places: tuple[int, ...]

    @property
    def is_bin(self) -> bool:
        """True if it holds more than one value."""
        return self.low != self.high


def divide(quantity: Quantity, values: Sequence[float | str], *, bins: int) -> tuple[Part, ...]:
    """Divide values into parts, the smallest first.

    Names and few distinct numbers are a part each. More numbers, and those of a range of which
    hardly one returns, are put together in bins of equal width, on a logarithmic scale where that
    is usual for the quantity and nothing is negative; zero is then a part of its own.

    Args:
        quantity: Quantity that has the values.
        values: All numbers, or all names.
        bins: Number of bins, those without a value among them; fewer where they would hold fewer
            than `FEWEST_IN_A_BIN` in the mean.
    """
    places: defaultdict[float | str, list[int]] = defaultdict(list)
    for i, value in enumerate(values):
        places[value].append(i)
    names = {value: found for value, found in places.items() if isinstance(value, str)}
    numbers = {value: found for value, found in places.items() if not isinstance(value, str)}
    if len(numbers) > FEW_VALUES or _is_range(numbers):
        fitting = max(2, len(values) // FEWEST_IN_A_BIN)
        return _bins(quantity, numbers, min(bins, fitting))
    return (
        *(Part(name, None, None, tuple(names[name])) for name in sorted(names)),
        *(Part(quantity.format(v), v, v, tuple(numbers[v])) for v in sorted(numbers)),
    )


def _is_range(numbers: Mapping[float, Sequence[int]]) -> bool:
    """Return True for fractions of which hardly one returns: a mean of one is none."""
    lonely = sum(len(found) == 1 for found in numbers.values())
    has_fractions = any(not float(value).is_integer() for value in numbers)
    return has_fractions and len(numbers) >= _RANGE and lonely > len(numbers) / 2


def _bins(
    quantity: Quantity, places: Mapping[float, Sequence[int]], count: int
) -> tuple[Part, ...]:
    values = np.array(sorted(places), dtype=float)
    zero: tuple[Part, ...] = ()
    log = quantity.spans_decades and values[0] >= 0
    if log and values[0] == 0:
        zero = (Part(quantity.format(0), 0.0, 0.0, tuple(places[0.0])),)
        values = values[1:]
    edges = (np.geomspace if log else np.linspace)(values[0], values[-1], count + 1)
    if all(isinstance(value, int) for value in places):
        edges = np.unique(np.round(edges))  # whole numbers lie between whole ends
    bin_of = np.searchsorted(edges[1:-1], values, side="right")
    parts = []
    for i, (low, high) in enumerate(itertools.pairwise(edges.tolist())):
        members = sorted(j for value in values[bin_of == i].tolist() for j in places[value])
        label = f"{quantity.format(low)}–{quantity.format(high)}"
        parts.append(Part(label, low, high, tuple(members)))
    return (*zero, *parts)
