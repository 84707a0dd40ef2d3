"""Colour of points by any quantity: a scale of what has a size, a look for each name otherwise."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from dashboards.elements.quantity import Quantity
from dashboards.elements.theme import SCALE, capitalised
from dashboards.elements.theme import escape as escaped
from pnn_core.config import ParameterValue
from pnn_core.parts.palette import BLUE, GREEN, GREY, ORANGE, PURPLE, SKY

FLAT_SYMBOLS = ("circle", "square", "triangle-up", "cross", "star")
SPACE_SYMBOLS = ("circle", "square", "cross", "x")
"""Symbols among the few that Plotly draws in space. Diamonds are the front's, in both."""

_COLOURS = (BLUE, GREEN, PURPLE, ORANGE, SKY)  # vermilion is the front's
_OTHER_SYMBOL, _NONE_SYMBOL = "square-open", "circle-open"

_BAR_PIXELS = 280  # fits a phone's plot
_CHARACTER_PIXELS, _GAP_PIXELS = 7, 8
_MOST_TICKS = 8
_MOST_LETTERS = 24  # of a legend's entry
_SUFFIXES = ((1e9, "G"), (1e6, "M"), (1e3, "k"))


class ColourGroup(NamedTuple):
    """Points that share an entry of the legend.

    Attributes:
        name: The entry, as plain text.
        places: Places of the points in the sequence of values.
        marker: Colour, symbol and scale, in Plotly's words.
    """

    name: str
    places: list[int]
    marker: dict[str, object]


def colour_groups(
    quantity: Quantity | None,
    values: Sequence[ParameterValue | None],
    symbols: Sequence[str] = FLAT_SYMBOLS,
) -> tuple[ColourGroup, ...]:
    """Group points by how they look.

    Numbers take one group with a scale and its bar; truth values and texts a group each, the most
    common ones by name and the rest as `other`. What has no value, or no finite one, is grey.

    Args:
        quantity: Quantity that tells the colour; None for one colour.
        values: Values of the quantity, one for each point.
        symbols: For names, the first one for numbers.
    """
    if quantity is None:
        marker: dict[str, object] = {"color": _COLOURS[0], "symbol": symbols[0]}
        return (ColourGroup("trials", list(range(len(values))), marker),) if values else ()
    missing = [i for i, value in enumerate(values) if value is None or not _is_finite(value)]
    absent = set(missing)
    present = [i for i in range(len(values)) if i not in absent]
    numbers = _numbers([values[i] for i in present])
    if numbers is None:
        groups = _named_groups(quantity, values, present, symbols)
    else:
        groups = [_scale_group(quantity, numbers, present, symbols[0])] if present else []
    if missing:
        marker = {"color": GREY, "symbol": _NONE_SYMBOL}
        groups.append(ColourGroup("none", missing, marker))
    return tuple(groups)


class ColourScale:
    """A colour scale that all points of a picture share, logarithmic where that is usual.

    Zero has no logarithm: it lies a factor of ten below the smallest positive value.

    Args:
        quantity: Quantity that has the values.
        values: Finite, of all points drawn.
    """

    def __init__(self, quantity: Quantity, values: Sequence[float]) -> None:
        self._quantity = quantity
        self._values = sorted(set(values))
        self._positive = [value for value in self._values if value > 0]
        self._is_log = quantity.spans_decades and (not self._values or self._values[0] >= 0)

    def place(self, value: float) -> float:
        """Return the place of a value on the scale."""
        if not self._is_log:
            return float(value)
        if value > 0:
            return math.log10(value)
        return math.log10(self._positive[0]) - 1 if self._positive else 0.0

    def marker(self) -> dict[str, object]:
        """The scale and its bar, in Plotly's words for markers."""
        low, high = self._ends()
        return {
            "colorscale": SCALE,
            "cmin": low,
            "cmax": high,
            "showscale": True,
            "colorbar": self._bar(),
        }

    def _ends(self) -> tuple[float, float]:
        places = [self.place(value) for value in self._values] or [0.0]
        low, high = places[0], places[-1]
        # A single value takes the middle.
        return (low, high) if low < high else (low - 0.5, high + 0.5)

    def _bar(self) -> dict[str, object]:
        ticks = self._ticks()
        bar: dict[str, object] = {
            # Below the plot: beside it, it would take a third of a phone's width.
            "orientation": "h",
            "title": {"text": escaped(capitalised(self._quantity.label)), "side": "bottom"},
            "ticks": "outside",
            "lenmode": "pixels",
            "len": _BAR_PIXELS,
            "thickness": 12,
            "outlinewidth": 0,
            "xanchor": "center",
            "x": 0.5,
            "yref": "container",
            "yanchor": "bottom",
            "y": 0.01,
        }
        if not ticks:
            return bar | {"nticks": 5} | ({"tickformat": "~s"} if self._quantity.counts else {})
        return bar | {
            "tickvals": [self.place(tick) for tick in ticks],
            "ticktext": [tick_text(tick) for tick in ticks],
        }

    def _ticks(self) -> list[float]:
        """True values where they are few, else round ones; none leaves them to Plotly."""
        if len(self._values) <= _MOST_TICKS:
            return self._spaced(self._values)
        if not self._is_log:
            return []
        zero = [0.0] if self._values[0] == 0 else []
        for ticks in round_ticks(self._positive[0], self._positive[-1]):
            if len(ticks) <= _MOST_TICKS and self._spaced([*zero, *ticks]) == [*zero, *ticks]:
                return [*zero, *ticks]
        return self._spaced([*zero, self._positive[0], self._positive[-1]])

    def _spaced(self, ticks: Sequence[float]) -> list[float]:
        """Those whose labels do not run into each other."""
        low, high = self._ends()
        kept: list[float] = []
        for tick in ticks:
            if kept:
                room = (self.place(tick) - self.place(kept[-1])) / (high - low) * _BAR_PIXELS
                text, before = tick_text(tick), tick_text(kept[-1])
                letters = (len(text) + len(before)) / 2
                if text == before or room < letters * _CHARACTER_PIXELS + _GAP_PIXELS:
                    continue
            kept.append(tick)
        return kept


def round_ticks(smallest: float, largest: float) -> Iterator[list[float]]:
    """Round values of a logarithmic axis, at least two, from many to few.

    Args:
        smallest: Above 0; no value lies below it.
        largest: No value lies above it.
    """
    decades = range(math.floor(math.log10(smallest)), math.ceil(math.log10(largest)) + 1)
    for digits in ((1, 2, 5), (1, 3), (1,)):
        # Made from text, as 3 · 10⁻² is not quite 0.03.
        ticks = [float(f"{digit}e{decade}") for decade in decades for digit in digits]
        ticks = [tick for tick in ticks if smallest <= tick <= largest]
        if len(ticks) > 1:
            yield ticks


def tick_text(value: float) -> str:
    """A tick's label: three digits, thousands with a suffix."""
    for size, suffix in _SUFFIXES:
        if size <= abs(value) < 1e12:
            return f"{value / size:.3g}{suffix}"
    return f"{value:.3g}"


def is_number(value: ParameterValue | None) -> bool:
    """Return True if a value has a size: a truth value has none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_finite(value: ParameterValue) -> bool:
    return not isinstance(value, float) or math.isfinite(value)


def _numbers(values: Sequence[ParameterValue | None]) -> list[float] | None:
    """The values, if all are numbers."""
    found = [float(value) for value in values if is_number(value) and value is not None]
    return found if len(found) == len(values) else None


def _scale_group(
    quantity: Quantity, numbers: Sequence[float], places: list[int], symbol: str
) -> ColourGroup:
    scale = ColourScale(quantity, numbers)
    # An array: Plotly would look at each element of a list.
    colours = np.array([scale.place(number) for number in numbers])
    return ColourGroup("trials", places, {"color": colours, "symbol": symbol, **scale.marker()})


def _named_groups(
    quantity: Quantity,
    values: Sequence[ParameterValue | None],
    places: Sequence[int],
    symbols: Sequence[str],
) -> list[ColourGroup]:
    names = {i: _name(quantity, values[i]) for i in places}
    counts = Counter(names.values())
    most = min(len(symbols), len(_COLOURS))
    named = sorted(sorted(counts), key=lambda name: -counts[name])[:most]
    looks: Mapping[str, tuple[str, str]] = dict(
        zip(sorted(named), zip(_COLOURS, symbols, strict=False), strict=False)
    )
    members: dict[str, list[int]] = {name: [] for name in looks}
    other: list[int] = []
    for i, name in names.items():
        members.get(name, other).append(i)
    groups = [
        ColourGroup(_shortened(name), members[name], {"color": colour, "symbol": symbol})
        for name, (colour, symbol) in looks.items()
    ]
    if other:
        groups.append(ColourGroup("other", other, {"color": GREY, "symbol": _OTHER_SYMBOL}))
    return groups


def _name(quantity: Quantity, value: ParameterValue | None) -> str:
    """A truth value alone would not tell what is true."""
    return f"{quantity.name}: {value}" if isinstance(value, bool) else quantity.format(value)


def _shortened(name: str) -> str:
    return name if len(name) <= _MOST_LETTERS else f"{name[: _MOST_LETTERS - 1]}…"
